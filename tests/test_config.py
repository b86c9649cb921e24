"""show.toml and the environment: values, precedence and error messages."""

import os
from pathlib import Path

import pytest

from podcast_pipeline.config import Config, find_show_folder, load_config
from podcast_pipeline.errors import ConfigError

SHOW = """
[show]
id = "00000000-0000-4000-8000-000000000001"
guid = "00000000-0000-4000-8000-000000000002"
title = "The Harbour Report"
description = "News from the harbour"
author = "Ann"
owner_email = "ann@example.com"
categories = ["News"]
hosts = ["Ann Lee"]
"""


def loaded(folder: Path, more: str = "", **environment: str) -> Config:
    (folder / "show.toml").write_text(SHOW + more, encoding="utf-8")
    return load_config(folder, environment)


def refusal(folder: Path, more: str = "", **environment: str) -> str:
    with pytest.raises(ConfigError) as refused:
        loaded(folder, more, **environment)
    line = str(refused.value)
    assert len(line.splitlines()) == 1
    return line.removeprefix(str(folder / "show.toml")).strip()


def test_a_show_alone_is_enough(tmp_path: Path) -> None:
    """Everything but the show itself has a default that works on a laptop."""
    config = loaded(tmp_path)
    assert config.folder == tmp_path
    assert config.state_folder == tmp_path / ".podcast"
    assert (config.urls.site, config.media_url) == ("http://127.0.0.1:8080", "http://127.0.0.1:8080/public")
    assert config.renew_url == config.urls.site
    assert (config.storage.kind, config.access.teaser_words, config.database_url) == ("local", 60, None)


def test_the_show_as_feeds_know_it(tmp_path: Path) -> None:
    """Addresses have no trailing slash, the feed is below media, the rhythm is that of the slots."""
    more = '[urls]\nsite = "https://a.example/"\n[schedule]\nslots = ["TU 06:00", "FR 06:00"]\n'
    show = loaded(tmp_path, more).to_show(artwork_key="public/art/x.jpg")
    assert show.site_url == "https://a.example"
    assert show.feed_url == "https://a.example/public/feed.xml"
    assert show.object_url("public/art/x.jpg") == "https://a.example/public/art/x.jpg"
    assert show.update_rrule == "FREQ=WEEKLY;BYDAY=TU,FR"
    assert [host.name for host in show.hosts] == ["Ann Lee"]


@pytest.mark.parametrize(
    ("name", "text", "table", "key", "value"),
    [
        ("PODCAST_SHOW_TITLE", "1984", "show", "title", "1984"),
        ("PODCAST_SHOW_TITLE", '"Quoted" & true', "show", "title", '"Quoted" & true'),
        ("PODCAST_SHOW_TITLE", "true", "show", "title", "true"),
        ("PODCAST_SHOW_EXPLICIT", "true", "show", "explicit", True),
        (
            "PODCAST_SHOW_CATEGORIES",
            '["News", "Arts > Books"]',
            "show",
            "categories",
            ("News", "Arts > Books"),
        ),
        (
            "PODCAST_SHOW_CATEGORIES",
            "['News', 'Arts > Books',]",
            "show",
            "categories",
            ("News", "Arts > Books"),
        ),
        ("PODCAST_AUDIO_BITRATE_STEREO_KBPS", "192", "audio", "bitrate_stereo_kbps", 192),
        ("PODCAST_AUDIO_LOUDNESS_STEREO_LUFS", "-14.5", "audio", "loudness_stereo_lufs", -14.5),
        ("PODCAST_ACCESS_TEASER_WORDS", "30", "access", "teaser_words", 30),
        ("PODCAST_STORAGE_PUBLIC_BUCKET", "2024", "storage", "public_bucket", "2024"),
        ("PODCAST_STORAGE_PATH_STYLE", "false", "storage", "path_style", False),
    ],
)
def test_the_environment_wins(
    tmp_path: Path, name: str, text: str, table: str, key: str, value: object
) -> None:
    """PODCAST_<TABLE>_<KEY> overrides the file; a list is parsed as TOML, anything else is text."""
    found = getattr(getattr(loaded(tmp_path, **{name: text}), table), key)
    assert found == value
    assert type(found) is type(value)


