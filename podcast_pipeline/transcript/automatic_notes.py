"""The public notes on a correction that the producer did not word, in English. Pure."""

import re

TRANSCRIPT_CORRECTED = "The transcript was corrected."
AUDIO_REPLACED = "The audio was replaced; the transcript is that of the new recording."
SPEAKERS_CORRECTED = "Who says what was corrected."
ONE_WORD_CORRECTED = "One word was corrected."

_FIXED = (TRANSCRIPT_CORRECTED, AUDIO_REPLACED, SPEAKERS_CORRECTED, ONE_WORD_CORRECTED)
_WORDS_CORRECTED = re.compile(r"\d+ words were corrected\.")


def words_corrected(count: int) -> str:
    """Return the note on this many corrected words, at least one."""
    return f"{count} words were corrected." if count > 1 else ONE_WORD_CORRECTED


def is_automatic(note: str) -> bool:
    """Whether a note is one of these, and so in English whatever the show's language is."""
    return note in _FIXED or _WORDS_CORRECTED.fullmatch(note) is not None
