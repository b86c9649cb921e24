"""How long is waited for the database."""

from podcast_pipeline.audience.database.patience import patience, remaining_s


def test_waits_are_limited_in_sum() -> None:
    """A limit within a limit does not prolong it, and there is none outside."""
    assert remaining_s() is None
    with patience(5):
        with patience(600):
            assert 0 < (remaining_s() or 0) <= 5
        with patience(0):
            assert remaining_s() == 0
        assert 0 < (remaining_s() or 0) <= 5
    assert remaining_s() is None
