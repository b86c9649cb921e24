"""ID3 tags of a published MP3.

ID3v2.4, all text in UTF-8, so that the text of a tag can be found in the file's bytes (leak check). No ID3v1
and no padding: equal tags on equal masters give equal bytes.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mutagen import MutagenError
from mutagen.id3 import (
    APIC,
    CHAP,
    COMM,
    CTOC,
    ID3,
    TALB,
    TCON,
    TDRC,
    TIT2,
    TPE1,
    TPOS,
    TRCK,
    WOAF,
    WXXX,
    CTOCFlags,
    Encoding,
    ID3NoHeaderError,
    PictureType,
)

from podcast_pipeline.audio.artwork import IMAGE_TYPES, Artwork
from podcast_pipeline.errors import AudioError
from podcast_pipeline.images import searchable_bytes
from podcast_pipeline.model import Chapter

UTF8 = Encoding.UTF8
GENRE = "Podcast"
ANY_LANGUAGE = "XXX"  # ID3's code where none is given
LAST_OF_LATIN_1 = "\xff"
URL_CHARACTERS = "/%:@!$&'()*+,;=~?#[]"
NO_OFFSET = 0xFFFFFFFF  # a chapter is given by its time, not by a byte offset
HEADER_BYTES = 10


@dataclass(frozen=True)
class Id3Tags:
    """The ID3 tags of a published MP3; public.

    Attributes:
        track, season: TRCK and TPOS.
        comment: plain text. url: the episode's page.
        chapters: media times. duration_s: end of the last chapter.
    """

    title: str
    artist: str
    album: str
    date: date
    comment: str = ""
    url: str = ""
    track: int | None = None
    season: int | None = None
    cover: Artwork | None = None
    chapters: tuple[Chapter, ...] = ()
    duration_s: float = 0.0


def write_id3(path: Path, tags: Id3Tags) -> None:
    """Replace all tags of an MP3, in place."""
    frames = ID3()
    for frame in _frames(tags):
        frames.add(frame)
    frames.save(path, v1=0, v2_version=4, padding=_no_padding)


def _no_padding(_: object) -> int:
    return 0


def _frames(tags: Id3Tags) -> Iterator[object]:
    yield TIT2(encoding=UTF8, text=tags.title)
    yield TPE1(encoding=UTF8, text=tags.artist)
    yield TALB(encoding=UTF8, text=tags.album)
    yield TDRC(encoding=UTF8, text=tags.date.isoformat())
    yield TCON(encoding=UTF8, text=GENRE)
    if tags.comment:
        yield COMM(encoding=UTF8, lang=ANY_LANGUAGE, desc="", text=tags.comment)
    if tags.url:
        url = _latin_1(tags.url)
        yield WOAF(url=url)
        yield WXXX(encoding=UTF8, desc="", url=url)
    if tags.track is not None:
        yield TRCK(encoding=UTF8, text=str(tags.track))
    if tags.season is not None:
        yield TPOS(encoding=UTF8, text=str(tags.season))
    if tags.cover:
        picture, kind = tags.cover, PictureType.COVER_FRONT
        yield APIC(encoding=UTF8, mime=picture.content_type, type=kind, desc="", data=picture.data)
    yield from _chapter_frames(tags)


def _latin_1(url: str) -> str:
    """Return an address as ID3 has it: percent-encoded where it has a character beyond Latin-1."""
    return url if max(url) <= LAST_OF_LATIN_1 else quote(url, safe=URL_CHARACTERS)


def _chapter_frames(tags: Id3Tags) -> Iterator[object]:
    """Source: ID3v2 Chapter Frame Addendum 1.0."""
    starts = [*(chapter.start_s for chapter in tags.chapters), tags.duration_s]
    ids = [f"chp{number}" for number in range(len(tags.chapters))]
    for name, chapter, (start_s, end_s) in zip(ids, tags.chapters, pairwise(starts), strict=True):
        yield CHAP(
            element_id=name,
            start_time=_ms(start_s),
            end_time=_ms(end_s),
            start_offset=NO_OFFSET,
            end_offset=NO_OFFSET,
            sub_frames=[TIT2(encoding=UTF8, text=chapter.title)],
        )
    listed = [name for name, chapter in zip(ids, tags.chapters, strict=True) if chapter.toc]
    if listed:
        flags = CTOCFlags.TOP_LEVEL | CTOCFlags.ORDERED
        yield CTOC(element_id="toc", flags=flags, child_element_ids=listed, sub_frames=[])


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def read_id3(path: Path) -> Id3Tags:
    """Return the tags that `write_id3` wrote.

    Raises:
        AudioError: the file has no ID3 tag.
    """
    try:
        frames = ID3(path)
    except ID3NoHeaderError as error:
        raise AudioError(path, "has no ID3 tags") from error
    chapters = sorted(frames.getall("CHAP"), key=lambda frame: int(frame.start_time))
    return Id3Tags(
        title=_text(frames, "TIT2"),
        artist=_text(frames, "TPE1"),
        album=_text(frames, "TALB"),
        date=date.fromisoformat(_text(frames, "TDRC")),
        comment=_text(frames, f"COMM::{ANY_LANGUAGE}"),
        url=frames["WOAF"].url if "WOAF" in frames else "",
        track=_number(frames, "TRCK"),
        season=_number(frames, "TPOS"),
        cover=_cover(frames),
        chapters=tuple(_chapter(frame, frames) for frame in chapters),
        duration_s=chapters[-1].end_time / 1000 if chapters else 0.0,
    )


def id3_bytes(path: Path) -> bytes:
    """Return the bytes of the tag at the start of a file; empty where there is none."""
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
        size_bytes = id3_size_bytes(header)
        return header + file.read(size_bytes - HEADER_BYTES) if size_bytes else b""


def id3_size_bytes(header: bytes) -> int:
    """Return the size of a tag with its header, 0 where there is none."""
    if header[:3] != b"ID3":
        return 0
    return HEADER_BYTES + sum(byte << shift for byte, shift in zip(header[6:10], (21, 14, 7, 0), strict=True))


def id3_text(media: Path | bytes) -> bytes:
    """Return the tag at the start of an audio file, or of its bytes, without the pixels of its pictures."""
    tag = id3_bytes(media) if isinstance(media, Path) else media[: id3_size_bytes(media[:HEADER_BYTES])]
    try:
        pictures = ID3(io.BytesIO(tag)).getall("APIC") if tag else []
    except MutagenError:
        return tag
    for picture in pictures:
        tag = tag.replace(picture.data, searchable_bytes(picture.data))
    return tag


def _text(frames: ID3, name: str) -> str:
    return str(frames[name].text[0]) if name in frames else ""


def _number(frames: ID3, name: str) -> int | None:
    return int(_text(frames, name)) if name in frames else None


def _cover(frames: ID3) -> Artwork | None:
    suffixes = {content_type: suffix for suffix, content_type in IMAGE_TYPES.values()}
    pictures = frames.getall("APIC")
    return Artwork(pictures[0].data, pictures[0].mime, suffixes[pictures[0].mime]) if pictures else None


def _chapter(frame: Any, frames: ID3) -> Chapter:
    listed = {name for contents in frames.getall("CTOC") for name in contents.child_element_ids}
    title = str(frame.sub_frames["TIT2"].text[0])
    return Chapter(start_s=frame.start_time / 1000, title=title, toc=frame.element_id in listed)