def test_other_names_are_ignored(tmp_path: Path) -> None:
    """Variables that do not begin with one of our tables have no effect."""
    assert loaded(tmp_path, PODCAST_SPEECH_DIR="/x", PODCAST_FOLDER_X="y", TITLE="z") == loaded(tmp_path)


def test_secrets_come_from_the_environment_and_print_as_stars(tmp_path: Path) -> None:
    """The database's URL and the key are read, and no print of the configuration shows them."""
    config = loaded(tmp_path, PODCAST_DATABASE_URL="postgresql://u:hunter2@db", PODCAST_SECRET_KEY="hunter2")
    assert config.database_url is not None
    assert config.database_url.get_secret_value() == "postgresql://u:hunter2@db"
    assert "hunter2" not in f"{config!r} {config} {config.model_dump_json()}"
    assert loaded(tmp_path, PODCAST_DATABASE_URL="", PODCAST_SECRET_KEY="").secret_key is None


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("titel = 'x'", "[show.titel]: unknown key; did you mean title?"),
        ("zzz = 1", "[show.zzz]: unknown key; remove it"),
        ("[sorage]\nkind = 's3'", "[sorage]: unknown key; did you mean storage?"),
        ("[folder]\nx = 1", "[folder]: unknown key; remove it"),
        ("[secret_key]\nx = 1", "[secret_key]: unknown key; remove it"),
        ("[schedule]\ntimezone = 'Mars'", "[schedule.timezone]: Mars is not a time zone; write one like"),
        (
            "[schedule]\ntimezone = 'America'",
            "[schedule.timezone]: America is not a time zone; write one like",
        ),
        ("[schedule]\nslots = ['TU 25:00']", "[schedule.slots.0]: is 'TU 25:00'; write it like TU 06:00"),
        ("[schedule]\nslots = 'TU 06:00'", "[schedule.slots]: is a single value; write a list"),
        ("[audio]\nbitrate_stereo_kbps = 100", "[audio.bitrate_stereo_kbps]: "),
        ("[access]\nteaser_words = -1", "[access.teaser_words]: "),
        (
            "[urls]\nsite = 'example.com'",
            "[urls.site]: is 'example.com'; write it like https://podcast.example.org",
        ),
        ("[[audio]]\nfade_s = 1", "[audio]: is a table; write [audio] on a line of its own"),
        (
            "[glossary]\nterms = ['A', {name = 'B', sound_like = ['c']}]",
            "[glossary.terms.1.sound_like]: unknown key; did you mean sounds_like?",
        ),
        ("[glossary]\nterms = ['A', '']", "[glossary.terms.1.name]: "),
        ("[glossary]\nterms = [['A']]", "[glossary.terms.0.name]: "),
        ("[", ": is not valid TOML: "),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path: Path, more: str, line: str) -> None:
    """The file, the key and what to do about it, in one line."""
    assert refusal(tmp_path, more).startswith(line)


