"""A recording's speakers, told once for the same inputs and given to its words."""

from collections.abc import Sequence
from pathlib import Path

from podcast_pipeline.diarization import choose_diarizer, load_diarizer
from podcast_pipeline.diarization.assign import DiarizationResult, DiarizationTurn, assign_speakers
from podcast_pipeline.diarization.known_voices import KnownVoice, identify_speakers, propose_guest_name
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.files import short_sha256, write_atomically
from podcast_pipeline.model import FrozenModel, ProgressCallback, Transcript

VERSION = 3  # raised when the same recording is to give other turns
SPEAKERS_OPTION = "speakers"  # in a transcript's receipt: which turns its speakers are from


class IdentifiedTurns(FrozenModel):
    """The turns, and who they are where that is known. No embeddings: guests did not consent to keep theirs.

    Attributes:
        names: speaker -> name of a known voice.
        proposals: speaker -> the guest that it must be, for a person to confirm.
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
) -> Transcript:
    """Return the words with their speakers; as they are where these were told from the same inputs.

    Args:
        engine: auto, off or a name; see `choose`.
        speaker_count: how many people speak, None to find out.
        guests: whom episode.toml names.
    """
    name = choose_diarizer(engine)
    if name is None or not words.segments or words.receipt is None:
        return words
    diarizer = load_diarizer(name)
    usable = [voice for voice in known if voice.engine == name]
    inputs = {
        "audio": words.receipt.audio_sha256,
        "engine": f"{name} {diarizer.version}",
        "count": speaker_count,
        "known": [voice.model_dump(mode="json") for voice in usable],
        "guests": list(guests) if usable else [],
        "version": VERSION,
    }
    told_from = f"{name} {diarizer.version} {short_sha256(repr(sorted(inputs.items())).encode())}"
    if words.receipt.options.get(SPEAKERS_OPTION) == told_from:
        return words

    def make(target: Path) -> IdentifiedTurns:
        heard = diarizer.diarize(folder.source, speaker_count=speaker_count, report=report)
        write_atomically(target, to_rttm(heard.turns).encode())
        return _told(heard, usable, guests)

    _, told = folder.build_once("speakers", ".rttm", inputs=inputs, result_type=IdentifiedTurns, build=make)
    return with_speakers(words, told, told_from)


def with_speakers(words: Transcript, told: IdentifiedTurns, told_from: str) -> Transcript:
    """Return the words with speakers; the receipt says where these are from."""
    receipt = words.receipt and words.receipt.model_copy(
        update={"options": dict(sorted({**words.receipt.options, SPEAKERS_OPTION: told_from}.items()))}
    )
    return assign_speakers(words, told.turns, names=told.names, proposals=told.proposals).model_copy(
        update={"receipt": receipt}
    )


def to_rttm(turns: Sequence[DiarizationTurn]) -> str:
    """Return turns in the format of diarization tools; the last column is the certainty.

    Source: NIST RT-09 evaluation plan, appendix A.
    """
    row = "SPEAKER recording 1 {0.start_s:.3f} {1:.3f} <NA> <NA> {0.speaker} {0.certainty:.3f} <NA>\n"
    return "".join(row.format(turn, turn.end_s - turn.start_s) for turn in turns)


def _told(heard: DiarizationResult, known: Sequence[KnownVoice], guests: Sequence[str]) -> IdentifiedTurns:
    names = identify_speakers(heard.voices, known)
    return IdentifiedTurns(
        turns=heard.turns, names=names, proposals=propose_guest_name(list(heard.voices), names, guests)
    )
