"""Take words that were withdrawn out of an episode's folder: transcript.json, transcript.md, edits.json.

transcript.json is written last: until then a second run finds everything that a killed one has left.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from podcast_pipeline.episodes.edits import EpisodeText, read_episode_text
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.files import short_sha256, write_atomically
from podcast_pipeline.model import MediaSpan, Transcript, Withdrawal, Word
from podcast_pipeline.model.catalog import to_json
from podcast_pipeline.transcript.edits import (
    Edit,
    Edits,
    NameFix,
    apply_edits,
    reconcile_edits,
    transcript_from_document,
)
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.markdown import MarkdownTranscript, parse_markdown, to_markdown
from podcast_pipeline.transcript.names.glossary import apply_name_fixes
from podcast_pipeline.transcript.withdrawal.passages import (
    TokenIndex,
    tokens_at,
    without_words,
    words_in_span,
)
from podcast_pipeline.transcript.withdrawal.word_hashes import find_withdrawn

CONTEXT_WORDS = 3  # in a row, that an edit shares with a passage beside which it stands


@dataclass(frozen=True)
class CleanedText:
    """The text files of a folder without withdrawn words.

    Attributes:
        transcript: for transcript.json.
        markdown: None where there is no transcript.md.
    """

    transcript: Transcript
    markdown: str | None
    edits: Edits


def withdrawn_places(transcript: Transcript, withdrawals: Sequence[Withdrawal]) -> frozenset[int]:
    """Return the places of words, in recording times, that passages withdraw: by hashes and by seconds."""
    index = TokenIndex.of(transcript)
    places: set[int] = set()
    for withdrawal in withdrawals:
        if withdrawal.kind != "passage":
            continue
        for start in find_withdrawn(index.tokens, withdrawal.words) if withdrawal.words else ():
            end = start + withdrawal.words.run_words if withdrawal.words else start
            places |= {n for a, b in index.places[start:end] for n in range(a, b + 1)}
        if _is_of_recording(transcript, withdrawal):
            for cut in withdrawal.muted:
                places |= words_in_span(transcript, MediaSpan(start_s=cut.start_s, end_s=cut.end_s))
    return frozenset(places)


def holds_withdrawn_words(folder: EpisodeFolder, withdrawals: Sequence[Withdrawal]) -> bool:
    """Tell whether a folder's transcript.json or transcript.md has words that were withdrawn."""
    return find_withdrawn_words(folder, withdrawals) is not None


def find_withdrawn_words(folder: EpisodeFolder, withdrawals: Sequence[Withdrawal]) -> float | None:
    """Return where transcript.json or transcript.md has words that passages withdraw, in recording time."""
    text = read_episode_text(folder)
    for words in (words for words in _texts(text) if words):
        if places := withdrawn_places(words, withdrawals):
            return words.words[min(places)].start_s
    if text.transcript is None:
        return None
    kept = _without_dropped(text.transcript, (), withdrawals).dropped
    return next((d.word.start_s for d in text.transcript.dropped if d not in kept), None)


def clean_episode_text(
    folder: EpisodeFolder, withdrawals: Sequence[Withdrawal], *, now: datetime
) -> tuple[str, ...]:
    """Take withdrawn words out of the folder's text files; return the names of those that were written.

    Raises:
        EpisodeError: transcript.md belongs to other words, or was saved meanwhile.
    """
    text = read_episode_text(folder)
    if text.transcript is None or not holds_withdrawn_words(folder, withdrawals):
        return ()
    cleaned = _cleaned(text, text.transcript, withdrawals, now)
    written = []
    for path, data in (
        (folder.edits_json, to_json(cleaned.edits)),
        (folder.transcript_md, cleaned.markdown.encode() if cleaned.markdown is not None else None),
        (folder.transcript_json, to_json(cleaned.transcript)),
    ):
        if data is not None and (not path.is_file() or path.read_bytes() != data):
            _check_unsaved(text)
            write_atomically(path, data)
            written.append(path.name)
            text = read_episode_text(folder)
    return tuple(written)


def _check_unsaved(text: EpisodeText) -> None:
    if read_episode_text(text.folder).markdown != text.markdown:
        raise EpisodeError(text.slug, "transcript.md was saved while this ran; run the same command again")


def edited_words(folder: EpisodeFolder) -> Transcript | None:
    """Return the words as a folder's transcript.md has them, in recording times; None where there is none."""
    return _edited_words(read_episode_text(folder))


def _texts(text: EpisodeText) -> Iterator[Transcript | None]:
    """Yield the engine's words and the edited ones, in recording times."""
    yield text.transcript
    yield _edited_words(text)


