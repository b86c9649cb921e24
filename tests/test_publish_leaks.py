"""What `publish` refuses to make public: text of the transcript in chapters, tags or the feed."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from podcast_pipeline.audio import notice, tags
from podcast_pipeline.compose import Composed
from podcast_pipeline.errors import LeakError
from podcast_pipeline.flip import feed_writer, refuse_leaks, secrets_of
from podcast_pipeline.library import sha256_of
from podcast_pipeline.model import Chapter
from podcast_pipeline.objects import StagedObject, chapters_file, staged_file
from tests.evil import FLAGSHIP, make_site
from tests.reader_site import INTERVIEW, Site, transcript_of

SECRET = "because by then I was angry. It said that the wall had been measured"
WORDS = transcript_of(INTERVIEW.read_text(encoding="utf-8"), duration_s=60)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show that is out."""
    made = make_site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


def composed(site: Site, *objects: StagedObject) -> Composed:
    """Return what a publication would store."""
    episode = site.catalog.by_slug(FLAGSHIP)
    assert episode is not None
    return Composed(episode, WORDS, objects)


def refused(site: Site, made: StagedObject) -> str:
    """Return the line of the refusal."""
    publication = composed(site, made)
    with pytest.raises(LeakError) as caught:
        refuse_leaks(secrets_of(WORDS, site.catalog.with_episode(publication.episode)), publication)
    return str(caught.value)


def tagged(folder: Path, *, comment: str, album: str) -> StagedObject:
    """Return an MP3 with tags, as it would be stored."""
    path = folder / "media.mp3"
    shutil.copyfile(notice.PATH, path)
    facts = tags.Tags(title="T", artist="A", album=album, date=date(2026, 1, 1), comment=comment, url="")
    tags.write(path, facts)
    return staged_file("public/audio", FLAGSHIP, path, sha256_of(path), "audio/mpeg")


def test_chapter_text_is_refused(site: Site) -> None:
    """A title that nobody wrote for the public stops the publication, and the line names the object."""
    marks = chapters_file(FLAGSHIP, (Chapter(start_s=0, title=SECRET),), access="public")
    assert refused(site, marks) == f"{marks.key}: would hold text of the transcript; nothing was published"


@pytest.mark.parametrize("where", ["comment", "album"])
def test_a_tag_is_refused(site: Site, tmp_path: Path, where: str) -> None:
    """Any text frame counts, whatever charset it is in."""
    file = tagged(tmp_path, **{"comment": "", "album": "", where: SECRET})
    assert refused(site, file).startswith(f"{file.key}: ")


def test_a_feed_that_holds_it_is_refused(site: Site) -> None:
    """The show's own words are read as well before the feed is replaced."""
    show = site.catalog.show.model_copy(update={"author": f"This week: {SECRET}."})
    write = feed_writer([WORDS], allow=True)
    with pytest.raises(LeakError, match=r"public/feed\.xml: would hold text of the transcript"):
        write(site.catalog.with_show(show), None)


def test_what_is_written_for_the_public_passes(site: Site, tmp_path: Path) -> None:
    """The episode's own title, notes and teaser are no leak."""
    publication = composed(site, tagged(tmp_path, comment="What the memos said.", album="Late Proofs"))
    refuse_leaks(secrets_of(WORDS, site.catalog.with_episode(publication.episode)), publication)
