"""The published audio with the seconds of a passage silenced, under a new key; its tags without the words."""

from dataclasses import dataclass, replace
from pathlib import Path

from podcast_pipeline.audio import tags
from podcast_pipeline.audio.silence import silence_spans
from podcast_pipeline.errors import AudioError
from podcast_pipeline.feed import show_notes
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model import Enclosure, Episode
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.withdraw.plan import WithdrawalPlan
from podcast_pipeline.storage.download import download
from podcast_pipeline.storage.objects import StagedObject, stage_file
from podcast_pipeline.transcript.leaks.shingles import decoded_words
from podcast_pipeline.transcript.withdrawal.word_hashes import shared_run


@dataclass(frozen=True)
class SilencedMedia:
    """The audio after a withdrawal, and its file where it is a new one."""

    enclosure: Enclosure
    file: StagedObject | None = None


def silenced_media(plan: WithdrawalPlan, work: Path, context: Context) -> SilencedMedia:
    """Return the audio without the passage; the audio as it is where the plan leaves it alone.

    Args:
        work: a folder for the files.

    Raises:
        AudioError: the format cannot be silenced; replace the recording or withdraw the episode.
    """
    known = plan.known
    key = known.enclosure.key
    if plan.span is None or key is None:
        return SilencedMedia(known.enclosure)
    before, after = work / f"before{Path(key).suffix}", work / f"after{Path(key).suffix}"
    download(context.store, key, before, sha256=known.enclosure.sha256)
    silence_spans(before, after, [plan.span], ffmpeg=context.ffmpeg, report=context.report)
    _clean_tags(after, plan)
    folder = key.rpartition("/")[0]
    file = stage_file(folder, known.slug, after, sha256_of(after), known.enclosure.type)
    changes = {"key": file.key, "size_bytes": file.size_bytes, "sha256": file.sha256}
    return SilencedMedia(known.enclosure.model_copy(update=changes), file)


def _clean_tags(path: Path, plan: WithdrawalPlan) -> None:
    """Write the tags anew from the catalog where those of then have the words: a chapter's old title."""
    words = (decoded.words for decoded in decoded_words(tags.id3_text(path)))
    if any(shared_run(found, plan.tokens) for found in words):
        tags.write_id3(path, _present_tags(path, plan.known))


def _present_tags(path: Path, known: Episode) -> tags.Id3Tags:
    comment = show_notes.to_plain(known.notes)
    try:
        return replace(tags.read_id3(path), title=known.title, comment=comment, chapters=known.chapters)
    except (AudioError, ValueError, KeyError):  # an imported file with tags of another program
        date = known.publish_at.date()
        return tags.Id3Tags(title=known.title, artist="", album="", date=date, comment=comment)
