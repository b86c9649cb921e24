"""episode.toml: what a person may type."""

from pathlib import Path

import pytest

from podcast_pipeline.episodes.table import EPISODE_FILE, read_table
from podcast_pipeline.errors import ConfigError
from podcast_pipeline.model import Person

TOML = """id = "10000000-0000-4000-8000-000000000001"
guid = "g"
slug = "a"
title = "A"
source = "source.wav"
[[chapters]]
start_s = 0
title = "JavaScript: a word"
url = '{}'
"""


def chapter_url(folder: Path, url: str) -> str | None:
    (folder / EPISODE_FILE).write_text(TOML.format(url), encoding="utf-8")
    return read_table(folder / EPISODE_FILE, "a").chapters[0].url


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "file:///x", "vbscript:x"],
)
def test_an_address_that_runs_is_refused(tmp_path: Path, url: str) -> None:
    """A chapter's link of another scheme is one line that names the file and the address."""
    with pytest.raises(ConfigError, match=r"is no http\(s\) address") as refused:
        chapter_url(tmp_path, url)
    assert "\n" not in str(refused.value)
    assert EPISODE_FILE in str(refused.value)


@pytest.mark.parametrize(
    ("url", "kept"),
    [("https://n.example/x", "https://n.example/x"), ("www.n.example/x", None), ("localhost:8080/x", None)],
)
def test_other_addresses_are_read(tmp_path: Path, url: str, kept: str | None) -> None:
    """An http(s) address stays; one without a scheme, which was valid before, leads nowhere."""
    assert chapter_url(tmp_path, url) == kept


def test_what_an_earlier_import_wrote_is_read(tmp_path: Path) -> None:
    """The file of an imported episode, which has no source, stays valid; its link leads nowhere."""
    text = TOML.format("javascript:alert(1)").replace('source = "source.wav"\n', "")
    (tmp_path / EPISODE_FILE).write_text(text, encoding="utf-8")
    (chapter,) = read_table(tmp_path / EPISODE_FILE, "a").chapters
    assert (chapter.title, chapter.url) == ("JavaScript: a word", None)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ('"1:09"', 69.0),
        ('"01:02:03.5"', 3723.5),
        ("00:01:09", 69.0),
        ("00:01:09.25", 69.25),
        ('"69"', 69.0),
        ("69", 69.0),
    ],
)
def test_times_as_a_clock(tmp_path: Path, written: str, seconds: float) -> None:
    """Chapters and soundbites begin at seconds, or at a time as a player shows it."""
    bite = f'[[soundbites]]\nstart_s = {written}\nduration_s = "0:20"\n'
    text = TOML.format("https://n.example").replace("start_s = 0", f"start_s = {written}") + bite
    (tmp_path / EPISODE_FILE).write_text(text, encoding="utf-8")
    table = read_table(tmp_path / EPISODE_FILE, "a")
    assert [table.chapters[0].start_s, table.soundbites[0].start_s, table.soundbites[0].duration_s] == [
        seconds,
        seconds,
        20,
    ]


@pytest.mark.parametrize("written", ['"1:2:3:4"', '"1:75"', '"1:75:00"', '"soon"', '"-1:00"', '""'])
def test_what_is_no_time(tmp_path: Path, written: str) -> None:
    """Another text is refused in one line that says how a time is written."""
    text = TOML.format("https://n.example").replace("start_s = 0", f"start_s = {written}")
    (tmp_path / EPISODE_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"is no time; write seconds like 65[.]5, or a clock") as refused:
        read_table(tmp_path / EPISODE_FILE, "a")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('season = "two"', "[season]: is not a whole number; write one like 3, without quotes"),
        ("season = true", "[season]: is true or false, where a number belongs; write one like 3"),
        (
            'soundbites = [{start_s = 0, duration_s = true, title = "x"}]',
            "[soundbites.0.duration_s]: is true or false, where a number belongs; write one like 3",
        ),
        ('hosts = ["Ann", " "]', "[hosts.1.name]: is blank; write something, or take it out"),
        (
            f'tracks = [{{name = " ", file = "t.wav", sha256 = "{"0" * 64}"}}]',
            "[tracks.0.name]: is blank; write something, or take it out",
        ),
        ("season = 0", "[season]: is less than 1; write 1 or more"),
        ('explicit = "maybe"', "[explicit]: is neither true nor false; write one of them, without quotes"),
        ('type = "Full"', "[type]: is not one of 'full', 'trailer' or 'bonus'; write one of them"),
        ('tags = ["harbour"]', "[tags]: unknown key; did you mean topics?"),
        ('language = "Klingonisch"', "[language]: is 'Klingonisch'; write it like en or pt-BR"),
        (
            "soundbites = [{start_s = [1], duration_s = 9}]",
            "[soundbites.0.start_s]: is not a number; write one like 12.5, without quotes",
        ),
        ("speakers = 99", "[speakers]: is more than 20; write 20 or less"),
    ],
)
def test_a_wrong_value_is_said_in_plain_words(tmp_path: Path, line: str, said: str) -> None:
    """Each kind of wrong value is one line with the key, what is wrong and what to write."""
    text = TOML.format("https://n.example").replace("[[chapters]]", f"{line}\n[[chapters]]")
    (tmp_path / EPISODE_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        read_table(tmp_path / EPISODE_FILE, "a")
    assert str(refused.value) == f"{tmp_path / EPISODE_FILE} {said}"


def test_an_imported_episode_keeps_the_language_of_its_old_feed(tmp_path: Path) -> None:
    """What an old feed called its language stays readable; no producer wrote it."""
    text = TOML.format("https://n.example").replace('source = "source.wav"', 'language = "English"')
    (tmp_path / EPISODE_FILE).write_text(text, encoding="utf-8")
    assert read_table(tmp_path / EPISODE_FILE, "a").language == "English"


PERSONS = """id = "10000000-0000-4000-8000-000000000001"
guid = "g"
slug = "a"
title = "A"
source = "source.wav"
hosts = ["Ann Ferrer"]
guests = ["Bo Lind", { name = "Cy Moss", url = "https://cy.example", image_url = "https://cy.example/c.jpg" }]
"""


def test_a_person_is_a_name_or_a_table(tmp_path: Path) -> None:
    """A guest may have a page and a picture; a name alone stays enough."""
    (tmp_path / EPISODE_FILE).write_text(PERSONS, encoding="utf-8")
    table = read_table(tmp_path / EPISODE_FILE, "a")
    assert [guest.to_person("guest") for guest in (*table.hosts, *table.guests)] == [
        Person(name="Ann Ferrer", role="guest"),
        Person(name="Bo Lind", role="guest"),
        Person(name="Cy Moss", role="guest", url="https://cy.example", image_url="https://cy.example/c.jpg"),
    ]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "cy.example"])
def test_a_persons_address_is_of_the_web(tmp_path: Path, url: str) -> None:
    """Another address is refused with the key's name: it would run, or lead nowhere."""
    (tmp_path / EPISODE_FILE).write_text(PERSONS.replace('https://cy.example"', f'{url}"'), encoding="utf-8")
    with pytest.raises(ConfigError, match="url"):
        read_table(tmp_path / EPISODE_FILE, "a")
