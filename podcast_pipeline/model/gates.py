"""Gates: what is mostly a mistake, and goes out only when a person allows it by its name.

A gate is for what can be mended afterwards, or may well be meant; what cannot be undone asks, or needs --yes.
"""

from collections.abc import Mapping
from typing import Literal

from podcast_pipeline.errors import GateClosed

GateName = Literal["redownloads", "placeholders", "new-audio", "marks", "secret-words", "back-catalogue"]

GATES: Mapping[GateName, str] = {
    "redownloads": "apps download episodes again, show them as new, or lose them",
    "placeholders": "listeners see what the sample show has: its cover, title or addresses",
    "new-audio": "another recording replaces audio that apps have",
    "marks": "chapters or soundbites are those of another recording",
    "secret-words": "notes, titles or the teaser give away much of the transcript",
    "back-catalogue": "the transcripts of many older episodes become public at once",
}
"""Name -> what goes through; `--allow NAME` of the commands that publish."""


def check_gate(gate: GateName, subject: object, finding: str | None, *, allow: frozenset[GateName]) -> None:
    """Stop at a gate that nobody has allowed.

    Args:
        subject: the thing that is stopped, as in PodcastError.
        finding: what is wrong with it, one line without a full stop; None for nothing.
        allow: the gates that a person has allowed.

    Raises:
        GateClosed: there is a finding, and the gate is not allowed.
    """
    if finding and gate not in allow:
        raise GateClosed(subject, finding, gate)
