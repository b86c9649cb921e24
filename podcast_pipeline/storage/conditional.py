"""Check the preconditions of a write ourselves: under a lock, or for a store without conditional writes."""

from podcast_pipeline.errors import DamagedObject, NotFound, PreconditionFailed
from podcast_pipeline.storage import ObjectReader


def check_preconditions(reader: ObjectReader, key: str, *, if_absent: bool, if_match: str | None) -> None:
    """Compare the object's etag with the preconditions of a write; a damaged object counts as none.

    Raises:
        PreconditionFailed: the object exists (`if_absent`), or does not have the etag `if_match`.
    """
    if not if_absent and if_match is None:
        return
    try:
        etag = reader.head(key).etag
    except (NotFound, DamagedObject) as error:
        if if_match is not None:
            raise PreconditionFailed(key, "was removed after it was read; read it again") from error
        return
    if if_absent:
        raise PreconditionFailed(key, "exists already")
    if etag != if_match:
        raise PreconditionFailed(key, "was changed after it was read; read it again")
