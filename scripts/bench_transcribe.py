#!/usr/bin/env python3
"""Compare our transcriber with its peers: same audio, same weights, one after the other, alternating.

    .venv/bin/python scripts/bench_transcribe.py [--model base] [--rounds 1] [AUDIO ...]
    .venv/bin/python scripts/bench_transcribe.py --memory AUDIO
    .venv/bin/python scripts/bench_transcribe.py --errors

Without AUDIO: every audio file of five minutes or more in $PODCAST_SPEECH_DIR. Beside each file its
reference.txt. Two tables a file: every engine with word times, then the peers without (ours always makes
them). Every run is a process of its own, so that its peak memory is its own; loading the model is not
counted. The processor time is printed too: on a machine with other work it is the fairer number.

--memory: our peak memory for 20 minutes and for 4 hours of the speech in AUDIO, over and over.

--errors: the word error rate of every engine on every recording of $PODCAST_SPEECH_DIR that has a reference,
whatever its length and language. Each engine is told the language.
"""

import argparse
import csv
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

CACHE = Path(tempfile.gettempdir()) / "podcast-bench"
LONG_S = 300
NEAR_S = 1.0  # of a border of our windows
SHORT_RUN_S, LONG_RUN_S = 20 * 60, 4 * 60 * 60
SAMPLE_RATE_HZ = 16_000


class Said(NamedTuple):
    """A word or a longer piece of text; its time where the engine is ours."""

    text: str
    start_s: float | None = None


Hear = Callable[[Path, str], list[Said]]
Load = Callable[[str, bool], Hear]
Run = dict[str, Any]


def ours(precision: str = "auto") -> Load:
    """Return the loader of our engine for a processor, with the second pass; it always makes word times.

    Args:
        precision: pinned, whatever is the fastest on the processor.
    """

    def load(model: str, _words: bool) -> Hear:
        from podcast_pipeline.transcript.names.glossary import Glossary, fix_names
        from podcast_pipeline.transcription import TranscriptionOptions, load_transcriber

        transcriber = load_transcriber("openvino", model, precision=precision, cache=CACHE)
        shutil.rmtree(CACHE / "windows", ignore_errors=True)  # nothing kept from another run

        def hear(audio: Path, language: str) -> list[Said]:
            options = TranscriptionOptions(language=language)
            heard = transcriber.transcribe(audio, options=options, report=lambda _: None)
            fixed, _ = fix_names(heard, Glossary(language=language))
            return [Said(word.text, word.start_s) for word in fixed.words]

        return hear

    return load


def openai_whisper(model: str, words: bool) -> Hear:
    """Return openai-whisper's own `transcribe`, as its documentation calls it."""
    from podcast_pipeline.transcription.engines import ct2_to_openai

    loaded = ct2_to_openai.load_openai_model(_folder(model))

    def hear(audio: Path, language: str) -> list[Said]:
        result = loaded.transcribe(_samples(audio), language=language, fp16=False, word_timestamps=words)
        return [Said(result["text"])]

    return hear


def faster_whisper(*, batched: bool) -> Load:
    """Return the loader of faster-whisper: int8, beam 5, all cores."""

    def load(model: str, words: bool) -> Hear:
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        loaded: Any = WhisperModel(
            str(_folder(model)), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1
        )
        if batched:
            loaded = BatchedInferencePipeline(loaded)

        def hear(audio: Path, language: str) -> list[Said]:
            segments, _ = loaded.transcribe(str(audio), language=language, beam_size=5, word_timestamps=words)
            return [Said(f" {segment.text}") for segment in segments]

        return hear

    return load


def whisper_cpp(model: str, words: bool) -> Hear:
    """Return whisper.cpp with float16 weights and beam 5, as its own command line has it."""
    import ggml_model
    from pywhispercpp.model import Model

    CACHE.mkdir(exist_ok=True)
    loaded = Model(
        str(ggml_model.write(_folder(model), CACHE / f"ggml-{model}.bin")),
        params_sampling_strategy=1,
        beam_search={"beam_size": 5, "patience": -1.0},
        n_threads=os.cpu_count() or 1,
        token_timestamps=words,
        print_progress=False,
    )

    def hear(audio: Path, language: str) -> list[Said]:
        segments = loaded.transcribe(_samples(audio), language=language)
        return [Said(f" {segment.text}") for segment in segments]

    return hear


OURS, OURS_F32, REFERENCE = "ours", "ours, f32", "openai-whisper"
ENGINES: dict[str, Load] = {
    REFERENCE: openai_whisper,
    "whisper.cpp, beam 5": whisper_cpp,
    "faster-whisper, beam 5": faster_whisper(batched=False),
    "faster-whisper batched, beam 5": faster_whisper(batched=True),
    OURS: ours(),
    OURS_F32: ours("f32"),
}
COLUMNS = (
    "engine",
    "s",
    "× real time",
    "processor s",
    "ours is faster by (bf16, f32)",
    "WER %",
    "words missed",
    "of them at our window borders",
    "words unlike openai-whisper's %",
    "peak MB",
)


