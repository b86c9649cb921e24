"""`publish` refuses text of the transcript in chapters, tags, pictures or the feed."""

import io
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image, PngImagePlugin

from podcast_pipeline.audio import notice, tags
from podcast_pipeline.errors import LeakError
from podcast_pipeline.feed.rss import PublicAudience, render_feed
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model import Chapter, Person
from podcast_pipeline.pipeline.assemble import AssembledEpisode
from podcast_pipeline.pipeline.commit import check_leaks, make_feed_renderer, secret_shingles
from podcast_pipeline.storage.objects import StagedObject, chapters_file, stage_bytes, stage_file
from tests.support.leaky_site import FLAGSHIP, make_site
from tests.support.site import INTERVIEW, NOW, Site, transcript_of

SECRET = "because by then I was angry. It said that the wall had been measured"
WORDS = transcript_of(INTERVIEW.read_text(encoding="utf-8"), duration_s=60)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show that is out."""
    made = make_site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


def composed(site: Site, *objects: StagedObject) -> AssembledEpisode:
    """Return the objects that a publication would store."""
    episode = site.catalog.by_slug(FLAGSHIP)
    assert episode is not None
    return AssembledEpisode(episode, WORDS, objects)


def refused(site: Site, made: StagedObject) -> str:
    """Return the error line of the refusal."""
    publication = composed(site, made)
    with pytest.raises(LeakError) as caught:
        check_leaks(
            secret_shingles(WORDS, site.catalog.with_episode(publication.episode)), publication.objects
        )
    return str(caught.value)


def tagged(folder: Path, *, comment: str, album: str) -> StagedObject:
    """Return an MP3 with tags as a staged object."""
    path = folder / "media.mp3"
    shutil.copyfile(notice.PATH, path)
    facts = tags.Id3Tags(title="T", artist="A", album=album, date=date(2026, 1, 1), comment=comment, url="")
    tags.write_id3(path, facts)
    return stage_file("public/audio", FLAGSHIP, path, sha256_of(path), "audio/mpeg")


def test_chapter_text_is_refused(site: Site) -> None:
    """Transcript text in a chapter title stops the publication; the error line names the object."""
    marks = chapters_file(FLAGSHIP, (Chapter(start_s=0, title=SECRET),), access="public")
    assert refused(site, marks) == f"{marks.key}: would hold text of the transcript; nothing was published"


@pytest.mark.parametrize("where", ["comment", "album"])
def test_a_tag_is_refused(site: Site, tmp_path: Path, where: str) -> None:
    """Transcript text in any text frame of the tags is refused, in any charset."""
    file = tagged(tmp_path, **{"comment": "", "album": "", where: SECRET})
    assert refused(site, file).startswith(f"{file.key}: ")


def test_picture_metadata_is_refused(site: Site) -> None:
    """The metadata of the artwork is checked when the first episode uploads the artwork."""
    told, file = PngImagePlugin.PngInfo(), io.BytesIO()
    told.add_text("Description", SECRET, zip=True)
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=told)
    art = stage_bytes("public/art", "", "png", file.getvalue(), "image/png")
    assert refused(site, art).startswith(f"{art.key}: ")


def test_an_archive_page_is_read_too(site: Site) -> None:
    """An item on an archive page of the feed is checked too."""
    old = site.catalog.by_slug(FLAGSHIP)
    assert old is not None
    show, said = site.catalog.show.model_copy(update={"page_size": 1}), Person(name=SECRET, role="guest")
    paged = site.catalog.with_show(show).with_episode(old.model_copy(update={"persons": (said,)}))
    for number in range(2):
        fresh = {
            "id": uuid4(),
            "guid": f"{number}",
            "slug": f"new-{number}",
            "published_at": NOW,
            "publish_at": NOW,
        }
        paged = paged.with_episode(old.model_copy(update=fresh))
    first = render_feed(paged, PublicAudience())
    assert SECRET.encode() not in first
    with pytest.raises(LeakError):
        make_feed_renderer([WORDS], allow=frozenset({"redownloads"}))(paged, first)


def test_a_feed_that_holds_it_is_refused(site: Site) -> None:
    """The description of the show is checked before the feed is replaced."""
    show = site.catalog.show.model_copy(update={"author": f"This week: {SECRET}."})
    write = make_feed_renderer([WORDS], allow=frozenset({"redownloads"}))
    with pytest.raises(LeakError, match=r"public/feed\.xml: would hold text of the transcript"):
        write(site.catalog.with_show(show), None)


def test_what_is_written_for_the_public_passes(site: Site, tmp_path: Path) -> None:
    """The episode's title, notes and teaser are no leak."""
    publication = composed(site, tagged(tmp_path, comment="What the memos said.", album="Late Proofs"))
    check_leaks(secret_shingles(WORDS, site.catalog.with_episode(publication.episode)), publication.objects)
