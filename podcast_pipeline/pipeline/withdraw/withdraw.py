"""Withdraw: plan, store what is new, replace catalog and feed, remove what was, clean the folder."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from podcast_pipeline.errors import EpisodeError, NotFound, OvertakenError
from podcast_pipeline.files import make_folder
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline.commit import (
    CatalogUpdate,
    commit,
    load_catalog,
    make_feed_renderer,
    preview,
)
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.transcript_files import TranscriptFiles
from podcast_pipeline.pipeline.withdraw.apply import AppliedWithdrawal, apply_withdrawal
from podcast_pipeline.pipeline.withdraw.folder import clean_folder
from podcast_pipeline.pipeline.withdraw.passage import plan_passage
from podcast_pipeline.pipeline.withdraw.plan import (
    PublishedWords,
    Selection,
    WithdrawalPlan,
    read_published_words,
)
from podcast_pipeline.pipeline.withdraw.receipt import WithdrawalReceipt, append_to_log
from podcast_pipeline.pipeline.withdraw.removal import Removal, remove_pending_objects
from podcast_pipeline.pipeline.withdraw.silenced_media import silenced_media
from podcast_pipeline.pipeline.withdraw.versions import plan_episode, plan_version
from podcast_pipeline.storage.upload import upload

WORK_PREFIX = "withdraw-"  # of folders in .podcast
MAX_ATTEMPTS = 5  # others publish the same episode while a withdrawal is made


@dataclass(frozen=True)
class PlannedWithdrawal:
    """A plan, the published words that it was made from, and what was asked for."""

    plan: WithdrawalPlan
    published: PublishedWords
    selection: Selection

    def describe(self) -> tuple[str, ...]:
        """Return what will be done, one line each, without a word of what is withdrawn."""
        slug, versions = self.plan.known.slug, ", ".join(str(number) for number in self.plan.versions)
        what = {
            "version": f"{slug}: version {versions} of the transcript is withdrawn",
            "passage": f"{slug}: a passage is withdrawn",
            "episode": f"{slug}: the episode is withdrawn, with its audio and every version of its words",
        }
        return (what[self.plan.kind], *self.plan.remarks)


def plan_withdrawal(
    context: Context, slug: str, selection: Selection, *, public_reason: str = ""
) -> PlannedWithdrawal:
    """Decide what a withdrawal will do; nothing is changed.

    Raises:
        EpisodeError: the episode is not in the catalog, or has no such version or passage.
        NothingToWithdraw: it was withdrawn already, or stands in no published version.
    """
    catalog, episode = _entry(context, slug)
    if selection.whole:  # also where a document is gone
        plan = plan_episode(episode, public_reason=public_reason)
        return PlannedWithdrawal(plan, PublishedWords(episode, {}), selection)
    published = read_published_words(episode, context.store)
    if episode.state == "unpublished":
        raise EpisodeError(slug, "was unpublished; take it away with its files by `--all`")
    salt = secrets.token_hex(16)
    if selection.version is not None:
        plan = plan_version(published, selection.version, salt=salt, public_reason=public_reason)
        return PlannedWithdrawal(plan, published, selection)
    plan = plan_passage(published, catalog, selection, salt=salt, public_reason=public_reason)
    return PlannedWithdrawal(plan, published, selection)


def withdraw(context: Context, planned: PlannedWithdrawal, *, reason: str = "") -> WithdrawalReceipt:
    """Make a planned withdrawal.

    From the replacement of the catalog on nobody is served the words. A run that is killed after that is
    finished by `finish_withdrawal`, one that is killed before has changed nothing. Where somebody publishes
    the episode at the same time, the withdrawal is planned anew from what is published then.

    Args:
        reason: for the log on this machine.

    Raises:
        EpisodeError: the episode was published over and over meanwhile, or now has the quote at several
            places; nothing was withdrawn.
        StoreError: the store failed; run again.
    """
    for _ in range(MAX_ATTEMPTS - 1):
        try:
            return _withdraw_once(context, planned, reason)
        except (OvertakenError, NotFound):
            known, public_reason = planned.plan.known, planned.plan.public_reason
            if _entry(context, known.slug)[1] == known:  # an object is really gone
                raise
            planned = plan_withdrawal(context, known.slug, planned.selection, public_reason=public_reason)
    return _withdraw_once(context, planned, reason)


def _withdraw_once(context: Context, planned: PlannedWithdrawal, reason: str) -> WithdrawalReceipt:
    with _applied(context, planned) as applied:
        upload(context.store, applied.objects, now=context.clock(), report=context.report)
        transcripts = [applied.transcript] if applied.transcript else []
        update = CatalogUpdate(
            applied.add_to_catalog,
            make_feed_renderer(transcripts, allow=frozenset({"redownloads"}), allow_broken_rules=True),
        )
        preview(context.store, update)
        catalog, _ = commit(context, update)
    receipt = WithdrawalReceipt(
        slug=applied.episode.slug,
        at=context.clock(),
        withdrawal=applied.episode.withdrawals[-1],
        reason=reason,
        new_version=applied.transcript.version if planned.plan.rest and applied.transcript else None,
        folder=clean_folder(context, applied.episode, made_here=True),
        remarks=planned.plan.remarks,
    )
    return _remove(context, catalog, receipt)


def _remove(context: Context, catalog: Catalog, receipt: WithdrawalReceipt) -> WithdrawalReceipt:
    """Remove the objects, log the receipt, and only then let the catalog forget that there was work left."""

    def complete(removal: Removal) -> WithdrawalReceipt:
        urls = tuple(context.store.url(key) for key in removal.removed if key.startswith("public/"))
        return replace(receipt, removal=removal, purge_urls=urls)

    def log(removal: Removal) -> None:
        append_to_log(context.config.state_folder, complete(removal))

    return complete(remove_pending_objects(context, catalog, slug=receipt.slug, before_record=log))


def finish_withdrawal(context: Context, slug: str, *, reason: str = "") -> WithdrawalReceipt:
    """Finish what a killed withdrawal left, and clean this folder of words that were withdrawn elsewhere.

    Args:
        reason: for the log on this machine.

    Raises:
        EpisodeError: the episode is not in the catalog.
    """
    _remove_work_folders(context)
    catalog, episode = _entry(context, slug)
    if _has_pending(episode):
        render_feed = make_feed_renderer((), allow=frozenset({"redownloads"}), allow_broken_rules=True)
        catalog, _ = commit(context, CatalogUpdate(_unchanged, render_feed))
    receipt = WithdrawalReceipt(
        slug=slug,
        at=context.clock(),
        reason=reason,
        folder=clean_folder(context, episode, made_here=_has_pending(episode)),
    )
    return _remove(context, catalog, receipt)


def _has_pending(episode: Episode) -> bool:
    return any(withdrawal.pending_keys for withdrawal in episode.withdrawals)


def _remove_work_folders(context: Context) -> None:
    """Remove what a killed withdrawal left of its work: it has the sound of the passage."""
    for path in context.config.state_folder.glob(f"{WORK_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)


def _unchanged(current: Catalog | None) -> Catalog:
    if current is None:
        raise EpisodeError("catalog", "is gone; restore it")
    return current


@contextmanager
def _applied(context: Context, planned: PlannedWithdrawal) -> Iterator[AppliedWithdrawal]:
    """Yield the withdrawal with its objects; files of new audio are there until the end."""
    _remove_work_folders(context)
    make_folder(context.config.state_folder, mode=0o700)
    with TemporaryDirectory(prefix=WORK_PREFIX, dir=context.config.state_folder) as work:
        media = silenced_media(planned.plan, Path(work), context)
        catalog, _ = _entry(context, planned.plan.known.slug)
        now = context.clock()
        yield apply_withdrawal(
            planned.plan,
            planned.published,
            context.store,
            enclosure=media.enclosure,
            media_file=media.file,
            teaser_words=context.config.access.teaser_words,
            now=now,
            changed_at=catalog.next_change_at(now),
            files=TranscriptFiles(context.show, context.config.zone),
        )


def _entry(context: Context, slug: str) -> tuple[Catalog, Episode]:
    catalog = load_catalog(context)
    episode = catalog.by_slug(slug) if catalog else None
    if catalog is None or episode is None:
        raise EpisodeError(slug, "is not in the catalog, so nobody has it; `podcast list` shows all")
    return catalog, episode
