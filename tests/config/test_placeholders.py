"""Placeholders of the sample show: what they are, and which of them are new to listeners."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from podcast_pipeline.config import Config, ShowTable, UrlsTable
from podcast_pipeline.config.placeholders import (
    INIT_COVER,
    SHIPPED_COVERS,
    SHIPPED_TEXTS,
    find_placeholders,
    is_trial,
    tell_placeholders,
)
from podcast_pipeline.model import Show
from podcast_pipeline.pipeline.show_assets import new_placeholders
from tests.support.imported_show import GUID
from tests.support.paths import PACKAGE, ROOT

SAMPLE, DEMO = INIT_COVER, next(iter(SHIPPED_COVERS - {INIT_COVER}))
OWN = "0" * 64
REAL: dict[str, object] = {
    "title": "The Harbour Hour",
    "description": "News from the quays.",
    "author": "Quay Radio",
    "owner_email": "desk@quayradio.fm",
}


def config_of(site: str, *, media: str | None = None, **show: object) -> Config:
    table = ShowTable.model_validate(
        {"id": GUID, "guid": GUID, "categories": ["News"], **REAL, **show}  # the rest is the newsroom's own
    )
    return Config(folder=Path("/show"), show=table, urls=UrlsTable(site=site, media=media))


def keys(config: Config, cover: str = OWN) -> list[str]:
    return [one.key for one in find_placeholders(config, cover_sha256=cover)]


def test_a_show_of_one_s_own_has_none() -> None:
    """A show with its own title, author, addresses and cover has no placeholder."""
    assert keys(config_of("https://pod.quayradio.fm")) == []


def test_everything_that_init_writes_is_one() -> None:
    """Title, description, author, owner and cover of `podcast init` are placeholders, in any spelling."""
    config = config_of("https://pod.quayradio.fm", **{**SHIPPED_TEXTS, "owner_email": "podcast@example.org"})
    expected = ["show.title", "show.description", "show.author", "show.owner_email", "show.artwork"]
    assert keys(config, SAMPLE) == expected
    assert keys(config_of("https://pod.quayradio.fm", title="  MY  show. ")) == ["show.title"]
    assert tell_placeholders(find_placeholders(config, cover_sha256=OWN)[:1]) == "show.title (“My show”)"


@pytest.mark.parametrize("host", ["example.org", "pod.Example.com", "a.b.example.net.", "EXAMPLE.NET:8443"])
def test_addresses_that_belong_to_nobody_are_placeholders(host: str) -> None:
    """Addresses at example.org, .com and .net, and below them, are placeholders wherever they stand."""
    config = config_of(f"https://{host}", media=f"https://media.{host}/public")
    assert keys(config) == ["urls.site", "urls.media"]
    assert keys(config_of("https://counterexample.org")) == []


@pytest.mark.parametrize(
    ("site", "trial"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://127.9.9.9", True),
        ("http://localhost:1234/pods", True),
        ("http://[::1]:8080", True),
        ("http://pod.localhost", True),
        ("http://192.168.1.7", False),
        ("https://127.0.0.1.nip.io", False),
        ("https://localhost.quayradio.fm", False),
    ],
)
def test_only_this_machine_is_a_trial(site: str, trial: bool) -> None:
    """A show is a trial where site, media and feed are all on loopback."""
    assert is_trial(config_of(site).to_show(artwork_key=None)) is trial
    assert not is_trial(config_of(site, media="https://cdn.quayradio.fm").to_show(artwork_key=None))


def show(config: Config, cover: str = OWN) -> Show:
    return config.to_show(artwork_key=f"public/art/{cover[:16]}.jpg")


def new(config: Config, seen: Show | None, cover: str = OWN, *, moved: bool = False) -> list[str]:
    found = find_placeholders(config, cover_sha256=cover)
    return [one.key for one in new_placeholders(found, show(config, cover), seen, moved=moved)]


def test_the_first_publication_shows_them_all() -> None:
    """Before anything is out every placeholder is new, and also after a trial on this machine."""
    config = config_of("https://pod.quayradio.fm", title="My show")
    trial = show(config_of("http://127.0.0.1:8080", title="My show"), SAMPLE)
    assert new(config, None, SAMPLE) == ["show.title", "show.artwork"]
    assert new(config, trial, SAMPLE) == ["show.title", "show.artwork"]


def test_what_is_out_already_is_not_new() -> None:
    """A placeholder that listeners have is new no more; another one that comes later is."""
    config = config_of("https://pod.quayradio.fm", title="My show")
    assert new(config, show(config, SAMPLE), SAMPLE) == []
    assert new(config, show(config), SAMPLE) == ["show.artwork"]


def test_a_trial_is_left_alone() -> None:
    """On this machine nothing is asked, but for the cover of `init` over a show that moved here."""
    config = config_of("http://127.0.0.1:8080", title="My show")
    assert new(config, None, SAMPLE) == []
    assert new(config, None, SAMPLE, moved=True) == ["show.artwork"]
    assert new(config, None, DEMO, moved=True) == []  # it came with the old feed
    assert new(config, show(config, SAMPLE), SAMPLE, moved=True) == []


def test_every_cover_that_was_ever_shipped_is_known() -> None:
    """The covers of the package and of the sample show are in the list, those of earlier commits too."""
    now = [ROOT / "artwork.jpg", PACKAGE / "episodes/template/artwork.jpg"]
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in now} <= SHIPPED_COVERS
    names = [
        "artwork.jpg",
        "podcast_pipeline/data/artwork.jpg",
        "podcast_pipeline/episodes/template/artwork.jpg",
    ]
    log = ["git", "log", "--format=", "--raw", "--no-abbrev", "--", *names]
    lines = subprocess.run(log, cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines()
    blobs = {line.split()[3] for line in lines if line} - {"0" * 40}
    for blob in sorted(blobs):
        data = subprocess.run(
            ["git", "cat-file", "blob", blob], cwd=ROOT, capture_output=True, check=True
        ).stdout
        assert hashlib.sha256(data).hexdigest() in SHIPPED_COVERS
