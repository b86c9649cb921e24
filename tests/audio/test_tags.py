import io
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import mutagen.id3
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from podcast_pipeline.audio.artwork import Artwork
from podcast_pipeline.audio.tags import Id3Tags, id3_bytes, id3_text, read_id3, write_id3
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import Chapter
from tests.support.audio_files import mp3_info, samples, tone

FULL = Id3Tags(
    title="Zwei Winter – und ein Testament 東京 🎙",
    artist="The Harrow Street Courier",
    album="Late Proofs",
    date=date(2026, 3, 10),
    comment="One line.\nAnother line.",
    url="https://example.com/episodes/two-winters-and-a-will",
    track=7,
    season=2,
    cover=Artwork(b"\xff\xd8\xff picture", "image/jpeg", "jpg"),
    chapters=(Chapter(start_s=0, title="Start"), Chapter(start_s=1.25, title="Silent", toc=False)),
    duration_s=3.0,
)
LINES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MP3 of three seconds without tags."""
    folder = tmp_path_factory.mktemp("bare")
    form = ("-id3v2_version", "0", "-write_id3v1", "0")
    return tone(folder / "bare.mp3", form=form)


def copy(bare: Path, tmp_path: Path) -> Path:
    path = tmp_path / "a.mp3"
    path.write_bytes(bare.read_bytes())
    return path


def test_what_is_written_is_read(bare: Path, tmp_path: Path) -> None:
    """Every field comes back as it was written."""
    path = copy(bare, tmp_path)
    write_id3(path, FULL)
    assert read_id3(path) == FULL


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    title=LINES,
    comment=st.lists(LINES, max_size=3).map("\n".join),
    track=st.none() | st.integers(1, 9999),
    when=st.dates(date(1990, 1, 1)),
    starts_ms=st.lists(st.integers(0, 10**7), unique=True, max_size=5).map(sorted),
)
def test_any_text_round_trips(
    bare: Path,
    tmp_path: Path,
    title: str,
    comment: str,
    track: int | None,
    when: date,
    starts_ms: list[int],
) -> None:
    """Any script, any date and any chapters survive."""
    path = copy(bare, tmp_path)
    chapters = tuple(Chapter(start_s=ms / 1000, title=title) for ms in starts_ms)
    duration_s = starts_ms[-1] / 1000 if chapters else 0.0
    tags = Id3Tags(title, "a", "b", when, comment, track=track, chapters=chapters, duration_s=duration_s)
    write_id3(path, tags)
    assert read_id3(path) == tags


def test_standard_frames_are_used(bare: Path, tmp_path: Path) -> None:
    """Another reader finds title, artist, album, date, track, comment, address and cover in their frames."""
    path = copy(bare, tmp_path)
    write_id3(path, FULL)
    frames = mutagen.id3.ID3(path)
    assert frames.version == (2, 4, 0)
    assert [str(frames[name]) for name in ("TIT2", "TPE1", "TALB")] == [FULL.title, FULL.artist, FULL.album]
    assert [str(frames[name]) for name in ("TDRC", "TRCK", "TPOS")] == ["2026-03-10", "7", "2"]
    assert frames.getall("COMM")[0].text == [FULL.comment]
    assert {frames["WOAF"].url, frames.getall("WXXX")[0].url} == {FULL.url}
    assert frames.getall("APIC")[0].type == mutagen.id3.PictureType.COVER_FRONT
    assert [(c.start_time, c.end_time) for c in frames.getall("CHAP")] == [(0, 1250), (1250, 3000)]
    assert frames.getall("CTOC")[0].child_element_ids == ["chp0"]


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://bücher.example/é", "https://bücher.example/é"),
        ("https://я.example/a?b=1#c", "https://%D1%8F.example/a?b=1#c"),
    ],
)
def test_an_address_beyond_latin_1_is_percent_encoded(
    bare: Path, tmp_path: Path, url: str, written: str
) -> None:
    """ID3 has addresses in Latin-1 only; what it can hold stays, so that no file gets another address."""
    path = copy(bare, tmp_path)
    write_id3(path, replace(FULL, url=url))
    assert read_id3(path).url == written


def test_audio_is_not_touched(bare: Path, tmp_path: Path) -> None:
    """The file is the tag and then the master's bytes, so length and sound stay right."""
    path = copy(bare, tmp_path)
    write_id3(path, FULL)
    assert path.read_bytes() == id3_bytes(path) + bare.read_bytes()
    assert mp3_info(path).length == mp3_info(bare).length
    assert samples(path).shape == samples(bare).shape == (1, 3 * 44100)


def test_tags_are_replaced_and_deterministic(bare: Path, tmp_path: Path) -> None:
    """Writing again leaves nothing of the tags before, and the same tags are the same bytes."""
    path = copy(bare, tmp_path)
    write_id3(path, FULL)
    first = path.read_bytes()
    write_id3(path, replace(FULL, comment="A secret that was here by mistake"))
    write_id3(path, FULL)
    assert path.read_bytes() == first


def test_text_can_be_found_in_the_bytes(bare: Path, tmp_path: Path) -> None:
    """The text of a tag is in the file as UTF-8, so that the leak check finds it."""
    path = copy(bare, tmp_path)
    write_id3(path, FULL)
    for text in (FULL.title, FULL.comment, FULL.chapters[1].title):
        assert text.encode() in id3_bytes(path)


def test_file_without_tags_is_an_error(bare: Path) -> None:
    """A master has no tags yet."""
    assert id3_bytes(bare) == b""
    with pytest.raises(AudioError, match="has no ID3 tags"):
        read_id3(bare)


def test_chapters_end_where_the_next_begins(bare: Path, tmp_path: Path) -> None:
    """Chapters leave no gap between them."""
    path = copy(bare, tmp_path)
    write_id3(path, FULL)
    frames = mutagen.id3.ID3(path).getall("CHAP")
    assert all(a.end_time == b.start_time for a, b in pairwise(frames))


def test_a_tag_is_searched_without_pixels(tmp_path: Path) -> None:
    """Of a tag the text is left for the leak check, the cover's too, from a file and from its bytes alike."""
    noise, cover = np.random.default_rng(0).integers(0, 256, (500, 500, 3), dtype=np.uint8), io.BytesIO()
    Image.fromarray(noise).save(cover, "JPEG", comment=b"a comment in the cover")
    path = tone(tmp_path / "a.mp3")
    art = Artwork(cover.getvalue(), "image/jpeg", "jpg")
    write_id3(path, Id3Tags(title="A title", artist="", album="", date=date(2026, 1, 1), cover=art))
    text = id3_text(path)
    assert len(text) < 1000 < len(cover.getvalue())
    assert b"A title" in text
    assert b"a comment in the cover" in text
    assert id3_text(path.read_bytes()) == text
    assert id3_text(b"no tag") == b""