def test_a_host_s_name_is_not_longer_than_a_feed_allows(tmp_path: Path) -> None:
    """A name too long for a feed is refused when show.toml is read, not when the feed is rendered."""
    assert refusal(tmp_path, PODCAST_SHOW_HOSTS=f'["{"x" * 129}"]').startswith("PODCAST_SHOW_HOSTS: ")
    (tmp_path / "show.toml").write_text(SHOW.replace("Ann Lee", "x" * 129), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\[show\.hosts\.0\.name\]: is longer than 128 characters"):
        load_config(tmp_path, {})


def test_a_blank_host_and_true_for_a_number_are_named(tmp_path: Path) -> None:
    """A name without a letter, and `true` for a number, are refused with their key."""
    (tmp_path / "show.toml").write_text(SHOW.replace('["Ann Lee"]', '["Ann Lee", "  "]'), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\[show\.hosts\.1\.name\]: is blank; write something"):
        load_config(tmp_path, {})
    said = refusal(tmp_path, "[access]\nteaser_words = true\n")
    assert said == "[access.teaser_words]: is true or false, where a number belongs; write one like 3"


def test_a_secret_in_the_file_is_refused(tmp_path: Path) -> None:
    """show.toml is committed to git: a secret in it is an unknown key, and is not read."""
    (tmp_path / "show.toml").write_text('secret_key = "x"\n' + SHOW, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\[secret_key\]: unknown key; remove it$"):
        load_config(tmp_path, {})


def test_a_token_that_no_header_can_hold_names_its_variable(tmp_path: Path) -> None:
    """A line break that was copied with the token is refused when it is read, without printing the token."""
    with pytest.raises(
        ConfigError, match=r"^PODCAST_PODPING_TOKEN: has a character that is no visible ASCII; copy it"
    ) as caught:
        loaded(tmp_path, PODCAST_PODPING_TOKEN="hunter2\n")
    assert "hunter2" not in str(caught.value)


def test_an_unknown_key_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    """The error names the variable, not the file."""
    assert refusal(tmp_path, PODCAST_SHOW_TITEL="x") == (
        "PODCAST_SHOW_TITEL: unknown key; did you mean title?"
    )


def test_a_value_of_the_environment_names_the_variable(tmp_path: Path) -> None:
    """The error about a value names the variable that it came from, not the file."""
    assert refusal(tmp_path, PODCAST_ACCESS_TEASER_WORDS="-1").startswith("PODCAST_ACCESS_TEASER_WORDS: ")
    assert refusal(tmp_path, PODCAST_URLS_SITE="x").startswith("PODCAST_URLS_SITE: is 'x'; write it like")


@pytest.mark.parametrize(
    "site", ["https://ann:hunter2@a.example", "https://a.example/?q=1", "https://a.example#x"]
)
def test_a_site_has_no_password_and_no_query(tmp_path: Path, site: str) -> None:
    """Both would stand in every address of the feed."""
    assert refusal(tmp_path, f"[urls]\nsite = '{site}'").startswith("[urls.site]: is ")


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    """A show without a title says so."""
    (tmp_path / "show.toml").write_text(SHOW.replace('title = "The Harbour Report"', ""), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\[show.title\]: is missing; add it$"):
        load_config(tmp_path, {})


def test_without_a_file_the_line_says_how_to_begin(tmp_path: Path) -> None:
    """No show.toml is not a traceback, and neither is a folder of that name."""
    with pytest.raises(ConfigError, match="podcast init"):
        load_config(tmp_path, {})
    (tmp_path / "show.toml").mkdir()
    with pytest.raises(ConfigError, match="is a folder, a pipe or a device"):
        load_config(tmp_path, {})


def test_the_folder_is_searched_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From anywhere inside a show its folder is found, also by a relative path."""
    deep = tmp_path / "episodes" / "one"
    deep.mkdir(parents=True)
    loaded(tmp_path)
    monkeypatch.chdir(deep)
    assert find_show_folder(deep) == find_show_folder(Path()) == tmp_path


def test_outside_of_a_show_the_line_says_what_to_do(tmp_path: Path) -> None:
    """Where no folder upwards has a show.toml there is no show."""
    with pytest.raises(ConfigError, match="run `podcast init` or pass --project"):
        find_show_folder(tmp_path)


@pytest.mark.parametrize("key", ["show.artwork", "audio.intro", "audio.outro"])
@pytest.mark.parametrize("name", ["../cover.jpg", "/etc/hostname", "C:\\cover.jpg", "a/../../cover.jpg"])
def test_artwork_and_jingles_are_files_beside_show_toml(tmp_path: Path, key: str, name: str) -> None:
    """A path out of the show's folder would publish another file of this machine; the variable is named."""
    variable = f"PODCAST_{key.upper().replace('.', '_')}"
    line = refusal(tmp_path, **{variable: name})
    assert line.startswith(f"{variable}: {name!r} leads out of {tmp_path}; copy the file into it")


def test_a_link_out_of_the_show_is_no_artwork(tmp_path: Path) -> None:
    """Git carries links; one inside of the folder, and a file that is not there yet, are left to later."""
    show, key = tmp_path / "show", tmp_path / "key"
    show.mkdir()
    key.write_text("k")
    (show / "artwork.jpg").symlink_to(key)
    assert refusal(show) == f"[show.artwork]: 'artwork.jpg' leads to {key}; put a plain file in its place"
    (show / "artwork.jpg").unlink()
    assert loaded(show, '[audio]\nintro = "sounds/intro.wav"\n').audio.intro == "sounds/intro.wav"


def test_a_pipe_for_show_toml_is_one_line(tmp_path: Path) -> None:
    """Reading it would wait for ever."""
    os.mkfifo(tmp_path / "show.toml")
    with pytest.raises(ConfigError, match=r"show\.toml: is a folder, a pipe or a device; put a plain file"):
        load_config(tmp_path, {})
