"""The receipt of a withdrawal: what was removed, and what cannot be called back."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from podcast_pipeline.files import make_folder, sync_to_disk
from podcast_pipeline.model import Withdrawal
from podcast_pipeline.pipeline.withdraw.folder import CleanedFolder
from podcast_pipeline.pipeline.withdraw.removal import Removal

LOG_FILE = "withdrawals.jsonl"  # in .podcast, which is not in git


@dataclass(frozen=True)
class WithdrawalReceipt:
    """What a run of `podcast withdraw` did.

    Attributes:
        withdrawal: the one that was made; None where the run only finished or cleaned.
        reason: for the producer's own records.
        new_version: number of the transcript that was published anew.
        removal: the objects.
        purge_urls: public addresses of removed objects, which a CDN may still serve.
        folder: what was cleaned on this machine.
        downloads: complete downloads through private feeds that are still on record; None where no database
            is configured here.
        remarks: of the plan.
    """

    slug: str
    at: datetime
    withdrawal: Withdrawal | None = None
    reason: str = ""
    new_version: int | None = None
    removal: Removal = field(default_factory=Removal)
    purge_urls: tuple[str, ...] = ()
    folder: CleanedFolder = field(default_factory=CleanedFolder)
    downloads: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def did_nothing(self) -> bool:
        """Whether there was nothing to take back, to remove or to clean."""
        return self.withdrawal is None and not self.removal.removed and not self.folder.files

    def to_json(self) -> dict[str, object]:
        """Return the receipt as one document, without a word of what was withdrawn."""
        made = self.withdrawal
        return {
            "slug": self.slug,
            "at": self.at.isoformat(timespec="seconds"),
            "kind": made.kind if made else None,
            "versions": list(made.versions) if made else [],
            "span": [made.span.start_s, made.span.end_s] if made and made.span else None,
            "new_version": self.new_version,
            "reason": self.reason,
            "public_reason": made.public_reason if made else "",
            "removed": list(self.removal.removed),
            "not_removed": list(self.removal.not_removed),
            "cleaned": list(self.folder.files),
            "not_cleaned": self.folder.failed,
            "cannot_be_called_back": {
                "downloads": self.downloads,
                "cdn_urls_to_purge": list(self.purge_urls),
                "git_history": self.folder.in_git,
                "backups": True,
                "copies": True,
            },
            "remarks": list(self.remarks),
        }

    def to_lines(self) -> tuple[str, ...]:
        """Return the receipt for a person."""
        return tuple(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.did_nothing:
            done = "; ".join(self.remarks) or "nothing to finish"
            yield f"{self.slug}: {done}, and no withdrawn words in this folder"
            return
        yield f"{self.slug}: withdrawn" if self.withdrawal else f"{self.slug}: finished an earlier withdrawal"
        yield from (f"  {remark}" for remark in self.remarks)
        yield from (f"removed: {key}" for key in self.removal.removed)
        yield from (f"NOT removed: {line}" for line in self.removal.not_removed)
        yield from (f"cleaned here: {name}" for name in self.folder.files)
        if self.folder.failed:
            yield f"NOT cleaned here: {self.folder.failed}; then run `podcast withdraw {self.slug}`"
        yield "cannot be called back:"
        yield from (f"  {line}" for line in self._beyond_reach())

    def _beyond_reach(self) -> Iterator[str]:
        yield "copies in apps, e-readers, mails and archives, and what people remember"
        if self.downloads is not None:
            yield f"downloads through private feeds on record: {self.downloads}"
        yield from (f"a CDN may still serve, purge it there: {url}" for url in self.purge_urls)
        yield "backups of the bucket, of the database and of this machine"
        if self.folder.in_git:
            yield f"git history of episodes/{self.slug}/: it was left alone; rewriting it is yours to decide"
        if self.withdrawal and self.withdrawal.kind != "version":
            yield "your recording, and other clones of this folder: `podcast withdraw` there cleans the words"


def append_to_log(state_folder: Path, receipt: WithdrawalReceipt) -> None:
    """Append a receipt, with the private reason, to `.podcast/withdrawals.jsonl`, which only we can read."""
    path = state_folder / LOG_FILE
    make_folder(state_folder, mode=0o700)
    line = json.dumps(receipt.to_json(), ensure_ascii=False) + "\n"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_to_disk(state_folder)
