"""Master the same speech at 5 and at 20 minutes: time, and whether memory depends on the length.

    python scripts/bench_audio.py

Each length runs in a process of its own; memory is the highest resident size of Python and of any ffmpeg.
"""

import multiprocessing
import resource
import subprocess
import tempfile
import time
from pathlib import Path

from podcast_pipeline import audio
from podcast_pipeline.config import AudioTable
from podcast_pipeline.model import Progress

SAMPLE = Path(__file__).parent.parent / "episodes" / "two-winters-and-a-will" / "source.flac"
MINUTES = (5, 20)
STEREO = ("-af", "pan=stereo|c0=c0|c1=0.7*c0", "-ar", "44100")
KIB_PER_MIB = 1024


def unwatched(progress: Progress) -> None:
    """Take progress that nobody watches."""


def lengthen(target: Path, minutes: int) -> Path:
    """Repeat the sample until it has this length, as 44.1 kHz stereo WAV."""
    loop = ["-v", "error", "-stream_loop", "-1", "-i", str(SAMPLE), "-t", str(minutes * 60)]
    subprocess.run([str(audio.find_ffmpeg()), *loop, *STEREO, str(target)], check=True)
    return target


def bench(minutes: int) -> None:
    """Print one line of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recording = lengthen(folder / "recording.wav", minutes)
        started = time.perf_counter()
        audio.make_master(
            recording,
            folder / "master.mp3",
            settings=AudioTable(),
            folder=folder,
            ffmpeg=audio.Ffmpeg(audio.find_ffmpeg()),
            report=unwatched,
        )
        wall_s = time.perf_counter() - started
    own, child = (
        resource.getrusage(who).ru_maxrss / KIB_PER_MIB
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"{minutes:3} min  {wall_s:6.1f} s  python {own:5.0f} MiB  ffmpeg {child:5.0f} MiB", flush=True)


def main() -> None:
    """Run every length in a fresh process."""
    context = multiprocessing.get_context("spawn")
    for minutes in MINUTES:
        process = context.Process(target=bench, args=(minutes,))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
