"""Exit codes of the command `podcast`, as its help lists them."""

from collections.abc import Collection

from podcast_pipeline.errors import FeedError, GateClosed, LeakError, MergeError, PodcastError, ReviewError

DONE, FAILED, USAGE, PROBLEMS, INTERRUPTED = 0, 1, 2, 3, 130
INTERRUPTED_MESSAGE = "interrupted; run the same command again"
CHECK_ERRORS = (FeedError, GateClosed, LeakError, MergeError, ReviewError)  # a check found problems


def exit_code(errors: Collection[PodcastError]) -> int:
    """Return DONE without errors, USAGE for a wrong option, PROBLEMS if only checks failed, else FAILED."""
    if not errors:
        return DONE
    if any(error.subject.startswith("--") for error in errors):
        return USAGE
    return PROBLEMS if all(isinstance(error, CHECK_ERRORS) for error in errors) else FAILED
