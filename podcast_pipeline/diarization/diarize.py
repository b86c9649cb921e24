"""Diarize a recording, once for the same inputs, and assign the speakers to its words."""

from collections.abc import Callable, Sequence
from pathlib import Path

from podcast_pipeline.diarization import choose_diarizer, load_diarizer
from podcast_pipeline.diarization.assign import DiarizationResult, DiarizationTurn, assign_speakers
from podcast_pipeline.diarization.known_voices import KnownVoice, identify_speakers, propose_guest_name
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.files import short_sha256, write_atomically
from podcast_pipeline.model import FrozenModel, ProgressCallback, Transcript

VERSION = 3  # increment if a change of ours gives other turns for the same recording
SPEAKERS_OPTION = "speakers"  # in a transcript's receipt: the source of its speakers


class IdentifiedTurns(FrozenModel):
    """The turns, and the names of speakers where known. No embeddings: guests did not consent to storage.

    Attributes:
        names: speaker -> name of a known voice.
        proposals: speaker -> the only possible guest, for a person to confirm.
    """

    turns: tuple[DiarizationTurn, ...]
    names: dict[str, str]
    proposals: dict[str, str]


def diarize_transcript(
    words: Transcript,
    folder: EpisodeFolder,
    *,
    engine: str,
    speaker_count: int | None,
    known: Sequence[KnownVoice],
    guests: Sequence[str],
    report: ProgressCallback,
    warn: Callable[[str], None],
) -> Transcript:
    """Return the words with their speakers; unchanged if the speakers are from the same inputs.

    Args:
        engine: auto, off or a name; see `choose_diarizer`.
        speaker_count: number of people who speak, None to detect it.
        guests: names of the guests in episode.toml.
        warn: called with one line about damaged turns of an earlier run.
    """
    name = choose_diarizer(engine)
    if name is None or not words.segments or words.receipt is None:
        return words
    diarizer = load_diarizer(name)
    comparable = [voice for voice in known if voice.engine == name]
    inputs = {
        "audio": words.receipt.audio_sha256,
        "engine": f"{name} {diarizer.version}",
        "count": speaker_count,
        "known": [voice.model_dump(mode="json") for voice in comparable],
        "guests": list(guests) if comparable else [],
        "version": VERSION,
    }
    speakers_source = f"{name} {diarizer.version} {short_sha256(repr(sorted(inputs.items())).encode())}"
    if words.receipt.options.get(SPEAKERS_OPTION) == speakers_source:
        return words

    def diarize(target: Path) -> IdentifiedTurns:
        result = diarizer.diarize(folder.require_recording(), speaker_count=speaker_count, report=report)
        write_atomically(target, to_rttm(result.turns).encode())
        return _identify(result, comparable, guests)

    _, identified = folder.build_once(
        "speakers", ".rttm", inputs=inputs, result_type=IdentifiedTurns, build=diarize, warn=warn
    )
    return with_speakers(words, identified, speakers_source)


def diarize_file(
    words: Transcript,
    recording: Path,
    *,
    engine: str,
    known: Sequence[KnownVoice],
    report: ProgressCallback,
) -> Transcript:
    """Return the words of a file that is no episode with their speakers; known voices have their names.

    Args:
        engine: a name of `need_diarizer`.
    """
    if not words.segments:
        return words
    diarizer = load_diarizer(engine)
    comparable = [voice for voice in known if voice.engine == engine]
    result = diarizer.diarize(recording, speaker_count=None, report=report)
    return with_speakers(words, _identify(result, comparable, ()), f"{engine} {diarizer.version}")


def with_speakers(words: Transcript, identified: IdentifiedTurns, speakers_source: str) -> Transcript:
    """Return the words with speakers; the receipt records the source of the speakers."""
    receipt = words.receipt and words.receipt.model_copy(
        update={"options": dict(sorted({**words.receipt.options, SPEAKERS_OPTION: speakers_source}.items()))}
    )
    return assign_speakers(
        words, identified.turns, names=identified.names, proposals=identified.proposals
    ).model_copy(update={"receipt": receipt})


def to_rttm(turns: Sequence[DiarizationTurn]) -> str:
    """Return turns as RTTM, the format of diarization tools; the last number is the certainty.

    Source: NIST RT-09 evaluation plan, appendix A.
    """
    row = "SPEAKER recording 1 {0.start_s:.3f} {1:.3f} <NA> <NA> {0.speaker} {0.certainty:.3f} <NA>\n"
    return "".join(row.format(turn, turn.end_s - turn.start_s) for turn in turns)


def _identify(
    result: DiarizationResult, known: Sequence[KnownVoice], guests: Sequence[str]
) -> IdentifiedTurns:
    names = identify_speakers(result.voices, known)
    return IdentifiedTurns(
        turns=result.turns, names=names, proposals=propose_guest_name(list(result.voices), names, guests)
    )
