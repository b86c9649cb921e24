"""Lines of a Podcasting 2.0 JSON transcript: speaker and body of each segment.

Source: podcast-namespace transcripts.md, JSON.
"""

import json

from podcast_pipeline.errors import CaptionError
from podcast_pipeline.transcript.typed.lines import TypedLine


def json_lines(text: str, name: str) -> list[TypedLine]:
    """Return a line for each segment.

    Args:
        name: of the file, for a message.

    Raises:
        CaptionError: it is no such transcript.
    """
    try:
        segments = json.loads(text)["segments"]
        return [TypedLine(" ".join(str(one["body"]).split()), name=_speaker(one)) for one in segments]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CaptionError(name, "is no podcast transcript in JSON") from error


def _speaker(segment: dict[str, object]) -> str | None:
    return str(segment.get("speaker") or "") or None
