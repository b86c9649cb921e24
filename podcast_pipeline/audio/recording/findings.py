"""What a producer should know of a recording before hours of work: one line for each fault. Pure."""

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from shlex import quote
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.audio.recording.levels import PART_S, SoundLevels, decibels
from podcast_pipeline.model import FrozenModel

FindingKind = Literal[
    "clipped",
    "one voice in each ear",
    "quiet speaker",
    "long silence",
    "very quiet",
    "out of phase",
    "header",
]

AUDIBLE_DB = -70.0
GATE_DB = 10.0  # below the mean: pauses do not count
ACTIVE_DB = 25.0  # below the speech: somebody speaks
SILENT_DB = 35.0
CLIPPED_SHARE = 0.002  # of the samples of a part; of a lossless recording any flat top
LOSSY_CLIPPED_SHARE = 0.03
CLIPPED_PARTS = 0.02  # of the active ones
LEAST_CLIPPED_PARTS = 5
EAR_DB = 10.0  # by which a voice is louder in one ear
EAR_SHARE = 0.15  # of the time that each voice has at least
EARS_SHARE = 0.7  # of the time that one of both is on its side
OUT_OF_PHASE_DB = 10.0  # by which the mix is quieter than the channels; one silent channel makes it 6
OUT_OF_PHASE_SHARE = 0.3
VERY_QUIET_DB = -45.0
STEADY_DB = 4.0  # speech goes up and down by more
SPEECH_DB = -19.0  # roughly that of a finished episode
SILENCE_AT_ENDS_S, SILENCE_INSIDE_S = 8, 15
SILENT_SHARE = 0.8  # of a second: a creak does not end a silence
WINDOW_PARTS = round(1 / PART_S)
LEAST_WINDOWS = 15
SPEAKERS_DB = 9.0  # between two voices
SPEAKER_SHARE = 0.15  # of the time that each of them has at least
BETWEEN_SHARE = 0.08  # of the time that is neither: more is one voice with much expression
LISTED = 3


class RecordingFinding(FrozenModel):
    """One fault of a recording.

    Attributes:
        message: a line without the file's name.
        at_s: where it is first; None for all of it.
    """

    kind: FindingKind
    message: str
    at_s: float | None = None


