"""Withdrawn words are recognised by hashes that do not hold them."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podcast_pipeline.model import Withdrawal
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.withdrawal.word_hashes import (
    find_withdrawn,
    hash_passage,
    hash_whole,
    shared_run,
    withdrawal_in,
)

SALT = "0" * 32
PASSAGE = normalized_words("off the record the minister took the money in the back of the car")
REST = normalized_words("so tell me what he said and then nothing happened for a very long time indeed")


def test_a_long_passage_is_found_in_other_words() -> None:
    """Eight words in a row are enough, and each place is told."""
    words = hash_passage(PASSAGE, elsewhere=REST, salt=SALT)
    assert words
    assert (words.run_words, words.slow, len(words.hashes)) == (8, False, len(PASSAGE) - 7)
    assert find_withdrawn([*REST, *PASSAGE[3:11], *REST], words) == (len(REST),)
    assert find_withdrawn([*REST, *PASSAGE[3:10], *REST], words) == ()
    assert find_withdrawn(REST, words) == ()


@pytest.mark.parametrize("size", range(2, 8))
def test_a_short_passage_is_one_slow_hash(size: int) -> None:
    """Two to seven words are found as a whole; one guess costs a slow hash."""
    words = hash_passage(PASSAGE[:size], elsewhere=REST, salt=SALT)
    assert words
    assert (words.run_words, words.slow, len(words.hashes)) == (size, True, 1)
    assert find_withdrawn([*REST, *PASSAGE], words) == (len(REST),)
    assert find_withdrawn([*REST, *PASSAGE[1:]], words) == ()


def test_one_word_is_not_kept() -> None:
    """The hash of one word would be a word list away."""
    assert hash_passage(PASSAGE[:1], elsewhere=(), salt=SALT) is None


def test_what_stays_published_is_no_secret() -> None:
    """Runs that also stand in what stays are left out, else the next publication would be refused."""
    assert hash_passage(PASSAGE, elsewhere=[*REST, *PASSAGE], salt=SALT) is None
    words = hash_passage(PASSAGE, elsewhere=PASSAGE[:9], salt=SALT)
    assert words
    assert find_withdrawn(PASSAGE[:9], words) == ()


def test_no_word_and_no_plain_hash_is_kept() -> None:
    """What is stored holds no word, no hash without the salt, and nothing of the words around."""
    words = hash_passage(PASSAGE, elsewhere=REST, salt=SALT)
    assert words
    stored = json.dumps(words.model_dump())
    assert not [word for word in PASSAGE if f'"{word}' in stored or f" {word}" in stored]
    runs = [" ".join(PASSAGE[n : n + 8]) for n in range(len(PASSAGE) - 7)]
    assert not [run for run in runs if hashlib.sha256(run.encode()).hexdigest()[:16] in stored]
    other = hash_passage(PASSAGE, elsewhere=REST, salt="1" * 32)
    assert other
    assert not set(words.hashes) & set(other.hashes)


def test_the_edge_is_not_hashed() -> None:
    """No run holds a word of the neighbours: seven known words and one unknown are soon guessed."""
    words = hash_passage(PASSAGE, elsewhere=REST, salt=SALT)
    assert words
    around = [*REST[-7:], *PASSAGE[:7]]
    assert find_withdrawn(around, words) == ()


def test_numbers_between_the_words_do_not_hide_them() -> None:
    """A passage with numbers is found with them and without, as captions have it."""
    passage = normalized_words("it was 4 million in 2 bags on the seat of the old car")
    words = hash_passage(passage, elsewhere=(), salt=SALT)
    assert words
    assert find_withdrawn([word for word in passage if not word.isdecimal()], words)


def test_the_whole_of_a_version() -> None:
    """A version is recognised as a whole: what shares a sentence with it is another text."""
    words = hash_whole(PASSAGE, salt=SALT)
    assert words
    assert find_withdrawn(PASSAGE, words) == (0,)
    assert find_withdrawn(PASSAGE[1:], words) == ()


def test_the_withdrawal_is_named() -> None:
    """The first withdrawal whose words are there is returned; one without hashes never is."""
    at = datetime(2026, 11, 30, tzinfo=UTC)
    bare = Withdrawal(kind="episode", withdrawn_at=at)
    known = Withdrawal(
        kind="passage", withdrawn_at=at, words=hash_passage(PASSAGE, elsewhere=REST, salt=SALT)
    )
    assert withdrawal_in(PASSAGE, (bare, known)) == known
    assert withdrawal_in(REST, (bare, known)) is None


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=8, max_size=30), st.data())
def test_any_eight_words_are_found(passage: list[str], data: st.DataObject) -> None:
    """Every run of eight words of a passage is recognised, wherever it stands."""
    words = hash_passage(passage, elsewhere=(), salt=SALT)
    assert words
    start = data.draw(st.integers(0, len(passage) - 8))
    assert 1 in find_withdrawn(["x", *passage[start : start + 8], "y"], words)


def test_a_run_that_two_texts_share() -> None:
    """Eight words in common count, of a short passage all; one word never does."""
    assert shared_run([*REST, *PASSAGE[:8]], PASSAGE)
    assert not shared_run([*REST, *PASSAGE[:7]], PASSAGE)
    assert shared_run([*REST, *PASSAGE[:3]], PASSAGE[:3])
    assert not shared_run(PASSAGE, PASSAGE[:1])
