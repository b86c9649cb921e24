"""Feed tokens and the secret key that derives them."""

import base64
import hashlib
import hmac
import re
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.audience.subscribers import tokens
from podcast_pipeline.errors import SubscriberError
from tests.support.databases import PROCESSES

KEY = b"k" * 32


def test_token_is_derived_from_selector_and_key() -> None:
    """The secret is the first 20 bytes of HMAC-SHA256(key, "feed:" + selector), lower-case base32."""
    selector = "abcdefgh234567zz"
    digest = hmac.new(KEY, b"feed:abcdefgh234567zz", hashlib.sha256).digest()
    secret = base64.b32encode(digest[:20]).decode().lower()
    assert tokens.to_token(selector, KEY) == f"{selector}.{secret}"


def test_selectors_are_random_and_tokens_well_formed() -> None:
    """A thousand tokens are all different and all match the token pattern."""
    made = {tokens.to_token(tokens.new_selector(), KEY) for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[a-z2-7]{16}\.[a-z2-7]{32}", token) for token in made)


def test_another_key_gives_another_secret() -> None:
    """Without the key a selector reveals nothing about its secret."""
    assert tokens.to_token("a" * 16, KEY) != tokens.to_token("a" * 16, b"j" * 32)


def test_secret_is_compared_with_the_hash_of_its_text() -> None:
    """The stored hash fits its secret and no other."""
    token = tokens.to_token("a" * 16, KEY)
    secret = token.partition(".")[2]
    stored = tokens.secret_sha256(token)
    assert stored == hashlib.sha256(secret.encode()).hexdigest()
    assert tokens.secret_matches(secret, stored)
    assert not tokens.secret_matches(secret[:-1] + ("a" if secret[-1] != "a" else "b"), stored)


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=32, max_size=64))
def test_every_token_is_read_back(selector: bytes, key: bytes) -> None:
    """A token is parsed into its selector and secret."""
    token = tokens.to_token(base64.b32encode(selector).decode().lower(), key)
    parts = tokens.parse_token(token)
    assert parts is not None
    assert ".".join(parts) == token


@given(st.text() | st.from_regex(r"[A-Za-z2-7]{15,17}\.[a-z2-7]{31,33}\n?", fullmatch=True))
def test_any_text_is_a_token_or_none(text: str) -> None:
    """The parser accepts the pattern and nothing else, a trailing line end included, and never fails."""
    well_formed = re.match(r"\A[a-z2-7]{16}\.[a-z2-7]{32}\Z", text, re.ASCII) is not None
    assert (tokens.parse_token(text) is not None) == well_formed


def test_key_file_is_created_once_and_private(tmp_path: Path) -> None:
    """The first need makes a file that only its owner reads; later needs read it."""
    folder = tmp_path / ".podcast"
    key = tokens.load_secret_key(None, folder, create=True)
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600
    assert tokens.load_secret_key(None, folder, create=False) == key
    assert tokens.load_secret_key(None, folder, create=True) == key
    assert [path.name for path in folder.iterdir()] == ["secret_key"]


def test_environment_key_overrides_the_file(tmp_path: Path) -> None:
    """PODCAST_SECRET_KEY wins; the file's text given there is the same key."""
    key = tokens.load_secret_key(None, tmp_path, create=True)
    assert tokens.load_secret_key("x" * 40, tmp_path, create=True) == b"x" * 40
    assert tokens.load_secret_key((tmp_path / "secret_key").read_text(), tmp_path, create=False) == key


def test_missing_key_is_an_error_without_create(tmp_path: Path) -> None:
    """Without `create` a missing key is an error of one line; no file is written."""
    with pytest.raises(SubscriberError, match="that has it, or set PODCAST_SECRET_KEY"):
        tokens.load_secret_key(None, tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", ["", "short", " " * 64])
def test_short_key_is_refused_without_showing_it(given: str, tmp_path: Path) -> None:
    """A key somebody typed is too short to be one."""
    with pytest.raises(SubscriberError, match="PODCAST_SECRET_KEY: is shorter than 32") as caught:
        tokens.load_secret_key(given, tmp_path, create=True)
    assert "short " not in caught.value.message


def test_empty_or_foreign_key_file_is_refused(tmp_path: Path) -> None:
    """A damaged file is not overwritten by a new key: the old one may be in a backup."""
    path = tmp_path / "secret_key"
    path.write_bytes(b"")
    with pytest.raises(SubscriberError, match="is shorter than 32"):
        tokens.load_secret_key(None, tmp_path, create=True)
    path.write_bytes(b"\xff" * 64)
    with pytest.raises(SubscriberError, match="cannot be read as a key"):
        tokens.load_secret_key(None, tmp_path, create=True)


def _create_key(folder: Path) -> bytes:
    return tokens.load_secret_key(None, folder, create=True)


def test_concurrent_processes_create_one_key(tmp_path: Path) -> None:
    """Of six processes that find no key, all go on with the same one."""
    with ProcessPoolExecutor(6, mp_context=PROCESSES) as pool:
        assert len(set(pool.map(_create_key, [tmp_path / "new"] * 6))) == 1
