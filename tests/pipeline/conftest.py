"""Fixtures of the tests that disturb a publication."""

from tests.support.disturbed_publication import bucket, corrected, first, mastered, proxy, recording

__all__ = ["bucket", "corrected", "first", "mastered", "proxy", "recording"]
