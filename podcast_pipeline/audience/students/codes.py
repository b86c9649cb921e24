"""The codes that give students and teachers their price: the newsroom's list, or made by a service."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection, Engine, func, insert, select, update

from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import student_codes as codes
from podcast_pipeline.errors import SubscriberError

LONGEST_CODE = 100


class PromotionCodes(Protocol):
    """A service that makes codes which work once, such as Stripe's promotion codes."""

    def make(self, *, once: str) -> str:
        """Return a code.

        Args:
            once: a name for this making; tried again within a day, it gives the same code.

        Raises:
            PodcastError: the service cannot be asked, or refuses.
        """


@dataclass(frozen=True)
class CodeCounts:
    """How many codes of the list there are."""

    given: int
    left: int


class StudentCodes:
    """The newsroom's list of codes, each for one person."""

    def __init__(self, engine: Engine, *, show_id: UUID) -> None:
        self.engine = engine
        self.show_id = show_id

    def load(self, lines: Iterable[str], *, now: datetime) -> int:
        """Add codes, one of each line; return how many are new. Loading a file again adds nothing.

        Raises:
            SubscriberError: a line is no code; nothing was loaded.
        """
        given = dict.fromkeys(
            _code(number, line) for number, line in enumerate(lines, start=1) if line.strip()
        )
        with write_transaction(self.engine) as connection:
            known = set(connection.scalars(select(codes.c.code).where(codes.c.show_id == self.show_id)))
            new = [
                {"show_id": self.show_id, "code": code, "loaded_at": now}
                for code in given
                if code not in known
            ]
            if new:
                connection.execute(insert(codes), new)
        return len(new)

    def counts(self) -> CodeCounts:
        """Return how many codes were given, and how many are left."""
        query = select(func.count(codes.c.given_at), func.count()).where(codes.c.show_id == self.show_id)
        with self.engine.connect() as connection:
            given, total = connection.execute(query).one()
        return CodeCounts(given, total - given)

    def take(self, connection: Connection, *, now: datetime) -> str | None:
        """Take the oldest code that nobody has, in a transaction of the caller's; None if none is left."""
        is_free = (codes.c.show_id == self.show_id) & codes.c.given_at.is_(None)
        oldest = select(codes.c.id, codes.c.code).where(is_free).order_by(codes.c.id).limit(1)
        row = connection.execute(oldest.with_for_update(skip_locked=True)).first()
        if row is None:
            return None
        connection.execute(update(codes).where(codes.c.id == row.id).values(given_at=now))
        code: str = row.code
        return code


def _code(number: int, line: str) -> str:
    code = line.strip()
    if len(code) > LONGEST_CODE or not code.isascii() or not code.isprintable() or set(code) & set(" ,;\t"):
        raise SubscriberError(f"line {number}", "is no code; write one code on a line, nothing else")
    return code
