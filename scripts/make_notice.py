"""Speak the notice that a feed without a running subscription gets: podcast_pipeline/audio/notice.mp3.

    apt-get install flite
    python scripts/make_notice.py

The voice is flite's `slt` (Carnegie Mellon University, a free licence like BSD's).
Mastered by our own pipeline.
"""

import subprocess
import tempfile
from pathlib import Path

from podcast_pipeline import audio
from podcast_pipeline.audio import notice
from podcast_pipeline.config import AudioTable
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model import Progress

SPEED = "1.08"  # a little slower than the voice's own


def say(progress: Progress) -> None:
    """Print the steps that are done."""
    if progress.done == progress.total:
        print(progress.step)


def main() -> None:
    """Speak and master."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "notice.wav"
        words = ["flite", "-voice", "slt", "--setf", f"duration_stretch={SPEED}", "-t", notice.TEXT]
        subprocess.run([*words, "-o", str(wav)], check=True)
        made = audio.make_master(
            wav,
            notice.PATH,
            settings=AudioTable(bitrate_mono_kbps=48),
            folder=Path(folder),
            ffmpeg=audio.Ffmpeg(audio.find_ffmpeg()),
            report=say,
        )
    print(f"{notice.PATH}: {made.after.integrated_lufs} LUFS; in notice.py:")
    print(f'DURATION_S = {made.duration_s}\nSHA256 = "{sha256_of(notice.PATH)}"')


if __name__ == "__main__":
    main()