@dataclass(frozen=True)
class LevelReport:
    """The levels of a recording, seen by somebody who knows what speech looks like.

    Attributes:
        path: of the recording, for the commands in the messages.
        is_track: one speaker's own track, which is silent while the others speak.
    """

    levels: SoundLevels
    path: Path
    is_lossless: bool
    is_track: bool = False

    @cached_property
    def loudness_db(self) -> NDArray[np.float64]:
        """Shape (n,): of the louder channel."""
        return decibels(self.levels.power.max(axis=0))

    @cached_property
    def speech_db(self) -> float | None:
        """The mean of what is heard, pauses left out; None for silence."""
        heard = self.loudness_db[self.loudness_db > AUDIBLE_DB]
        if not heard.size:
            return None
        return _mean_db(heard[heard > _mean_db(heard) - GATE_DB])

    def findings(self) -> tuple[RecordingFinding, ...]:
        """Return what is wrong, the worst first."""
        if self.speech_db is None:
            return ()
        of_mix = () if self.is_track else (self._ears(), self._quiet_speaker(), self._silence())
        found = (self._clipped(), self._out_of_phase(), *of_mix, self._very_quiet(self.speech_db))
        return tuple(one for one in found if one)

    @property
    def is_only_noise(self) -> bool:
        """Whether a faint recording is as loud at every moment: hum or hiss, and nobody speaks."""
        if self.speech_db is None or self.speech_db > VERY_QUIET_DB:
            return False
        low_db, high_db = np.percentile(self.loudness_db, (5, 95))
        return bool(high_db - low_db < STEADY_DB)

    @cached_property
    def _active(self) -> NDArray[np.bool_]:
        return self.loudness_db > (self.speech_db or 0.0) - ACTIVE_DB

    def _clipped(self) -> RecordingFinding | None:
        limit = CLIPPED_SHARE if self.is_lossless else LOSSY_CLIPPED_SHARE
        clipped = np.flatnonzero(self.levels.clipped > limit)
        if clipped.size < max(LEAST_CLIPPED_PARTS, CLIPPED_PARTS * self._active.sum()):
            return None
        share = clipped.size / max(1, self._active.sum())
        return RecordingFinding(
            kind="clipped",
            message=f"is clipped in {min(share, 1):.0%} of what is said, first at {_clock(clipped[0])}: the"
            " distortion cannot be removed; record it again with less gain, or publish it as it is",
            at_s=_seconds(clipped[0]),
        )

    def _ears(self) -> RecordingFinding | None:
        if len(self.levels.power) < 2:
            return None
        left, right = decibels(self.levels.power)
        difference = (left - right)[self._active]
        shares = (difference > EAR_DB).mean(), (difference < -EAR_DB).mean()
        if min(shares) < EAR_SHARE or sum(shares) < EARS_SHARE:
            return None
        tracks = " ".join(
            f"--track {quote(f'{who}={self.path}:{n}')}" for n, who in ((1, "HOST"), (2, "GUEST"))
        )
        return RecordingFinding(
            kind="one voice in each ear",
            message="has one voice in each ear; if these are two microphones, name their speakers, and the"
            f" voices are levelled and mixed: podcast ingest {tracks}",
        )

    def _out_of_phase(self) -> RecordingFinding | None:
        if len(self.levels.power) < 2 or not self._active.any():
            return None
        lost = (self.loudness_db - decibels(self.levels.mix) > OUT_OF_PHASE_DB) & self._active
        if lost.sum() < OUT_OF_PHASE_SHARE * self._active.sum():
            return None
        at = np.flatnonzero(lost)[0]
        return RecordingFinding(
            kind="out of phase",
            message="has left and right out of phase: on one loudspeaker its listeners hear next to nothing;"
            " invert one channel, or export one of them as mono. The words are taken from one channel",
            at_s=_seconds(at),
        )

    def _quiet_speaker(self) -> RecordingFinding | None:
        places, levels_db = self._voiced_seconds()
        if len(levels_db) < LEAST_WINDOWS:
            return None
        smooth = np.array([np.median(levels_db[max(0, n - 1) : n + 2]) for n in range(len(levels_db))])
        low_db, high_db, share = _two_means(smooth)
        apart_db = high_db - low_db
        is_between = (smooth > low_db + 0.35 * apart_db) & (smooth < high_db - 0.35 * apart_db)
        if (
            apart_db < SPEAKERS_DB
            or not SPEAKER_SHARE <= share <= 1 - SPEAKER_SHARE
            or is_between.mean() > BETWEEN_SHARE
        ):
            return None
        at = places[np.flatnonzero(smooth < low_db + apart_db / 2)[0]]
        return RecordingFinding(
            kind="quiet speaker",
            message=f"has a voice that is {apart_db:.0f} dB quieter than another, first at {_clock(at)}: the"
            " difference stays in the episode; level the voices, or give each speaker's --track",
            at_s=_seconds(at),
        )

    def _voiced_seconds(self) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the first part, and the loudness, of each second in which somebody speaks."""
        whole = len(self.loudness_db) // WINDOW_PARTS * WINDOW_PARTS
        active = self._active[:whole].reshape(-1, WINDOW_PARTS)
        power = 10 ** (self.loudness_db[:whole].reshape(-1, WINDOW_PARTS) / 10) * active
        count = active.sum(axis=1)
        voiced = np.flatnonzero(count >= WINDOW_PARTS // 2)
        return voiced * WINDOW_PARTS, decibels(power.sum(axis=1)[voiced] / count[voiced])

    def _silence(self) -> RecordingFinding | None:
        places = _silences(self.loudness_db < (self.speech_db or 0.0) - SILENT_DB)
        if not places:
            return None
        lengths = [f"{end_s - start_s} s at {_clock(start_s / PART_S)}" for start_s, end_s in places]
        listed = ", ".join(lengths[:LISTED])
        more = f" and {len(places) - LISTED} more" if len(places) > LISTED else ""
        return RecordingFinding(
            kind="long silence",
            message=f"is silent for long: {listed}{more}; cut it, unless it is meant",
            at_s=float(places[0][0]),
        )

    def _very_quiet(self, speech_db: float) -> RecordingFinding | None:
        if speech_db > VERY_QUIET_DB:
            return None
        return RecordingFinding(
            kind="very quiet",
            message=f"is very quiet ({-speech_db:.0f} dB below full scale): it is raised by about"
            f" {SPEECH_DB - speech_db:.0f} dB, and its noise too; listen for hiss",
        )


def _mean_db(levels_db: NDArray[np.float64]) -> float:
    return float(decibels(np.mean(10 ** (levels_db / 10), keepdims=True))[0])


def _two_means(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the means of the two groups that explain the values best, and the share of the lower one."""
    ordered = np.sort(values)
    counts = np.arange(1, len(ordered))
    sums = np.cumsum(ordered)
    low, high = sums[:-1] / counts, (sums[-1] - sums[:-1]) / (len(ordered) - counts)
    share = counts / len(ordered)
    best = int(np.argmax((high - low) ** 2 * share * (1 - share)))
    return float(low[best]), float(high[best]), float(share[best])


def _silences(silent: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the seconds (first, after the last) of each long silence."""
    whole = len(silent) // WINDOW_PARTS * WINDOW_PARTS
    seconds = silent[:whole].reshape(-1, WINDOW_PARTS).mean(axis=1) >= SILENT_SHARE
    found, at = [], 0
    for is_silent, group in groupby(seconds.tolist()):
        end = at + len(list(group))
        at_an_end = at == 0 or end == len(seconds)
        if is_silent and end - at >= (SILENCE_AT_ENDS_S if at_an_end else SILENCE_INSIDE_S):
            found.append((at, end))
        at = end
    return found


def _seconds(part: float) -> float:
    return round(float(part) * PART_S, 1)


def _clock(part: float) -> str:
    """Return the place of a part, like 1:02:03 or 0:07."""
    minutes, seconds = divmod(int(float(part) * PART_S), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
