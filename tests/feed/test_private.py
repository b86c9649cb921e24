import json
import re
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.errors import FeedError, StoreError
from podcast_pipeline.feed.private import TOKEN_PATTERN, personalize
from podcast_pipeline.feed.rss import PrivateAudience, PublicAudience, render_feed
from podcast_pipeline.feed.show_notes import to_html, to_plain
from podcast_pipeline.feed.tags import private_podcast_guid
from podcast_pipeline.feed.text import PLACEHOLDERS, TOKEN_PLACEHOLDER, xml_safe
from podcast_pipeline.model.catalog import Catalog, catalog_from_json
from tests.support.golden import FEEDS, ordinary_catalog

TOKEN_A = "a" * 16 + "." + "2" * 32
TOKEN_B = "b" * 16 + "." + "3" * 32
PLACEHOLDER = TOKEN_PLACEHOLDER.encode()
EVERY = pytest.mark.parametrize("placeholder", PLACEHOLDERS)


def token_b(_: UUID) -> str:
    """Return the same token for every episode."""
    return TOKEN_B


@EVERY
def test_placeholder_has_the_form_of_a_token(placeholder: str) -> None:
    """A feed with the placeholder is as long as every feed with a token."""
    assert TOKEN_PATTERN.fullmatch(placeholder)


def test_token_stands_wherever_the_placeholder_stood() -> None:
    """After personalizing, every private address carries a token, and nothing else changed."""
    feed = render_feed(ordinary_catalog(), PrivateAudience())
    mine = personalize(feed, TOKEN_A, token_b)
    for placeholder, token in zip(PLACEHOLDERS, (TOKEN_A, TOKEN_B), strict=True):
        assert mine.count(token.encode()) == feed.count(placeholder.encode()) > 0
        assert placeholder.encode() not in mine
    assert len(mine) == len(feed)


def test_each_episode_has_its_own_link_made_once() -> None:
    """The token for an episode stands before its id, in both its notes, and costs one MAC."""
    asked: list[UUID] = []

    def token_of(episode_id: UUID) -> str:
        asked.append(episode_id)
        return f"{'c' * 16}.{len(asked) * 2:_>32}".replace("_", "a")

    catalog = ordinary_catalog()
    feed = personalize(render_feed(catalog, PrivateAudience()), TOKEN_A, token_of).decode()
    read = {episode.id for episode in catalog.published() if episode.transcript}
    assert (set(asked), len(asked)) == (read, len(read))
    assert {UUID(found) for found in re.findall(r"/r/c{16}\.[a-z2-7]{32}/([0-9a-f-]{36})", feed)} == read


def test_a_feed_of_somebody_who_has_not_paid_has_no_link() -> None:
    """Nor does the public one: what is not in the notes cannot be passed on."""
    for audience in (PublicAudience(), PrivateAudience(transcripts=False)):
        assert b"/r/" not in render_feed(ordinary_catalog(), audience)


def test_the_link_is_in_no_address_that_apps_pass_on() -> None:
    """Items link to the public page."""
    feed = render_feed(ordinary_catalog(), PrivateAudience())
    for address in re.findall(rb"<(?:link|guid)\b[^>]*>([^<]*)<", feed):
        assert b"/r/" not in address


@pytest.mark.parametrize("token", ["", "A" * 16 + "." + "2" * 32, TOKEN_A + "\n", 'x" onload="'])
def test_text_without_a_tokens_form_is_refused(token: str) -> None:
    """Only a token goes into a feed, and the error does not contain the refused text."""
    with pytest.raises(FeedError) as error:
        personalize(b"", token, token_b)
    assert not token or token not in str(error.value)


def test_guid_is_the_same_for_all_private_feeds_of_a_show() -> None:
    """It is UUIDv5 of the show's guid and "private"."""
    show = ordinary_catalog().show
    assert private_podcast_guid(show) == uuid5(show.guid, "private")
    assert f"<podcast:guid>{private_podcast_guid(show)}<".encode() in render_feed(
        ordinary_catalog(), PrivateAudience()
    )


Path = tuple[str | int, ...]


def _strings(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the paths of the strings in a JSON document."""
    if isinstance(value, str):
        yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _strings(item, (*path, key))


def _plant(document: bytes, path: Path, text: str) -> Catalog | None:
    """Return the catalog with `text` after one of its strings; None where the model refuses it."""
    root = json.loads(document)
    *parents, name = path
    parent = reduce(getitem, parents, root)
    parent[name] += text
    try:
        return catalog_from_json(json.dumps(root).encode())
    except StoreError:
        return None


def _planted(text: str, source: str) -> dict[Path, Catalog]:
    document = (FEEDS / f"{source}.json").read_bytes()
    planted = {path: _plant(document, path, text) for path in _strings(json.loads(document))}
    return {path: catalog for path, catalog in planted.items() if catalog}


@pytest.mark.parametrize("source", ["ordinary", "imported"])
@EVERY
@pytest.mark.parametrize("form", ["{whole}", "{begin}\x00{end}", "{begin}{whole}{end}"])
def test_no_string_of_the_catalog_leaks_a_token(form: str, placeholder: str, source: str) -> None:
    """The placeholder in any string that the model accepts, whole or in pieces, reaches no feed."""
    text = form.format(whole=placeholder, begin=placeholder[:20], end=placeholder[20:])
    secret = placeholder.encode()
    before = catalog_from_json((FEEDS / f"{source}.json").read_bytes())
    clean = render_feed(before, PrivateAudience()).count(secret)
    planted = _planted(text, source)
    assert {path[-1] for path in planted} > {"title", "notes", "guid", "description", "type", "site_url"}
    for path, catalog in planted.items():
        assert render_feed(catalog, PrivateAudience()).count(secret) == clean, path
        assert secret not in render_feed(catalog, PublicAudience()), path


@pytest.mark.parametrize(
    "notes",
    [
        TOKEN_PLACEHOLDER[:20] + "<b></b>" + TOKEN_PLACEHOLDER[20:],
        TOKEN_PLACEHOLDER[:20] + "<script></script>" + TOKEN_PLACEHOLDER[20:],
        TOKEN_PLACEHOLDER[:20] + "&#x6f;" + TOKEN_PLACEHOLDER[21:],
        TOKEN_PLACEHOLDER[:20] + "&#0;" + TOKEN_PLACEHOLDER[20:],
        f"[x](https://evil.example/{TOKEN_PLACEHOLDER}) <a href='//evil.example/{TOKEN_PLACEHOLDER}'>y</a>",
    ],
)
def test_markup_does_not_join_the_placeholder(notes: str) -> None:
    """Show notes whose markup splits the placeholder do not render to the placeholder."""
    assert TOKEN_PLACEHOLDER not in to_html(notes)
    assert TOKEN_PLACEHOLDER not in to_plain(notes)


PIECES = [*PLACEHOLDERS, *(p[:9] for p in PLACEHOLDERS), *(p[9:] for p in PLACEHOLDERS), "\x00"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_pieces_of_the_placeholder_never_join(text: str) -> None:
    """Safe text does not contain the placeholder, in any combination of its pieces."""
    assert not any(placeholder in xml_safe(text) for placeholder in PLACEHOLDERS)
