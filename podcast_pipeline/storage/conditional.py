"""The two conditions of a write, looked at by us: where nobody else can write, or the store cannot do it."""

from podcast_pipeline.errors import NotFound, PreconditionFailed
from podcast_pipeline.storage import ObjectReader


def check_preconditions(reader: ObjectReader, key: str, *, if_absent: bool, if_match: str | None) -> None:
    """Raise Conflict when there is an object and must not be, or is not the one with the etag `if_match`."""
    if not if_absent and if_match is None:
        return
    try:
        etag = reader.head(key).etag
    except NotFound as error:
        if if_match is not None:
            raise PreconditionFailed(key, "was removed since it was read; read again") from error
        return
    if if_absent:
        raise PreconditionFailed(key, "exists already")
    if etag != if_match:
        raise PreconditionFailed(key, "was changed since it was read; read again")
