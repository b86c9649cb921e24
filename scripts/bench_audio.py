#!/usr/bin/env python3
"""Master recordings: time, memory, and how many of thirty different ones need more than one encode.

    .venv/bin/python scripts/bench_audio.py [--minutes 5 20 60]
    PODCAST_SPEECH_DIR=… .venv/bin/python scripts/bench_audio.py --thirty

The first table is of the same speech in mono and stereo, at each length in a process of its own; memory is
the highest resident size of Python and of any ffmpeg. The thirty are speech at many levels, clipped, in
noise, with silence, uneven; tones, noise and music. None of them chose a constant of the master.
"""

import argparse
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))

from podcast_pipeline import audio
from podcast_pipeline.config import AudioTable
from podcast_pipeline.model import Progress

SAMPLE = Path(__file__).parent.parent / "episodes" / "two-winters-and-a-will" / "source.flac"
MINUTES = (5, 20)
FORMS = {"mono": "anull", "stereo": "pan=stereo|c0=c0|c1=0.7*c0"}
KIB_PER_MIB = 1024
TWO, THREE = "composite_2spk_MF/audio.flac", "composite_3spk/audio.flac"
WIDE = "pan=stereo|c0=c0|c1=0.5*c0"
CHORD = "+".join(f"sin(2*PI*{hz}*t)" for hz in (110, 165, 220, 277.2, 329.6, 440, 880))
BEAT = "exp(-8*mod(t\\,0.5))*sin(2*PI*55*t)+0.4*exp(-30*mod(t\\,0.25))*(random(0)-0.5)"
SONG = f"0.06*({CHORD})*(0.6+0.4*sin(2*PI*0.2*t))+0.5*({BEAT})"
CLICKS = "aevalsrc='0.9*lt(mod(t,7),0.002)':d=120"
THIRTY: dict[str, tuple[str, str]] = {  # recording -> (file or formula, ffmpeg's filters)
    "two speakers": (TWO, "anull"),
    "two speakers, -30 dB": (TWO, "volume=-30dB"),
    "two speakers, +9 dB": (TWO, "volume=9dB"),
    "two speakers, clipped": (TWO, "volume=24dB,aformat=s16,volume=-3dB"),
    "two speakers, stereo": (TWO, WIDE),
    "two speakers, compressed, stereo": (TWO, f"acompressor=threshold=0.05:ratio=6:makeup=6,{WIDE}"),
    "two speakers, one channel": (TWO, "pan=stereo|c0=c0|c1=0*c0"),
    "three speakers": (THREE, "anull"),
    "three speakers, -12 dB": (THREE, "volume=-12dB"),
    "three speakers, stereo": (THREE, WIDE),
    "three speakers, pauses": (THREE, "apad=pad_dur=120,areverse,apad=pad_dur=60"),
    "three speakers, compressed": (THREE, "acompressor=threshold=0.03:ratio=8:makeup=8"),
    "three speakers, clipped, stereo": (THREE, f"volume=30dB,aformat=s16,{WIDE}"),
    "three speakers, boomy": (THREE, "bass=g=12:f=120"),
    "three speakers, sharp": (THREE, "treble=g=12:f=4000"),
    "three speakers, uneven": (THREE, "volume='if(lt(mod(t,40),20),1,0.12)':eval=frame"),
    "three speakers, 20 minutes": (THREE, "aloop=loop=-1:size=2e9,atrim=duration=1200"),
    "Kennedy": ("jfk_11s/audio.flac", "anull"),
    "Kennedy in hiss": ("jfk_11s/audio.flac", "anull[v];anoisesrc=d=11:a=0.02[n];[v][n]amix=normalize=0"),
    "telephone": ("pyannote_sample_2spk/audio.flac", "aresample=8000"),
    "telephone, stereo": ("pyannote_sample_2spk/audio.flac", f"aresample=8000,{WIDE}"),
    "acoustic": ("spontaneous_mfa/acoustic_corpus.flac", "anull"),
    "cold": ("spontaneous_mfa/cold_corpus.flac", "anull"),
    "cold, stereo": ("spontaneous_mfa/cold_corpus3.flac", WIDE),
    "German": ("multilingual_short/test_de.wav", "anull"),
    "song": (f"{SONG}|{SONG}", "anull"),
    "song, mono": (SONG, "volume=-10dB"),
    "white noise, stereo": ("0.2*(random(0)-0.5)|0.2*(random(1)-0.5)", "anull"),
    "tone": ("0.3*sin(2*PI*997*t)", "anull"),
    "clicks over speech": (
        TWO,
        "volume=-26dB[v];aevalsrc='0.9*lt(mod(t,7),0.002)':d=120[c];[v][c]amix=normalize=0",
    ),
}
FORMULA_S = 60