def _edited_words(text: EpisodeText) -> Transcript | None:
    if text.transcript is None or text.document is None:
        return None
    return transcript_from_document(text.document, _fixed(text.transcript, text.edits.fixes))


def _cleaned(
    text: EpisodeText, transcript: Transcript, withdrawals: Sequence[Withdrawal], now: datetime
) -> CleanedText:
    doomed = withdrawn_places(transcript, withdrawals)
    gone = [transcript.words[place] for place in sorted(doomed)]
    base = _without_dropped(without_words(transcript, doomed), gone, withdrawals)
    digest = short_sha256(to_json(base))
    fixes = tuple(
        fix for fix in text.edits.fixes if not any(_overlaps(fix, w.start_s, w.end_s) for w in gone)
    )
    edited = _edited(text, transcript, digest)
    edited_doomed = withdrawn_places(edited, withdrawals)
    rest = without_words(edited, edited_doomed)
    passages = [tokens_at(transcript, doomed), tokens_at(edited, edited_doomed)]
    markdown = to_markdown(
        rest, base=digest, title=text.folder.table.title, note=text.document.note if text.document else ""
    )
    kept = text.edits.model_copy(
        update={
            "base": digest,
            "fixes": fixes,
            "edits": tuple(edit for edit in text.edits.edits if not _quotes(edit, passages)),
            "conflicts": tuple(c for c in text.edits.conflicts if not _quotes(c.edit, passages)),
            "accepted": tuple(key for key in text.edits.accepted if not _shares(key, passages)),
            "replaces": None,
        }
    )
    edits = reconcile_edits(kept, parse_markdown(markdown), _fixed(base, fixes), now)
    return CleanedText(base, markdown if text.markdown is not None else None, edits)


def _without_dropped(
    transcript: Transcript, gone: Sequence[Word], withdrawals: Sequence[Withdrawal]
) -> Transcript:
    """Return a transcript without words dropped from a track that were said where words were withdrawn."""
    cuts = [(c.start_s, c.end_s) for w in withdrawals for c in w.muted if _is_of_recording(transcript, w)]
    spans = [(min(w.start_s for w in gone), max(w.end_s for w in gone))] if gone else []
    kept = tuple(
        dropped
        for dropped in transcript.dropped
        if not any(_overlaps(dropped.word, start_s, end_s) for start_s, end_s in (*cuts, *spans))
    )
    return transcript.model_copy(update={"dropped": kept})


def _is_of_recording(transcript: Transcript, withdrawal: Withdrawal) -> bool:
    return transcript.receipt is not None and transcript.receipt.audio_sha256 == withdrawal.source_sha256


def _edited(text: EpisodeText, transcript: Transcript, cleaned_base: str) -> Transcript:
    """Return the edited words; transcript.md may be clean already, after a run that was killed."""
    document: MarkdownTranscript | None = text.document
    if document is not None and document.base not in (text.base, cleaned_base):
        raise EpisodeError(
            text.slug, "transcript.md belongs to other words than transcript.json; put both back from git"
        )
    fixed = _fixed(transcript, text.edits.fixes)
    if document is None or text.replaced:
        return apply_edits(text.edits.all, fixed).transcript
    return transcript_from_document(document, fixed)


def _fixed(transcript: Transcript, fixes: tuple[NameFix, ...]) -> Transcript:
    return apply_name_fixes(transcript, fixes)


def _overlaps(said: NameFix | Word, start_s: float, end_s: float) -> bool:
    return said.start_s < end_s and start_s < said.end_s


def _quotes(edit: Edit, passages: Collection[Sequence[str]]) -> bool:
    """Tell whether an edit quotes words of a passage: those that it changed, or its context."""
    sites = [edit.site, *getattr(edit, "voice", ()), *getattr(edit, "samples", ())]
    texts = [part for site in sites for part in (site.before, site.heard, site.after)]
    return any(_shares(part, passages) for part in (*texts, getattr(edit, "written", "")))


def _shares(text: str, passages: Collection[Sequence[str]]) -> bool:
    words = normalized_words(text)
    return any(
        _share_run(words, passage, min(CONTEXT_WORDS, len(passage))) for passage in passages if passage
    )


def _share_run(words: Sequence[str], passage: Sequence[str], size: int) -> bool:
    runs = {tuple(passage[n : n + size]) for n in range(len(passage) - size + 1)}
    return any(tuple(words[n : n + size]) in runs for n in range(len(words) - size + 1))
