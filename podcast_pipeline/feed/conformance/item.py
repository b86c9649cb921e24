"""Rules F8 to F11, F14 to F16, T1 and T6: the elements of an item."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath

from podcast_pipeline.feed.conformance.channel import LANGUAGE_PATTERN
from podcast_pipeline.feed.conformance.document import Element, FeedDocument, Rule, url_path
from podcast_pipeline.feed.conformance.finding import FeedFinding, error, warning
from podcast_pipeline.feed.untrusted.dates import is_far, read_date
from podcast_pipeline.model import CHAPTERS_TYPE

MEDIA_TYPES = {
    ".mp3": ("audio/mpeg",),
    ".m4a": ("audio/m4a", "audio/x-m4a", "audio/mp4"),
    ".m4v": ("video/x-m4v", "video/m4v", "video/mp4"),
    ".mp4": ("video/mp4", "audio/mp4"),
    ".opus": ("audio/opus", "audio/ogg"),
}
TRANSCRIPT_TYPES = {
    "text/vtt": "VTT",
    "application/x-subrip": "SRT",
    "application/json": "JSON",
    "text/html": "HTML",
    "text/plain": "text",
}
SOUNDBITE_S = (15, 120)

_RFC_2822 = re.compile(
    r"((Mon|Tue|Wed|Thu|Fri|Sat|Sun),\s*)?\d{1,2}\s+(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r"\s+(\d{2}|\d{4})\s+\d{1,2}:\d{2}(:\d{2})?\s+([+-]\d{4}|UTC?|GMT|[ECMP][SD]T|[A-IK-Z])(\s*\([^()]*\))?"
)
_NUMBERED = re.compile(r"(?:(?:ep|episode|folge)\.?\s*#?\d+|#\d+|s\d+\s*[·:]?\s*e\d+)\b", re.IGNORECASE)
_LEADING = re.compile(r"(\d+)\s*[.:|–—-]\s")
_CLOCK = re.compile(r"\d{1,3}(:[0-5]?\d){1,2}")
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_COUNT = re.compile(r"0{0,9}[1-9][0-9]{0,14}")
_INTEGRITY = re.compile(r"sha(256|384|512)-[A-Za-z0-9+/]+=*")


def titles(document: FeedDocument) -> Iterator[FeedFinding]:
    """F8: every item has a title, without the episode number."""
    for item in document.items:
        title = document.text(item, "title")
        if not title:
            yield error("F8", item, "an item without a title", "write <title>")
        elif _is_numbered(title, document.text(item, "itunes:episode")):
            fix = "write the number in itunes:episode only; apps show it"
            yield warning(
                "F8", document.one(item, "title"), f"the title “{title}” contains the episode number", fix
            )


def _is_numbered(title: str, number: str) -> bool:
    leading = _LEADING.match(title)
    return bool(_NUMBERED.match(title)) or (leading is not None and leading[1] == number)


def enclosures(document: FeedDocument) -> Iterator[FeedFinding]:
    """F8: an item has one enclosure, with length in bytes and type. F9: no two items have the same audio."""
    seen: set[str] = set()
    for item in document.items:
        found = document.all(item, "enclosure")
        if not found:
            yield error("F8", item, "an item without an enclosure", "write url, length and type of the audio")
        for extra in found[1:]:
            yield warning(
                "F8", extra, "a second enclosure", "keep one; write others as podcast:alternateEnclosure"
            )
        for enclosure in found[:1]:
            yield from _check_enclosure(enclosure)
            address = enclosure.get("url", "")
            if address in seen:
                yield error("F9", enclosure, "two items have the same audio", "give every item its own file")
            seen.add(address)


def _check_enclosure(enclosure: Element) -> Iterator[FeedFinding]:
    length, mime = enclosure.get("length", ""), enclosure.get("type", "")
    if not _COUNT.fullmatch(length):
        fix = "write the file's size in bytes; apps do not download audio without it"
        yield error("F8", enclosure, f"the enclosure's length is “{length[:20]}”", fix)
    ending = PurePosixPath(url_path(enclosure.get("url", "")) or "").suffix.lower()
    if ending not in MEDIA_TYPES:
        yield warning(
            "F8", enclosure, f"the audio's address ends in “{ending}”", "use a name that ends in .mp3 or .m4a"
        )
    if mime not in MEDIA_TYPES.get(ending, (mime or None,)):
        fix = f"write {' or '.join(MEDIA_TYPES.get(ending, ('audio/mpeg',)))}"
        yield error("F8", enclosure, f"the enclosure's type is “{mime}”", fix)


def guids(document: FeedDocument) -> Iterator[FeedFinding]:
    """F10: every item has a unique guid that is not derived from its audio file."""
    seen: set[str] = set()
    for item in document.items:
        guid, text = document.element_and_text(item, "guid")
        if guid is None or not text:
            yield error("F10", item, "an item without a guid", "give it a UUID that never changes")
            continue
        if text in seen:
            fix = "give each item its own guid; apps show only one of the two"
            yield error("F10", guid, f"two items have the guid {text}", fix)
        seen.add(text)
        yield from _check_guid(document, item, guid, text)


def _check_guid(document: FeedDocument, item: Element, guid: Element, text: str) -> Iterator[FeedFinding]:
    if guid.get("isPermaLink", "true") != "false" and url_path(text) is None:
        yield warning(
            "F10", guid, "the guid is marked as a permalink but is not a URL", 'write isPermaLink="false"'
        )
    enclosure = document.one(item, "enclosure")
    if enclosure is not None and enclosure.get("url") == text:
        fix = "keep the guids of old items; give new items a UUID"
        yield warning("F10", guid, "the guid is the audio's address and will change with it", fix)


def dates(document: FeedDocument) -> Iterator[FeedFinding]:
    """F11: the pubDate is an RFC 2822 date."""
    fix = "write it like Tue, 03 Mar 2026 06:00:00 +0000"
    for item in document.items:
        element, text = document.element_and_text(item, "pubDate")
        published = read_date(text)
        if element is None:
            yield error("F11", item, "an item without a pubDate", fix)
        elif published is None or not _RFC_2822.fullmatch(text):
            yield error("F11", element, f"the pubDate “{text[:40]}” is not RFC 2822", fix)
        for doubt in published.doubts if published else ():
            yield warning("F11", element, f"the pubDate “{text[:40]}” {doubt}", fix)


def far_dates(document: FeedDocument, now: datetime) -> Iterator[FeedFinding]:
    """F11: no item is dated after next year."""
    for item in document.items:
        element, text = document.element_and_text(item, "pubDate")
        published = read_date(text)
        if published and is_far(published.at, now):
            yield warning("F11", element, f"the pubDate “{text}” is in the far future", "correct the year")


def numbers(document: FeedDocument) -> Iterator[FeedFinding]:
    """F11: durations are in seconds, seasons and episodes count from 1, the episode type is known."""
    for item in document.items:
        element, duration = document.element_and_text(item, "itunes:duration")
        if _CLOCK.fullmatch(duration):
            yield warning("F11", element, "the duration is written as a clock time", "write it in seconds")
        elif element is not None and not _DECIMAL.fullmatch(duration):
            yield error("F11", element, f"the duration is “{duration}”", "write it in seconds")
        for name in ("itunes:season", "itunes:episode", "podcast:season", "podcast:episode"):
            yield from _check_number(document, item, name)
        element, kind = document.element_and_text(item, "itunes:episodeType")
        if kind not in ("", "full", "trailer", "bonus"):
            yield error("F11", element, f"itunes:episodeType is {kind}", "write full, trailer or bonus")


def _check_number(document: FeedDocument, item: Element, name: str) -> Iterator[FeedFinding]:
    element, text = document.element_and_text(item, name)
    decimal = name == "podcast:episode" and _DECIMAL.fullmatch(text)
    if element is not None and not _COUNT.fullmatch(text) and not decimal:
        yield error("F11", element, f"{name} is “{text}”", "write a whole number from 1, or leave it out")


def persons(document: FeedDocument) -> Iterator[FeedFinding]:
    """F14: persons have names, and an item with persons of its own repeats the hosts."""
    for person in document.all(document.channel, ".//podcast:person"):
        if not (person.text or "").strip():
            yield error("F14", person, "a podcast:person without a name", "write the name")
    if "host" not in _roles(document, document.channel):
        return
    for item in document.items:
        roles = _roles(document, item)
        if roles and "host" not in roles:
            element = document.one(item, "podcast:person")
            yield warning(
                "F14", element, "the item's persons replace the show's hosts", "repeat the hosts in the item"
            )


def _roles(document: FeedDocument, parent: Element) -> set[str]:
    return {person.get("role", "host").lower() for person in document.all(parent, "podcast:person")}


def chapters(document: FeedDocument) -> Iterator[FeedFinding]:
    """F15: the chapters have the type that apps read."""
    for found in document.all(document.channel, "item/podcast:chapters"):
        if found.get("type") != CHAPTERS_TYPE:
            yield error(
                "F15",
                found,
                f"the type of the chapters is {found.get('type')}",
                f"write type='{CHAPTERS_TYPE}'",
            )


def soundbites(document: FeedDocument) -> Iterator[FeedFinding]:
    """F16: soundbites have numeric times inside the audio and last 15 to 120 s."""
    for item in document.items:
        total = document.text(item, "itunes:duration")
        for bite in document.all(item, "podcast:soundbite"):
            start, length = bite.get("startTime", ""), bite.get("duration", "")
            if not (_DECIMAL.fullmatch(start) and _DECIMAL.fullmatch(length)):
                yield error(
                    "F16",
                    bite,
                    "a soundbite without numeric times",
                    "write startTime and duration in seconds",
                )
            elif not SOUNDBITE_S[0] <= float(length) <= SOUNDBITE_S[1]:
                yield warning("F16", bite, f"a soundbite of {length} s", "make it 15 to 120 s long")
            elif _DECIMAL.fullmatch(total) and float(start) + float(length) > float(total) + 1:
                yield error("F16", bite, "a soundbite beyond the end of the audio", "correct startTime")


def alternates(document: FeedDocument) -> Iterator[FeedFinding]:
    """F16: alternate enclosures have a type, a source and a valid integrity value."""
    for found in document.all(document.channel, "item/podcast:alternateEnclosure"):
        if not found.get("type") or not document.all(found, "podcast:source[@uri]"):
            yield error(
                "F16", found, "an alternateEnclosure without type or source", "write type and podcast:source"
            )
        for proof in document.all(found, "podcast:integrity[@type='sri']"):
            if not _INTEGRITY.fullmatch(proof.get("value", "")):
                yield error(
                    "F16", proof, "the integrity value is invalid", "write sha384- and the hash in base64"
                )


def transcripts(document: FeedDocument) -> Iterator[FeedFinding]:
    """T1: a transcript has a known type and language.

    T6: a transcript is offered as VTT, SRT and JSON, because apps support different formats.
    """
    for item in document.items:
        found = document.all(item, "podcast:transcript")
        for transcript in found:
            yield from _check_transcript(transcript)
        missing = {"VTT", "SRT", "JSON"} - {TRANSCRIPT_TYPES.get(t.get("type", "")) for t in found}
        if found and missing:
            message = f"the transcript is not offered as {', '.join(sorted(missing))}"
            yield warning("T6", found[0], message, "offer VTT, SRT and JSON")


def _check_transcript(transcript: Element) -> Iterator[FeedFinding]:
    mime, language = transcript.get("type", ""), transcript.get("language", "en")
    if mime not in TRANSCRIPT_TYPES:
        yield error(
            "T1",
            transcript,
            f"the type of the transcript is “{mime}”",
            f"write one of {', '.join(TRANSCRIPT_TYPES)}",
        )
    if not LANGUAGE_PATTERN.fullmatch(language):
        yield error(
            "T1",
            transcript,
            f"the language of the transcript is “{language}”",
            "write an ISO 639 code, like en-US",
        )


ITEM_RULES: tuple[Rule, ...] = (
    titles,
    enclosures,
    guids,
    dates,
    numbers,
    persons,
    chapters,
    soundbites,
    alternates,
    transcripts,
)
