"""`podcast` with a clock that stands still and an engine without weights: a run can be repeated exactly."""

import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from types import MappingProxyType

from podcast_pipeline import cli, transcription
from podcast_pipeline.remote_feeds import partial as partial_downloads
from podcast_pipeline.transcription import scheduling
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Samples
from podcast_pipeline.transcription.engine import DecodingOptions, EngineWord
from podcast_pipeline.transcription.transcriber import EngineTranscriber
from podcast_pipeline.transcription.weights import Weights

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
WORDS = (Path(__file__).parents[2] / "data/sample/reference.txt").read_text(encoding="utf-8").split()
WORD_S = 0.4


class ReadingEngine:
    """An engine that reads a text aloud, whatever was said."""

    name, version = "openvino", "0"
    weights = Weights("tiny.en", Path(), "0" * 64, Path())
    languages = frozenset({"en"})
    batch_size, workers = 1, 1
    settings: Mapping[str, str | int | float | bool | None] = MappingProxyType({})

    def language_probabilities(self, windows: Sequence[Samples]) -> list[Mapping[str, float]]:
        """Not called: the engine has one language."""
        raise AssertionError(f"{len(windows)} windows in the only language")

    def transcribe_windows(
        self, windows: Iterable[Samples], task: DecodingOptions
    ) -> list[tuple[EngineWord, ...]]:
        """Return a word every 0.4 s."""
        del task
        return [_read(len(window) / SAMPLE_RATE_HZ) for window in windows]


def _read(seconds: float) -> tuple[EngineWord, ...]:
    words = islice(cycle(WORDS), int(seconds / WORD_S))
    return tuple(EngineWord(f" {word}", i * WORD_S, (i + 1) * WORD_S, 0.9) for i, word in enumerate(words))


def main() -> None:
    """Run `podcast` with the arguments of this process."""
    scheduling.GROUP_SIZE = 2  # windows: a short recording has several batches
    partial_downloads.NOTED_BYTES = 64 * 1024  # the downloads of a test have several notes
    app = importlib.import_module("podcast_pipeline.cli.app")
    vars(app)["CliSession"] = partial(vars(app)["CliSession"], clock=lambda: NOW)
    if "--real-engine" in sys.argv:
        sys.argv.remove("--real-engine")
    else:
        vars(transcription)["load_transcriber"] = lambda *_, cache, **__: EngineTranscriber(
            ReadingEngine(), cache=cache
        )
    cli.main()


if __name__ == "__main__":
    main()
