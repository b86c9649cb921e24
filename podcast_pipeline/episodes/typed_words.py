"""Put the words of an imported transcript into an episode's folder: transcript.md and edits.json."""

from datetime import datetime

from podcast_pipeline.episodes.edits import EpisodeText, current_edits, save_words
from podcast_pipeline.files import short_sha256
from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits import extract_edits
from podcast_pipeline.transcript.edits.record import edit_key
from podcast_pipeline.transcript.markdown import parse_markdown


def count_hand_edits(episode_text: EpisodeText, now: datetime) -> int:
    """Return how many edits a person has made in transcript.md; what an import has written is none."""
    markdown, typed = episode_text.markdown, episode_text.edits.typed
    if typed is not None and (episode_text.replaced or markdown is None or short_sha256(markdown) == typed):
        return 0
    return len(current_edits(episode_text, now).all)


def save_typed_words(episode_text: EpisodeText, text: str, heard: Transcript, *, now: datetime) -> None:
    """Write the transcript.md of an import, and its differences from the recognised words as edits.

    Edits from before are in none of the two any more; the old transcript.md goes to `build/`. A killed run is
    run again.

    Args:
        heard: the recognised words with names corrected.

    Raises:
        EpisodeError: a person has saved transcript.md meanwhile.
    """
    earlier = {edit_key(edit): edit for edit in episode_text.edits.edits}
    extracted = extract_edits(parse_markdown(text), heard, now)
    changes = {
        "edits": tuple(earlier.get(edit_key(edit), edit) for edit in extracted),
        "conflicts": (),
        "typed": short_sha256(text.encode()),
        "replaces": None,
    }
    save_words(episode_text, episode_text.edits.model_copy(update=changes), text)
