"""The show's subscribers, opened only with the database and the key that their links are from.

The mark of the database is in the store, outside of the database and of its backups. A database that is not
the marked one, or is older, or a key that did not make the links is asked about once.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import typer

from podcast_pipeline.cli.confirmation import can_ask
from podcast_pipeline.cli.output import format_count
from podcast_pipeline.errors import ConfigError, Denied, OtherShow, StoreError, SubscriberError
from podcast_pipeline.model.database_mark import (
    DATABASE_MARK_KEY,
    DatabaseDifference,
    DatabaseMark,
    DatabaseState,
    find_difference,
)

if TYPE_CHECKING:
    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.cli.session import CliSession

LOG = logging.getLogger("podcast_pipeline.cli.audience")

DIFFERENCES: dict[DatabaseDifference, str] = {
    "empty": "has no subscribers, but this show had some in another database; restore that one, or set"
    " PODCAST_DATABASE_URL to it",
    "other": "is not the database that this show's subscribers were last kept in; restore that one, or set"
    " PODCAST_DATABASE_URL to it",
    "older": "is an older copy: {undone} since then (a link rotated, somebody suspended, removed or erased)"
    " would be undone, and closed links open again (docs/how-to/database.md, A restored backup); restore"
    " a newer one",
}


@dataclass(frozen=True)
class DatabaseGuard:
    """Compares the show's database with its mark in the store, and keeps the mark up to date."""

    session: "CliSession"

    @cached_property
    def mark(self) -> DatabaseMark | None:
        """The mark as it was when the command began; None where there is none or it cannot be read.

        Raises:
            OtherShow: the store is of another show.
        """
        from podcast_pipeline.storage.published import read_database_mark

        try:
            mark, _ = read_database_mark(self.session.store)
        except OtherShow:
            raise
        except Denied as error:  # a key without ListBucket is refused what does not exist
            LOG.info("%s", error)
            return None
        except (StoreError, ConfigError) as error:
            self.session.output.warn(f"the database could not be compared with its mark: {error}")
            return None
        if mark is not None and mark.show_id != self.session.config.show.id:
            raise OtherShow(
                DATABASE_MARK_KEY,
                f"is of the show with id {mark.show_id}, and show.toml has id {self.session.config.show.id};"
                " correct [storage] in show.toml, or its id if this is the same show",
            )
        return mark

    @property
    def state(self) -> DatabaseState:
        """What the database says of itself now."""
        from podcast_pipeline.audience.database.generation import read_state

        return read_state(self.session.database, self.session.config.show.id)

    def read_mark(self) -> None:
        """Read the mark before the database, which is always ahead of it; OtherShow as for `mark`."""
        _ = self.mark

    def check(self, subscribers: "Subscribers", *, may_ask: bool) -> None:
        """Stop, or ask on a terminal, where database or key are not those that the links are from.

        Raises:
            SubscriberError: nobody can be asked, and show.toml does not answer.
            typer.Abort: the answer was no.
        """
        other_database, other_key = self.database_problem(), self.key_problem(subscribers)
        problems = [problem for problem in (other_database, other_key) if problem]
        answers = [self.accept(problem, may_ask=may_ask) for problem in problems]
        if problems:
            accepted = next((answer for answer in answers if answer), None)
            self.adopt(accepted, other_key=subscribers.secret_key if other_key else None)
        elif self.mark is None or self.mark.generation < self.state.generation:
            self.write_through()

    def database_problem(self) -> SubscriberError | None:
        """Return what is wrong with the database, None where it is the marked one."""
        from podcast_pipeline.audience.database import database_name

        mark, state = self.mark, self.state  # in this order: a database is always ahead of its mark
        difference = find_difference(mark, state)
        if mark is None or difference is None:
            return None
        message = DIFFERENCES[difference].format(
            undone=format_count(mark.generation - state.generation, "revocation")
        )
        return SubscriberError(database_name(self.session.database), message)

    def key_problem(self, subscribers: "Subscribers") -> SubscriberError | None:
        """Return what is wrong with a key that did not make the links and was not accepted before."""
        from podcast_pipeline.audience.subscribers.tokens import key_fingerprint

        try:
            subscribers.verify_secret_key()
        except SubscriberError as error:
            is_accepted = self.mark and self.mark.accepted_key == key_fingerprint(subscribers.secret_key)
            return None if is_accepted else error
        return None

    def accept(self, problem: SubscriberError, *, may_ask: bool) -> date | None:
        """Return the date in show.toml that accepts a problem, or None after a yes on the terminal.

        Raises:
            SubscriberError: nobody can be asked, and show.toml does not answer.
            typer.Abort: the answer was no.
        """
        session = self.session
        answer = session.config.database.accept_restored
        used = self.mark.accepted_until if self.mark else None
        today = session.clock().astimezone(session.config.zone).date()
        if answer and answer >= today and (used is None or used < answer):
            session.output.warn(f"{problem}; accepted by accept_restored in show.toml")
            return answer
        if may_ask and can_ask(session):
            session.output.warn(str(problem))
            typer.confirm("Go on with it?", default=False, abort=True)
            return None
        raise SubscriberError(
            problem.subject,
            f"{problem.message}; if it is meant, write accept_restored = {today} under [database] in"
            " show.toml",
        )

    def write_through(self) -> None:
        """Bring the mark up to the database; the first one is written once there are subscribers.

        It follows what is done: nothing is raised, and the next command tries again.
        """
        try:
            state = self.state
        except SubscriberError as error:
            self.session.output.warn(str(error))
            return

        def follow(mark: DatabaseMark | None) -> DatabaseMark | None:
            if mark is None:
                return self._new_mark(state) if state.has_subscribers else None
            is_behind = mark.database_id == state.database_id and mark.generation < state.generation
            return mark.model_copy(update={"generation": state.generation}) if is_behind else mark

        self._update(follow)

    def adopt(self, accepted: date | None, *, other_key: bytes | None = None) -> None:
        """Take database and key as they are: what was accepted is not asked about again.

        Args:
            accepted: the date in show.toml that accepted it; None after a yes on the terminal.
            other_key: a key that did not make the links.
        """
        from podcast_pipeline.audience.subscribers.tokens import key_fingerprint

        state = self.state
        changes: dict[str, object] = {"database_id": state.database_id, "generation": state.generation}
        if accepted:
            changes["accepted_until"] = accepted
        if other_key:
            changes["accepted_key"] = key_fingerprint(other_key)
        self._update(lambda mark: (mark or self._new_mark(state)).model_copy(update=changes))

    def close(self) -> None:
        """Write the first mark after the command that added the first subscriber."""
        if self.mark is None:
            self.write_through()

    def _new_mark(self, state: DatabaseState) -> DatabaseMark:
        return DatabaseMark(
            show_id=self.session.config.show.id, database_id=state.database_id, generation=state.generation
        )

    def _update(self, change: Callable[[DatabaseMark | None], DatabaseMark | None]) -> None:
        """Change the mark; what is done in the database stays done where the store cannot be written."""
        from podcast_pipeline.storage.published import update_database_mark

        try:
            update_database_mark(self.session.store, change)
        except Denied as error:  # a server that may only read
            LOG.info("%s", error)
        except (StoreError, ConfigError) as error:
            self.session.output.warn(f"{error}; the next command on subscribers writes it")


