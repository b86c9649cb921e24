"""A gate stops what was found unless a person has allowed that gate."""

import pytest

from podcast_pipeline.errors import GateClosed
from podcast_pipeline.model.gates import check_gate


def test_a_closed_gate_names_what_was_found_and_how_to_pass() -> None:
    """The line has the subject, the finding and the option."""
    with pytest.raises(GateClosed) as closed:
        check_gate("redownloads", "feed.xml", "1 episode disappears", allow=frozenset())
    assert str(closed.value) == (
        "feed.xml: 1 episode disappears; nothing was published, pass --allow redownloads if that is meant"
    )
    assert closed.value.gate == "redownloads"


@pytest.mark.parametrize(
    ("finding", "allow"),
    [(None, frozenset()), ("1 episode disappears", frozenset({"redownloads"}))],
    ids=["nothing found", "allowed"],
)
def test_a_gate_lets_through(finding: str | None, allow: frozenset[str]) -> None:
    """Nothing found needs no permission; what is allowed goes on."""
    check_gate("redownloads", "feed.xml", finding, allow=allow)  # type: ignore[arg-type]