def unwatched(progress: Progress) -> None:
    """Take progress that nobody watches."""


def run_ffmpeg(*arguments: str) -> None:
    """Run ffmpeg."""
    subprocess.run([str(audio.find_ffmpeg()), "-v", "error", "-y", *arguments], check=True)


def master(recording: Path) -> tuple[audio.Master, int]:
    """Make the master of a recording beside it; return it and the number of encodes."""
    steps = set[str]()
    made = audio.make_master(
        recording,
        recording.with_name("master.mp3"),
        settings=AudioTable(),
        folder=recording.parent,
        ffmpeg=audio.Ffmpeg(audio.find_ffmpeg()),
        report=lambda event: steps.add(event.step),
    )
    return made, sum(step.startswith("master") for step in steps)


def bench(minutes: int, form: str) -> None:
    """Print one line of the first table."""
    with tempfile.TemporaryDirectory() as name:
        recording = Path(name) / "recording.wav"
        loop = ["-stream_loop", "-1", "-i", str(SAMPLE), "-t", str(minutes * 60)]
        run_ffmpeg(*loop, "-af", FORMS[form], "-ar", "44100", str(recording))
        before_s, started_s = _processor_s(), time.perf_counter()
        _, encodes = master(recording)
        wall_s, processor_s = time.perf_counter() - started_s, _processor_s() - before_s
    own, child = (
        resource.getrusage(who).ru_maxrss / KIB_PER_MIB
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(
        f"| {minutes} | {form} | {wall_s:.1f} | {processor_s:.1f} | {encodes} | {own:.0f} | {child:.0f} |",
        flush=True,
    )


def _processor_s() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def thirty() -> None:
    """Print the second table, and how many recordings need one encode."""
    print("| recording | LUFS before | LUFS | dBTP | encodes |\n|---|---|---|---|---|")
    encodes = list(_encodes())
    print(f"\none encode: {encodes.count(1)} of {len(encodes)}; {sum(encodes)} encodes in all")


def _encodes() -> Iterator[int]:
    for title, (source, filters) in THIRTY.items():
        with tempfile.TemporaryDirectory() as name:
            recording = Path(name) / "recording.wav"
            graph = ["-filter_complex", f"[0:a]{filters}", "-c:a", "pcm_s16le"]
            run_ffmpeg(*_input(source), *graph, str(recording))
            made, encodes = master(recording)
        levels = f"{made.before_lufs} | {made.after.integrated_lufs} | {made.after.true_peak_dbtp}"
        print(f"| {title} | {levels} | {encodes} |", flush=True)
        yield encodes


def _input(source: str) -> list[str]:
    if "sin(" in source or "random(" in source:
        return ["-f", "lavfi", "-i", f"aevalsrc='{source}':s=44100:d={FORMULA_S}"]
    return ["-i", str(Path(os.environ["PODCAST_SPEECH_DIR"]) / source)]


def main() -> None:
    """Run every length in a fresh process, or the thirty."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", nargs="*", type=int, default=MINUTES)
    parser.add_argument("--thirty", action="store_true")
    asked = parser.parse_args()
    if asked.thirty:
        thirty()
        return
    print("| minutes | form | wall s | processor s | encodes | Python MiB | ffmpeg MiB |")
    print("|---|---|---|---|---|---|---|", flush=True)
    context = multiprocessing.get_context("spawn")
    for minutes in asked.minutes:
        for form in FORMS:
            process = context.Process(target=bench, args=(minutes, form))
            process.start()
            process.join()


if __name__ == "__main__":
    main()
