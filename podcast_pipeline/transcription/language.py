"""Which language is spoken: the one that is asked for, else the show's unless another is heard throughout."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from podcast_pipeline.model import Segment, Transcript, Word
from podcast_pipeline.transcription.hallucinations import DOUBTFUL_CONFIDENCE

if TYPE_CHECKING:
    from podcast_pipeline.transcription.decode import Samples
    from podcast_pipeline.transcription.windows import SpeechWindow

UNDETERMINED = "und"  # ISO 639-2, of a recording without speech
OPENING_WINDOWS = 8  # about four minutes: an English introduction does not make a German show English
LONG_ENOUGH_S = 5.0  # of a window whose language counts
UNSURE = 0.7  # mean confidence of a window's words below which its language is heard again
LEAST_WORDS = 5  # of a recording that is told to be hardly understood
UNSURE_DOUBT = "unsure"  # in Segment.doubts, of the first one: most words of the recording are
LEAST_OTHER_S = 15.0  # of another language that is worth a line
SET, USUAL, LISTED = "language", "usual_language", "languages"
OTHER, OTHER_S = "other_language", "other_language_s"
"""Options of a receipt: the language that a person set, the show's, those that are spoken by turns; another
one that was heard, and for how many seconds."""

WHISPER_CODES = {"nb": "no", "iw": "he", "in": "id", "fil": "tl", "jv": "jw", "cmn": "zh", "ckb": "ku"}
"""ISO 639 codes that Whisper spells otherwise."""


def whisper_code(language: str) -> str:
    """Return the code that Whisper has for a language like "pt-BR" or "nb"."""
    code = language.split("-")[0].lower()
    return WHISPER_CODES.get(code, code)


def find_spoken_language(
    opening: "list[SpeechWindow]",
    windows: "Iterator[SpeechWindow]",
    *,
    usual: str | None,
    detect: "Callable[[Samples], str]",
) -> str:
    """Return the language to listen for.

    Args:
        opening: the first window; those that are listened to after it are added.
        windows: the others.
        usual: the show's language; another one counts only if it is heard in all of the opening.
        detect: the engine's detection.
    """
    heard = detect(opening[0].samples)
    if usual in (None, heard):
        return heard
    while len(opening) < OPENING_WINDOWS and (window := next(windows, None)):
        opening.append(window)
        if window.duration_s >= LONG_ENOUGH_S and detect(window.samples) != heard:
            return str(usual)
    return heard


def other_language(
    window: "SpeechWindow", words: Sequence[Word], language: str, detect: "Callable[[Samples], str]"
) -> str:
    """Return the language of a window with words of low confidence if it is another one, else ""."""
    if _mean_confidence(words) >= UNSURE or window.duration_s < LONG_ENOUGH_S:
        return ""
    heard = detect(window.samples)
    return "" if heard == language else heard


def is_hardly_understood(words: Sequence[Word]) -> bool:
    """Tell whether most words of a recording are guesses: it is noisy, or in a language that was not taken.

    A model for English alone makes English of French, and cannot tell. Its mean confidence was at most 0.67
    for five recordings in other languages, and at least 0.77 for a telephone call and a man of 93 (tiny.en).
    """
    rated = [
        word for word in words if word.confidence > DOUBTFUL_CONFIDENCE
    ]  # a loop says nothing of the rest
    return len(words) >= LEAST_WORDS and _mean_confidence(rated) < UNSURE


def with_unsure_doubt(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Return the segments of a recording, the first one for review if the recording is hardly understood."""
    if not is_hardly_understood([word for segment in segments for word in segment.words]):
        return tuple(segments)
    first, *others = segments
    return (first.model_copy(update={"doubts": (*first.doubts, UNSURE_DOUBT)}), *others)


def _mean_confidence(words: Sequence[Word]) -> float:
    return sum(word.confidence for word in words) / len(words) if words else 0.0


def other_language_options(heard: Iterable[Mapping[str, float]]) -> dict[str, str | float]:
    """Return the receipt's options about another language, empty if there is too little of it.

    Args:
        heard: language -> seconds, of each batch of windows, in any order.
    """
    batches = [*heard]
    seconds = {name: sum(batch.get(name, 0.0) for batch in batches) for name in sorted({*chain(*batches)})}
    language = max(seconds, key=seconds.__getitem__, default="")
    total_s = round(seconds.get(language, 0.0), 1)
    return {OTHER: language, OTHER_S: total_s} if total_s >= LEAST_OTHER_S else {}


def language_remarks(transcript: Transcript, *, decides: str) -> Iterator[str]:
    """Yield what a producer should know about the language of the words.

    Args:
        decides: what sets another language; not said where a person set the language.
    """
    options = transcript.receipt.options if transcript.receipt else {}
    language, usual = transcript.language, options.get(USUAL)
    if is_hardly_understood(transcript.words):
        yield (
            f"is hardly understood: most words are guesses. If it is not in {language}, set its language and"
            " take a model for all languages, like base; else check every word"
        )
    if options.get(LISTED):
        yield from _listed_remarks(transcript)
        return
    hint = "" if options.get(SET) else f"; {decides} decides"
    if usual and not options.get(SET) and language not in (usual, UNDETERMINED):
        heard = "which is heard from its begin on"
        yield f"is transcribed as {language}, {heard}, not as {usual} like the show{hint}"
    if options.get(OTHER):
        seconds = float(options[OTHER_S] or 0)
        more = "" if options.get(SET) else ", unless `languages` in [transcription] lists more"
        yield (
            f"about {seconds:.0f} s of it sound like {options[OTHER]}; a transcript has one language, here"
            f" {language}{more}, so check the words there{hint}"
        )


def _listed_remarks(transcript: Transcript) -> Iterator[str]:
    options = transcript.receipt.options if transcript.receipt else {}
    seconds: dict[str, float] = defaultdict(float)
    for segment in transcript.segments:
        seconds[segment.language or transcript.language] += segment.end_s - segment.start_s
    if len(seconds) > 1:
        names = sorted(seconds, key=seconds.__getitem__, reverse=True)
        parts = (f"{name} for about {seconds[name]:.0f} s" for name in names)
        yield f"is spoken in several languages: {', '.join(parts)}"
    if options.get(OTHER):
        yield (
            f"about {float(options[OTHER_S] or 0):.0f} s of it sound like {options[OTHER]}, which is none of"
            f" {options[LISTED]}, so check the words there; `languages` in [transcription] decides"
        )