def open_subscribers(session: "CliSession", *, may_ask: bool) -> "Subscribers":
    """Open the show's subscribers, once database and key are known to be theirs.

    Args:
        may_ask: a person may be asked on a terminal; `serve` never asks.

    Raises:
        OtherShow: the store is of another show.
        SubscriberError: database or key are missing, or not those that the links are from.
        typer.Abort: the answer was no.
    """
    guard = session.guard
    guard.read_mark()  # another show's store is refused before anything
    subscribers = load_subscribers(session)
    guard.check(subscribers, may_ask=may_ask)
    return subscribers


def load_subscribers(session: "CliSession") -> "Subscribers":
    """Return the show's subscribers without a comparison with the mark; `doctor` compares by itself."""
    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.audience.subscribers.tokens import load_secret_key

    database = session.database
    key = load_secret_key(session.configured_key, session.config.state_folder, create=False)
    return Subscribers(
        database,
        show_id=session.config.show.id,
        secret_key=key,
        on_revoked=session.guard.write_through,
    )


def create_audience(session: "CliSession") -> None:
    """Make the database, new and empty, and the key where there is none.

    Of two killed runs the second finishes what the first began.

    Raises:
        SubscriberError: there are both, or the links that are out need the missing key; or this show's
            subscribers are in another database and nobody accepts a new one.
    """
    from podcast_pipeline.audience import database
    from podcast_pipeline.audience.subscribers.repository import may_create_secret_key
    from podcast_pipeline.audience.subscribers.tokens import KEY_FILE, load_secret_key

    url, folder = session.database_url, session.config.state_folder
    has_key = session.configured_key is not None or (folder / KEY_FILE).exists()
    if database.has_database(url, folder):
        if has_key or not may_create_secret_key(session.database):
            name = database.database_name(session.database)
            load_secret_key(session.configured_key, folder, create=False)
            raise SubscriberError(name, "is there already; nothing was changed")
        load_secret_key(None, folder, create=True)
        return
    mark, accepted = session.guard.mark, None
    if mark is not None:
        problem = SubscriberError(
            DATABASE_MARK_KEY,
            "this show's subscribers are in another database, and a new one knows none of their links; set"
            " PODCAST_DATABASE_URL to that one, or restore it",
        )
        accepted = session.guard.accept(problem, may_ask=True)
    load_secret_key(session.configured_key, folder, create=True)
    database.create_database(url, folder).dispose()
    if mark is not None:
        session.guard.adopt(accepted)
