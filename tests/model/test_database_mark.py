"""The mark of the database: what is noticed, over any history of changes, backups and restorations."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.errors import StoreError
from podcast_pipeline.model.catalog import to_json
from podcast_pipeline.model.database_mark import (
    DatabaseMark,
    DatabaseState,
    database_mark_from_json,
    find_difference,
)

SHOW, FIRST, SECOND = (UUID(int=number) for number in (1, 2, 3))
EVENTS = st.lists(st.sampled_from(("add", "revoke", "killed", "back up", "restore")), max_size=30)


@given(EVENTS)
def test_a_restoration_is_noticed_if_and_only_if_it_undoes_a_revocation(events: list[str]) -> None:
    """`killed` revokes and ends before the mark is written; the next start brings the mark up."""
    state, mark = DatabaseState(FIRST, 0, True), DatabaseMark(show_id=SHOW, database_id=FIRST, generation=0)
    backup = state
    for event in events:
        if event == "restore":
            undone = mark.generation > backup.generation
            assert find_difference(mark, backup) == ("older" if undone else None)
            continue
        assert find_difference(mark, state) is None
        mark = mark.model_copy(update={"generation": max(mark.generation, state.generation)})
        if event in ("revoke", "killed"):
            state = replace(state, generation=state.generation + 1)
        if event == "revoke":
            mark = mark.model_copy(update={"generation": state.generation})
        if event == "back up":
            backup = state


@pytest.mark.parametrize(
    ("state", "difference"),
    [
        (DatabaseState(FIRST, 3, True), None),
        (DatabaseState(FIRST, 4, True), None),
        (DatabaseState(FIRST, 2, True), "older"),
        (DatabaseState(FIRST, 2, False), "older"),
        (DatabaseState(SECOND, 9, True), "other"),
        (DatabaseState(SECOND, 9, False), "empty"),
    ],
)
def test_what_a_database_is(state: DatabaseState, difference: str | None) -> None:
    """Another id counts more than the number, and without a mark there is nothing to compare."""
    mark = DatabaseMark(show_id=SHOW, database_id=FIRST, generation=3)
    assert find_difference(mark, state) == difference
    assert find_difference(None, state) is None


def test_a_mark_keeps_what_a_later_release_wrote() -> None:
    """An unknown key is kept; a damaged mark and a newer form are one line."""
    later = b'{"schema_version": 1, "show_id": "%s", "database_id": "%s", "generation": 1, "new": 7}' % (
        str(SHOW).encode(),
        str(FIRST).encode(),
    )
    assert b'"new": 7' in to_json(database_mark_from_json(later))
    for damaged in (b"", b"{}", later.replace(b": 1, ", b": 2, ", 1), later.replace(b"1, ", b"-1, ")):
        with pytest.raises(StoreError, match="is damaged, or of a newer podcast-pipeline"):
            database_mark_from_json(damaged)