def main() -> None:
    """Measure and print the tables of each file, in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("audio", nargs="*", type=Path)
    parser.add_argument("--model", default="base")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--table", choices=["with", "without"], help="word times: one table only")
    parser.add_argument("--memory", action="store_true", help="20 minutes against 4 hours, ours only")
    parser.add_argument(
        "--engine", action="append", choices=list(ENGINES), help="only this one; may be repeated"
    )
    parser.add_argument("--errors", action="store_true", help="WER of every engine on every recording")
    parser.add_argument("--run", nargs=3, metavar=("ENGINE", "AUDIO", "WORDS"), help=argparse.SUPPRESS)
    parser.add_argument("--hear", metavar="ENGINE", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        engine, file, words = asked.run
        print(json.dumps(_run(engine, Path(file), asked.model, words=words == "with")))
    elif asked.hear:
        print(json.dumps(_heard(asked.hear, asked.model)))
    elif asked.errors:
        _compare_errors(asked)
    elif asked.memory:
        _compare_memory(asked.audio[0], asked.model)
    else:
        _compare(asked.audio or list(_long_files()), asked)


def _compare(files: Sequence[Path], asked: argparse.Namespace) -> None:
    for audio in files:
        for words in [asked.table] if asked.table else ["with", "without"]:
            runs: dict[str, list[Run]] = {name: [] for name in asked.engine or ENGINES}
            for _ in range(asked.rounds):
                for name, done in runs.items():
                    done.append(_in_process(name, audio, asked.model, words))
            _print_table(audio, runs, words)


def _in_process(engine: str, audio: Path, model: str, words: str) -> Run:
    result: Run = _told(engine, "--run", engine, str(audio), words, "--model", model)
    print(f"{engine}: {result['wall_s']:.1f} s", file=sys.stderr, flush=True)
    return result


def _told(engine: str, *arguments: str) -> Any:
    """Return what this script says in a process of its own."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{engine}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _run(engine: str, audio: Path, model: str, *, words: bool) -> Run:
    hear = ENGINES[engine](model, words)
    wall, busy = time.perf_counter(), time.process_time()
    said = hear(audio, "en")
    return {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - busy,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "said": said,
    }


