"""The mark of the subscribers' database: by it a lost database, or a restored older one, is noticed."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, ValidationError

from podcast_pipeline.errors import StoreError
from podcast_pipeline.model.fields import StoredModel

DATABASE_MARK_KEY = "private/database.json"

DatabaseDifference = Literal["empty", "other", "older"]


class DatabaseMark(StoredModel):
    """What the store knows of the database: it is outside, so a backup of the database does not undo it.

    Attributes:
        database_id: of the database that the show's subscribers were last kept in.
        generation: number of its revocations so far; it never falls by itself.
        accepted_until: the last `[database] accept_restored` that was used; each answers once.
        accepted_key: fingerprint of a secret key that was accepted although it did not make the links.
    """

    schema_version: Literal[1] = 1
    show_id: UUID
    database_id: UUID
    generation: Annotated[int, Field(ge=0)]
    accepted_until: date | None = None
    accepted_key: str | None = None


@dataclass(frozen=True)
class DatabaseState:
    """What a database says of itself.

    Attributes:
        generation: number of revocations: links rotated, people suspended, removed or erased.
        has_subscribers: the show has or had any, erased ones included.
    """

    database_id: UUID
    generation: int
    has_subscribers: bool


def find_difference(mark: DatabaseMark | None, state: DatabaseState) -> DatabaseDifference | None:
    """Compare a database with the mark; None where it is the one, or where there is no mark yet.

    Args:
        mark: read before `state`: a database is always ahead of its mark.
    """
    if mark is None:
        return None
    if mark.database_id != state.database_id:
        return "other" if state.has_subscribers else "empty"
    return "older" if state.generation < mark.generation else None


def database_mark_from_json(data: bytes) -> DatabaseMark:
    """Read a mark; StoreError where it is damaged or of a later form."""
    try:
        return DatabaseMark.model_validate_json(data)
    except ValidationError as error:
        raise StoreError(
            DATABASE_MARK_KEY,
            "is damaged, or of a newer podcast-pipeline; install that, or delete this object if the "
            "database is the right one",
        ) from error
