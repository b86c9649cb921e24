"""Lowers the few tenths of a second of an MP3 that peak too high, without encoding it again.

Each granule (576 samples, 13 ms) has a gain in steps of 1.5 dB. It is lowered for the part, and every other
granule keeps its bits.

Source: ISO/IEC 11172-3, 2.4.1.7 (side information) and 2.4.3.4 (global_gain).
"""

import math
import mmap
from collections.abc import Collection, Iterator
from pathlib import Path

from podcast_pipeline.audio.ffmpeg import BITEXACT, WITHOUT_TAGS, Ffmpeg
from podcast_pipeline.audio.limiter import SAMPLE_RATE_HZ
from podcast_pipeline.audio.loudness import PART_S, MeterReading

GAIN_STEP_DB = 20 * math.log10(2) / 4
MAX_LOWERED = 0.005  # of the parts; where more peak too high, the ceiling was wrong
ALWAYS_LOWERED = 2  # parts of a short recording
KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
HEADER_BYTES = 4
MONO = 3  # the channel mode of a header
FIRST_GAIN_BIT = {1: 18 + 21, 2: 20 + 21}  # channels -> of the side information
GRANULE_BITS = 59  # of the side information, each channel
GRANULE_SAMPLES = 576
DECODER_DELAY_SAMPLES = 529
ENCODER_DELAY_SAMPLES = 576  # is in the times of a meter that reads before the Info header is written
SPREAD_SAMPLES = 2 * GRANULE_SAMPLES + 481  # that a granule sounds in: overlapping halves, then the filters


def too_high(reading: MeterReading, *, max_true_peak_dbtp: float) -> dict[int, float]:
    """Return part -> by how many dB it peaks too high, for those that do."""
    over = {part: peak - max_true_peak_dbtp for part, peak in enumerate(reading.part_peaks_dbtp)}
    return {part: over_db for part, over_db in over.items() if over_db > 0}


def are_few(parts: Collection[int], reading: MeterReading) -> bool:
    """Return whether parts are there, and few enough to be lowered each by itself."""
    return 0 < len(parts) <= max(ALWAYS_LOWERED, MAX_LOWERED * len(reading.part_peaks_dbtp))


def lower_parts(path: Path, over_db: dict[int, float], *, ffmpeg: Ffmpeg) -> None:
    """Lower parts of an MP3 that `make_master` encoded, in place.

    Its header has a checksum of all frames, so ffmpeg writes the frames once more, as they are.

    Args:
        over_db: part, PART_S each -> by how much it is too loud.

    Raises:
        AudioError: ffmpeg failed.
    """
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        _lower(data, _steps(over_db))
    copied = path.with_name(f"{path.name}.copied")
    form = ["-c", "copy", *WITHOUT_TAGS, *BITEXACT, "-f", "mp3", str(copied.absolute())]
    try:
        with ffmpeg.start(["-loglevel", "error", "-i", str(path.absolute()), *form], subject=path) as running:
            running.finish()
        copied.replace(path)
    finally:
        copied.unlink(missing_ok=True)


def _steps(over_db: dict[int, float]) -> dict[int, int]:
    """Return granule -> steps; where parts meet, the more."""
    steps = dict[int, int]()
    for part, over in over_db.items():
        for granule in _granules(part):
            steps[granule] = max(steps.get(granule, 0), math.ceil(over / GAIN_STEP_DB))
    return steps


def _granules(part: int) -> range:
    """Return the granules that sound in a part, by times with and without the encoder's delay."""
    size = round(PART_S * SAMPLE_RATE_HZ)
    begin = part * size + DECODER_DELAY_SAMPLES - SPREAD_SAMPLES
    end = (part + 1) * size + DECODER_DELAY_SAMPLES + ENCODER_DELAY_SAMPLES
    return range(max(0, begin // GRANULE_SAMPLES), end // GRANULE_SAMPLES + 1)


def _lower(data: mmap.mmap, steps: dict[int, int]) -> None:
    for frame, offset in enumerate(_sound_frames(data)):
        for number in range(2):
            if fall := steps.get(2 * frame + number):
                _lower_granule(data, offset, number, fall)


def _sound_frames(data: mmap.mmap) -> Iterator[int]:
    """Yield where each frame begins; the first of the file is the Info header, which has no sound."""
    offset = _frame_bytes(data, 0)
    while offset + HEADER_BYTES < len(data):
        yield offset
        offset += _frame_bytes(data, offset)


def _frame_bytes(data: mmap.mmap, offset: int) -> int:
    kbps, has_padding = KBPS[data[offset + 2] >> 4], data[offset + 2] >> 1 & 1
    return 144_000 * kbps // SAMPLE_RATE_HZ + has_padding


def _lower_granule(data: mmap.mmap, offset: int, number: int, steps: int) -> None:
    """Lower all channels of the first (0) or second (1) granule of a frame."""
    channels = 1 if data[offset + 3] >> 6 == MONO else 2
    for channel in range(channels):
        bit = FIRST_GAIN_BIT[channels] + (number * channels + channel) * GRANULE_BITS
        byte, below = offset + HEADER_BYTES + bit // 8, 8 - bit % 8
        both = int.from_bytes(data[byte : byte + 2], "big")
        gain = both >> below & 0xFF
        both -= min(gain, steps) << below
        data[byte : byte + 2] = both.to_bytes(2, "big")
