"""Build the episode as it is after a withdrawal, and every object that it then references."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from podcast_pipeline.errors import OvertakenError
from podcast_pipeline.model import Enclosure, Episode, Transcript, TranscriptVersion
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline.assemble import referenced_keys, with_corrections
from podcast_pipeline.pipeline.public_transcripts import public_files
from podcast_pipeline.pipeline.transcript_files import TranscriptFiles
from podcast_pipeline.pipeline.withdraw.plan import PublishedWords, WithdrawalPlan, keys_to_remove
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.storage.objects import StagedObject, transcript_document
from podcast_pipeline.transcript.leaks import shingles

PASSAGE_NOTE = "A passage was withdrawn."


@dataclass(frozen=True)
class AppliedWithdrawal:
    """A withdrawal that is ready for the catalog.

    Attributes:
        transcript: the newest words that readers get after it; None where there are none.
        objects: to be stored before the catalog references them.
    """

    known: Episode
    episode: Episode
    transcript: Transcript | None
    objects: tuple[StagedObject, ...]

    def add_to_catalog(self, current: Catalog | None) -> Catalog:
        """Return the catalog with the withdrawal; OvertakenError when somebody published meanwhile."""
        there = current.by_id(self.episode.id) if current else None
        if current is None or there not in (self.known, self.episode):
            raise OvertakenError(
                self.episode.slug,
                "was published by somebody else meanwhile; nothing was withdrawn, run again",
            )
        return current.with_episode(self.episode)


def apply_withdrawal(
    plan: WithdrawalPlan,
    published: PublishedWords,
    store: ObjectReader,
    *,
    enclosure: Enclosure,
    media_file: StagedObject | None,
    teaser_words: int,
    now: datetime,
    changed_at: datetime,
    files: TranscriptFiles,
) -> AppliedWithdrawal:
    """Return the new entry of the catalog with its objects.

    Args:
        files: renders the files of the words.
        enclosure: the audio after the withdrawal.
        media_file: its bytes, where they are new.
        changed_at: the instant of the change, `Catalog.next_change_at`.
    """
    versions, transcript, objects = _versions(plan, published, enclosure, now)
    changes = {
        "transcripts": versions,
        "enclosure": enclosure,
        "content_changed_at": changed_at,
        "teaser": _teaser(transcript, teaser_words),
        **(_tombstone(plan.known) if plan.kind == "episode" else {}),
    }
    new = plan.known.model_copy(update=changes)
    if plan.kind == "passage":
        words = {**published.transcripts, **({versions[-1].version: transcript} if transcript else {})}
        new, rendered = _with_files(new, words, files)
        objects = (*objects, *rendered)
    entry = plan.to_withdrawal(now, frozenset())
    new = new.model_copy(update={"withdrawals": (*plan.known.withdrawals, entry)})
    pending = keys_to_remove(plan.known, new, store, kind=plan.kind)
    entry = plan.to_withdrawal(now, pending)
    new = new.model_copy(update={"withdrawals": (*plan.known.withdrawals, entry)})
    episode = Episode.model_validate(dict(new) | (plan.known.model_extra or {}))
    stored = referenced_keys(plan.known)
    new_objects = tuple(
        one for one in (*objects, *([media_file] if media_file else [])) if one.key not in stored
    )
    public = public_files(episode, plan.known, objects, store)  # of an older version perhaps never stored
    return AppliedWithdrawal(plan.known, episode, transcript, (*new_objects, *public))


def _versions(
    plan: WithdrawalPlan, published: PublishedWords, enclosure: Enclosure, now: datetime
) -> tuple[tuple[TranscriptVersion, ...], Transcript | None, tuple[StagedObject, ...]]:
    """Return all versions, the newest words, and the objects of a new version."""
    marked = plan.marked_versions(now)
    if plan.rest is None:
        readable = [version for version in marked if version.withdrawn_at is None]
        return marked, published.transcripts[readable[-1].version] if readable else None, ()
    version = TranscriptVersion(
        version=len(marked) + 1,
        document_key="pending",
        file_keys={},
        language=plan.rest.language,
        word_count=len(plan.rest.words),
        published_at=now,
        note=_note(plan),
    )
    transcript = with_corrections(
        plan.rest.model_copy(update={"media_sha256": enclosure.sha256}), (*marked, version)
    )
    document = transcript_document(plan.known.slug, transcript)
    complete = version.model_copy(update={"document_key": document.key})
    return (*marked, complete), transcript, (document,)


def _with_files(
    episode: Episode, words: Mapping[int, Transcript], files: TranscriptFiles
) -> tuple[Episode, tuple[StagedObject, ...]]:
    """Render the files of all versions anew: the title page of an old one may have an old title.

    Args:
        words: of each version, by its number.
    """
    objects: list[StagedObject] = []
    for version in episode.readable_versions:
        episode, rendered = files.add_to(episode, version, words[version.version])
        objects += rendered
    return episode, tuple(objects)


def _note(plan: WithdrawalPlan) -> str:
    """Return the public note: the public reason, never the words."""
    return f"{PASSAGE_NOTE[:-1]}: {plan.public_reason}" if plan.public_reason else PASSAGE_NOTE


def _teaser(transcript: Transcript | None, max_words: int) -> str:
    if transcript is None:
        return ""
    return shingles.teaser(transcript, shingles.teaser_word_count(transcript, max_words))


def _tombstone(known: Episode) -> dict[str, object]:
    """Return the fields of an episode of which only id, guid and slug stay, and nothing that it said."""
    return {
        "state": "unpublished",
        "transcript_is_public": False,
        "title": known.slug,
        "notes": "",
        "teaser": "",
        "persons": (),
        "chapters": (),
        "soundbites": (),
        "topics": (),
        "chapters_key": None,
        "artwork_key": None,
        "pictures": (),
        "original": None,
    }
