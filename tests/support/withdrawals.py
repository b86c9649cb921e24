"""The passage that tests take back from the sample episode, and where its words still are."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from podcast_pipeline.model import Episode
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.withdraw.plan import Selection
from podcast_pipeline.pipeline.withdraw.receipt import WithdrawalReceipt
from podcast_pipeline.pipeline.withdraw.withdraw import plan_withdrawal, withdraw
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.transcript.leaks.shingles import decoded_words
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.withdrawal.word_hashes import shared_run
from tests.support.show import SLUG

QUOTE = "Unless to be … selfish is to be"
PASSAGE = normalized_words("unless to be rather cold-hearted and rather selfish is to be")
RATE_HZ = 16_000
LONGEST_TEXT_BYTES = 100_000


def take_back(context: Context, selection: Selection, **options: str) -> WithdrawalReceipt:
    """Withdraw from the sample episode."""
    reason = options.pop("reason", "")
    planned = plan_withdrawal(context, SLUG, selection, public_reason=options.pop("public_reason", ""))
    return withdraw(context, planned, reason=reason)


def holds_passage(data: bytes) -> bool:
    """Tell whether bytes have words of the passage, in any encoding."""
    return any(shared_run(found.words, PASSAGE) for found in decoded_words(data))


def keys_with_passage(store: ObjectReader) -> set[str]:
    """Return the stored text objects with words of the passage."""
    keys = [info.key for prefix in ("public/", "private/") for info in store.list(prefix)]
    texts = (key for key in keys if not key.startswith(("public/audio/", "public/art/")))
    return {key for key in texts if holds_passage(store.get(key)[1])}


def files_with_passage(folder: Path) -> set[str]:
    """Return the files below a folder with words of the passage; audio is not read."""
    return {
        path.relative_to(folder).as_posix()
        for path in _files(folder)
        if path.stat().st_size < LONGEST_TEXT_BYTES
        and path.suffix not in (".flac", ".mp3", ".jpg")
        and holds_passage(path.read_bytes())
    }


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def sound_of(path: Path) -> npt.NDArray[np.float32]:
    """Return a file as mono samples at RATE_HZ."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", RATE_HZ)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def loudest(samples: npt.NDArray[np.float32], start_s: float, end_s: float) -> float:
    """Return the highest sample between two times."""
    return float(np.abs(samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]).max())


def audio_file(store: ObjectReader, episode: Episode, folder: Path) -> Path:
    """Return the published audio as a file."""
    assert episode.enclosure.key
    path = folder / Path(episode.enclosure.key).name
    path.write_bytes(store.get(episode.enclosure.key)[1])
    return path
