"""The objects in storage: keys, content types, cache rules and bytes. Pure."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from podcast_pipeline.feed.untrusted.addresses import web_address
from podcast_pipeline.model import CHAPTERS_TYPE, Chapter, FileFormat, Transcript
from podcast_pipeline.model.catalog import to_json
from podcast_pipeline.transcript.captions import formats
from podcast_pipeline.transcript.documents.title_page import TitlePage

FEED_KEY = "public/feed.xml"
FEED_TYPE = "application/rss+xml; charset=utf-8"
FEED_CACHE = "public, max-age=300"
IMMUTABLE_CACHE = "public, max-age=31536000, immutable"
PRIVATE_CACHE = "private, no-cache"
PROBE_KEY = "private/probe.txt"
PUBLIC_TRANSCRIPTS = "public/transcripts/"


@dataclass(frozen=True)
class StagedObject:
    """An object that is ready for upload.

    Attributes:
        body: the bytes, or a file.
        sha256: hex, of the whole body.
    """

    key: str
    body: bytes | Path
    content_type: str
    sha256: str
    size_bytes: int

    @property
    def cache_control(self) -> str:
        """The Cache-Control header: public objects are immutable, private ones are not cached by others.

        A public transcript may be taken back, so caches keep it as briefly as the feed.
        """
        if self.key.startswith(PUBLIC_TRANSCRIPTS):
            return FEED_CACHE
        return IMMUTABLE_CACHE if self.key.startswith("public/") else PRIVATE_CACHE


def stage_bytes(folder: str, name: str, suffix: str, body: bytes, content_type: str) -> StagedObject:
    """Return an immutable object `<folder>/<name>.<hash16>.<suffix>`, or `<folder>/<hash16>.<suffix>`."""
    sha256 = hashlib.sha256(body).hexdigest()
    stem = f"{name}.{sha256[:16]}" if name else sha256[:16]
    return StagedObject(f"{folder}/{stem}.{suffix}", body, content_type, sha256, len(body))


def stage_file(folder: str, name: str, path: Path, sha256: str, content_type: str) -> StagedObject:
    """Return an immutable object with a file's bytes; `sha256` is the file's."""
    key = f"{folder}/{name}.{sha256[:16]}{path.suffix}"
    return StagedObject(key, path, content_type, sha256, path.stat().st_size)


def transcript_document(slug: str, transcript: Transcript) -> StagedObject:
    """Return the transcript with all words, in media times, as JSON."""
    return stage_bytes("private/documents", slug, "json", to_json(transcript), "application/json")


def transcript_files(
    slug: str, transcript: Transcript, title_page: TitlePage
) -> dict[FileFormat, StagedObject]:
    """Return the transcript in every format for subscribers."""
    from podcast_pipeline.transcript.documents.word import WORD_TYPE, to_word

    files: dict[FileFormat, tuple[bytes, str]] = {
        form: (formats.render_captions(transcript, form, title_page=title_page), content_type)
        for form, content_type in formats.CONTENT_TYPES.items()
    }
    files["docx"] = to_word(transcript, title_page), WORD_TYPE
    return {form: stage_bytes("private/transcripts", slug, form, *file) for form, file in files.items()}


def chapters_file(slug: str, chapters: Iterable[Chapter], *, access: str) -> StagedObject:
    """Return the chapters as podcast:chapters JSON 1.2.0; public if the audio is.

    Source: podcast-namespace, jsonChapters.md.
    """
    body = json.dumps(
        {"version": "1.2.0", "chapters": [_chapter(chapter) for chapter in chapters]},
        ensure_ascii=False,
        indent=1,
    ).encode()
    folder = "public/chapters" if access == "public" else "private/chapters"
    return stage_bytes(folder, slug, "json", body, CHAPTERS_TYPE)


def _chapter(chapter: Chapter) -> dict[str, object]:
    entry: dict[str, object] = {"startTime": chapter.start_s, "title": chapter.title}
    if chapter.url and (url := web_address(chapter.url)):
        entry["url"] = url
    if not chapter.toc:
        entry["toc"] = False
    return entry
