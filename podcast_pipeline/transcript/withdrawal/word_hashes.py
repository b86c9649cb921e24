"""Recognise withdrawn words by salted hashes, without keeping the words.

A passage of eight words or more is kept as the hashes of its shingles: eight words in a row are more than
anybody tries. A shorter one is kept as one hash that costs some 50 ms (scrypt), with 8 bits of a fast hash
before it that spare nearly all of a transcript the slow one. One word alone is not kept: its hash is a word
list away. No run reaches over the edge of the passage, where seven of its words would be known and one tried.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from podcast_pipeline.model import Withdrawal, WordHashes
from podcast_pipeline.transcript.leaks.shingles import shingle_size, with_and_without_numbers

HASH_DIGITS = 32
FILTER_DIGITS = 2  # of a fast hash, before a slow one
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 16}
"""16 MiB and some 50 ms for one guess."""

MIN_WORDS = 2
CACHED_HASHES = 10_000


def hash_passage(tokens: Sequence[str], *, elsewhere: Sequence[str], salt: str) -> WordHashes | None:
    """Return the hashes of a passage; None where nothing of it can be kept.

    Args:
        tokens: the passage, normalised.
        elsewhere: what stays published; its runs are no secret and are left out.
        salt: 32 random hex digits.
    """
    size = min(shingle_size(tokens), len(tokens))
    if size < MIN_WORDS:
        return None
    slow = size < shingle_size(tokens)
    runs = {run for form in with_and_without_numbers(list(tokens)) for run in _runs(form, size)} - set(
        _runs(elsewhere, size)
    )
    if not runs:
        return None
    hashes = tuple(sorted(_hash(run, salt, slow=slow) for run in runs))
    return WordHashes(salt=salt, run_words=size, slow=slow, hashes=hashes)


def hash_whole(tokens: Sequence[str], *, salt: str) -> WordHashes | None:
    """Return one hash of all words of a text, by which only the same words are recognised."""
    if len(tokens) < MIN_WORDS:
        return None
    slow = len(tokens) < shingle_size(tokens)
    return WordHashes(
        salt=salt, run_words=len(tokens), slow=slow, hashes=(_hash(" ".join(tokens), salt, slow=slow),)
    )


def find_withdrawn(tokens: Sequence[str], words: WordHashes) -> tuple[int, ...]:
    """Return the places of the tokens at which a withdrawn run begins."""
    known = frozenset(words.hashes)
    filters = frozenset(one[:FILTER_DIGITS] for one in known)
    return tuple(
        place
        for place, run in enumerate(_runs(tokens, words.run_words))
        if _is_known(run, words, known, filters)
    )


def withdrawal_in(tokens: Sequence[str], withdrawals: Iterable[Withdrawal]) -> Withdrawal | None:
    """Return the first withdrawal whose words are among the tokens."""
    return next((w for w in withdrawals if w.words and find_withdrawn(tokens, w.words)), None)


def shared_run(tokens: Sequence[str], passage: Sequence[str]) -> bool:
    """Tell whether a text has a run of a passage that is not kept secret by chance: eight words, or all."""
    return bool(shared_places(tokens, passage))


def shared_places(tokens: Sequence[str], passage: Sequence[str]) -> tuple[int, ...]:
    """Return the places of the tokens that belong to a run which a text shares with a passage."""
    size = min(shingle_size(passage), len(passage))
    if size < MIN_WORDS:
        return ()
    known = set(_runs(passage, size))
    starts = [place for place, run in enumerate(_runs(tokens, size)) if run in known]
    return tuple(sorted({place + n for place in starts for n in range(size)}))


def _is_known(run: str, words: WordHashes, known: Collection[str], filters: Collection[str]) -> bool:
    if words.slow and _fast(run, words.salt)[:FILTER_DIGITS] not in filters:
        return False
    return _hash(run, words.salt, slow=words.slow) in known


def _hash(run: str, salt: str, *, slow: bool) -> str:
    return _slow(run, salt) if slow else _fast(run, salt)[:HASH_DIGITS]


@lru_cache(CACHED_HASHES)
def _slow(run: str, salt: str) -> str:
    """Return the slow hash; the same words stand in a page, in five files and in the feed's."""
    key = hashlib.scrypt(run.encode(), salt=bytes.fromhex(salt), **SCRYPT)
    return _fast(run, salt)[:FILTER_DIGITS] + key.hex()


def _fast(run: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}:{run}".encode()).hexdigest()


def _runs(tokens: Sequence[str], size: int) -> Iterable[str]:
    return (" ".join(tokens[n : n + size]) for n in range(len(tokens) - size + 1))