def _print_table(audio: Path, runs: dict[str, list[Run]], words: str) -> None:
    seconds = len(_samples(audio)) / SAMPLE_RATE_HZ
    wall = {name: statistics.median(run["wall_s"] for run in done) for name, done in runs.items()}
    said = {name: [Said(*one) for one in done[-1]["said"]] for name, done in runs.items()}
    reference = (audio.parent / "reference.txt").read_text(encoding="utf-8")
    borders = _borders(audio)
    print(f"\n{audio.parent.name}, {seconds:.0f} s, {words} word times\n")
    print(f"| {' | '.join(COLUMNS)} |")
    print("|---" * len(COLUMNS) + "|")
    for name, done in runs.items():
        found = _errors(reference, _text(said[name]))
        cells = (
            name,
            f"{wall[name]:.1f}",
            f"{seconds / wall[name]:.1f}",
            f"{statistics.median(run['cpu_s'] for run in done):.1f}",
            ", ".join(f"{wall[name] / wall[mine]:.2f}" for mine in (OURS, OURS_F32) if mine in wall),
            f"{100 * found.wer:.2f}",
            str(found.deletions),
            str(_missed_near(borders, reference, said[name])) if name in (OURS, OURS_F32) else "",
            _unlike(said.get(REFERENCE), said[name]),
            f"{max(run['peak_mb'] for run in done):.0f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def _unlike(theirs: Sequence[Said] | None, ours: Sequence[Said]) -> str:
    return f"{100 * _errors(_text(theirs), _text(ours)).wer:.2f}" if theirs else ""


def _text(said: Sequence[Said]) -> str:
    return "".join(one.text for one in said)


def _errors(reference: str, text: str, language: str = "en") -> Any:
    """Return jiwer's alignment of two texts, both through Whisper's normaliser.

    Japanese is compared letter by letter: it has no spaces.
    """
    import jiwer
    from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

    letters = language == "ja"
    normal = EnglishTextNormalizer() if language == "en" else BasicTextNormalizer(split_letters=letters)
    return jiwer.process_words(normal(reference), normal(text))


def _missed_near(borders: Sequence[float], reference: str, words: Sequence[Said]) -> int:
    """Return how many words of the reference are missing within NEAR_S of one of our window borders.

    A missing word's time is between those of the words around it, which are normalised one by one here.
    """
    from whisper.normalizers import EnglishTextNormalizer

    normal = EnglishTextNormalizer()
    timed = [(part, word.start_s or 0.0) for word in words for part in normal(word.text).split()]
    found = _errors(reference, " ".join(part for part, _ in timed))
    missed = 0
    for chunk in found.alignments[0]:
        if chunk.type == "delete" and timed:
            before = timed[max(0, chunk.hyp_start_idx - 1)][1]
            after = timed[min(len(timed) - 1, chunk.hyp_start_idx)][1]
            if any(before - NEAR_S <= border <= after + NEAR_S for border in borders):
                missed += chunk.ref_end_idx - chunk.ref_start_idx
    return missed


def _borders(audio: Path) -> list[float]:
    from podcast_pipeline.transcription.decode import Recording
    from podcast_pipeline.transcription.windows import cut_windows

    return [
        border
        for window in cut_windows(Recording(audio).blocks())
        for border in (window.start_s, window.end_s)
    ]


class Recording(NamedTuple):
    """Speech of which it is known what was said."""

    audio: Path
    language: str
    reference: str


def _recordings() -> Iterator[Recording]:
    """Yield every recording that has a reference: beside it, or in a table of its folder."""
    for folder in sorted(_speech().iterdir()):
        if (table := folder / "reference.tsv").exists():
            with table.open(encoding="utf-8") as file:
                for row in csv.DictReader(file, delimiter="\t"):
                    yield Recording(folder / row["file"], row["lang"], row["text"])
            continue
        for audio in sorted([*folder.glob("*.flac"), *folder.glob("*.mp3")]):
            beside = audio.with_suffix(".txt")
            reference = beside if beside.exists() else folder / "reference.txt"
            yield Recording(audio, "en", reference.read_text(encoding="utf-8"))


def _heard(engine: str, model: str) -> list[str]:
    hear = ENGINES[engine](model, True)
    return [_text(hear(recording.audio, recording.language)) for recording in _recordings()]


def _compare_errors(asked: argparse.Namespace) -> None:
    """Print each engine's error rate on each recording."""
    engines = asked.engine or list(ENGINES)
    texts = [_told(engine, "--hear", engine, "--model", asked.model) for engine in engines]
    print(f"| recording | language | words | {' | '.join(engines)} |")
    print("|---" * (3 + len(engines)) + "|")
    for recording, *heard in zip(_recordings(), *texts, strict=True):
        found = [_errors(recording.reference, text, recording.language) for text in heard]
        name = f"{recording.audio.parent.name}/{recording.audio.stem}"
        rates = " | ".join(f"{100 * one.wer:.2f}" for one in found)
        print(f"| {name} | {recording.language} | {sum(map(len, found[0].references))} | {rates} |")


def _compare_memory(audio: Path, model: str) -> None:
    """Print our peak memory for a short and a long recording of the same speech."""
    print("| recording | s | processor s | peak MB |")
    print("|---|---|---|---|")
    peaks = []
    for seconds in (SHORT_RUN_S, LONG_RUN_S):
        with tempfile.TemporaryDirectory() as folder:
            recording = _repeated(audio, seconds, Path(folder) / "long.wav")
            run = _in_process(OURS, recording, model, "with")
        peaks.append(run["peak_mb"])
        cells = (
            f"{seconds / 60:.0f} minutes",
            *(f"{run[key]:.0f}" for key in ("wall_s", "cpu_s", "peak_mb")),
        )
        print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\n{peaks[1] / peaks[0]:.2f} times the peak")


def _repeated(audio: Path, seconds: int, path: Path) -> Path:
    speech = (_samples(audio) * 32767).astype("<i2")
    left = seconds * SAMPLE_RATE_HZ
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        while left > 0:
            file.writeframes(speech[:left].tobytes())
            left -= len(speech)
    return path


def _long_files() -> Iterator[Path]:
    for audio in sorted(_speech().glob("*/audio.*")):
        if len(_samples(audio)) / SAMPLE_RATE_HZ >= LONG_S:
            yield audio


def _speech() -> Path:
    folder = os.environ.get("PODCAST_SPEECH_DIR")
    if not folder:
        sys.exit("name audio files, or the folder with the recordings in PODCAST_SPEECH_DIR")
    return Path(folder)


def _folder(model: str) -> Path:
    from podcast_pipeline.transcription import hub, weights

    return weights.find_weights(model, cache=CACHE, hub=hub.fetch_from_hub).path


def _samples(audio: Path) -> Any:
    import numpy as np

    from podcast_pipeline.transcription.decode import Recording

    return np.concatenate(list(Recording(audio).blocks()))


if __name__ == "__main__":
    main()
