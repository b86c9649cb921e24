"""A suggestion is a word of what the same reader may read; it finds something."""

from collections.abc import Collection
from typing import Any
from uuid import uuid5
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from podcast_pipeline.audience.database.tables import search_vocabulary
from podcast_pipeline.model import Person
from podcast_pipeline.search import SearchIndex, parse_query
from podcast_pipeline.search.vocabulary import Vocabulary, corrected
from tests.support.search import episode_of, search
from tests.support.site import SHOW_ID, transcript_of

ZONE = ZoneInfo("UTC")
SAID = transcript_of("Ann: Marzipan on Alder Street, poisoning the river.", duration_s=9)


@pytest.fixture
def index(engine: Engine) -> SearchIndex:
    """An empty index of the show."""
    return SearchIndex(engine, show_id=SHOW_ID)


def _suggest(index: SearchIndex, text: str, slugs: str = "one two", **scope: Any) -> str | None:
    ids = frozenset(uuid5(SHOW_ID, slug) for slug in slugs.split())
    return index.suggest(text, ZONE, episode_ids=ids, **{"include_transcripts": True, **scope})


def _counts(index: SearchIndex) -> dict[tuple[bool, str], int]:
    c = search_vocabulary.c
    with index.engine.connect() as connection:
        rows = connection.execute(select(c.is_public, c.word, c.episode_count)).all()
    return {(row.is_public, row.word): row.episode_count for row in rows}


NEAREST = {
    "marzipn": "marzipan",
    "mrazipan": "marzipan",
    "arzipan": "marzipan",
    "marsipane": "marzipan",
    "flod": "flood",
    "floo": "flood",
    "flood": None,
    "foo": None,
    "fled": None,
    "washinton": "washington",
    "12345": None,
    "": None,
}


def test_the_nearest_word() -> None:
    """One edit in a short word, two in a long one; a known word has none, unless a like one is frequent."""
    words = Vocabulary({"marzipan": 1, "flood": 30, "floor": 2, "washington": 40, "washinton": 1})
    assert {word: words.nearest(word) for word in NEAREST} == NEAREST


def test_another_form_of_the_word_is_no_suggestion(index: SearchIndex) -> None:
    """A search finds `walks` for `walk` by itself; a misspelt word is still suggested for."""
    said = transcript_of("Ann: She walks along the canal and kept the notebook.", duration_s=9)
    index.index(episode_of("one"), said)
    assert search(index, "walk").episode_count == 1
    assert _suggest(index, "walk") is None
    assert _suggest(index, "walk notebok") == "walk notebook"


def test_only_plain_words_are_corrected() -> None:
    """Fields, dates, prefixes and the rest of the text stay."""
    words = Vocabulary({"flood": 2, "memo": 1})
    text = 'The flodd,  "memos memmo" flodd* guest:flodd after:2025 x:flodd'
    assert corrected(text, words) == 'The flood,  "memo memo" flodd* guest:flodd after:2025 x:flodd'


def test_a_reader_is_shown_a_word_of_a_transcript(index: SearchIndex) -> None:
    """The query is corrected, and finds something; a query that can not be corrected gets none."""
    index.index(episode_of("one"), SAID)
    assert _suggest(index, "marzipn river") == "marzipan river"
    assert _suggest(index, '"aldr street"') == '"alder street"'
    for query in ("marzipan", "marzipn sunshine", "xylophone", "", "?!"):
        assert _suggest(index, query) is None, query


def test_a_stranger_is_shown_no_word_of_a_gated_transcript(index: SearchIndex) -> None:
    """But those of titles, guests, topics, notes, teasers and public transcripts."""
    guest = Person(name="Inès Marchetti", role="guest")
    texts: dict[str, Any] = {"title": "Harbour", "notes": "A lighthouse.", "topics": ("Levees",)}
    index.index(episode_of("one", persons=(guest,), teaser="Opening words", **texts), SAID)
    public = frozenset({uuid5(SHOW_ID, "two")})
    index.index(episode_of("two", transcript_is_public=True), transcript_of("Ann: Xylophone.", duration_s=9))
    asked = ("harbor", "lighthose", "marcheti", "leveees", "opning", "xylofone", "marzipn", "poisonin")
    shown = [_suggest(index, q, include_transcripts=False, public_ids=public) for q in asked]
    assert shown == ["harbour", "lighthouse", "marchetti", "levees", "opening", "xylophone", None, None]
    assert _suggest(index, "xylophon", include_transcripts=False) is None


def test_only_episodes_that_may_be_shown_count(index: SearchIndex) -> None:
    """A word that stands only in an episode which the catalog does not show is not suggested."""
    index.index(episode_of("one"), SAID)
    index.index(episode_of("two"), None)
    assert _suggest(index, "marzipn", "two three") is None


def test_words_are_counted_by_episode_and_leave_with_it(index: SearchIndex) -> None:
    """Removing and replacing episodes leaves the counts of those that are there."""
    index.index(episode_of("one"), SAID)
    alone = _counts(index)
    index.index(episode_of("two", title="Marzipan"), SAID)
    both = _counts(index)
    assert (both[False, "marzipan"], both[True, "marzipan"], both[False, "street"]) == (2, 1, 2)
    assert (True, "street") not in both
    index.index(episode_of("two", title="Harbour", transcript_is_public=True), SAID)
    public = _counts(index)
    assert (public[False, "marzipan"], public[True, "marzipan"], public[True, "harbour"]) == (2, 1, 1)
    index.remove(uuid5(SHOW_ID, "two"))
    assert _counts(index) == alone
    index.remove(uuid5(SHOW_ID, "one"))
    assert _counts(index) == {}


def test_an_episode_of_an_earlier_release_takes_no_counts_along(index: SearchIndex) -> None:
    """It was never counted, so its words stay those of the others when it is replaced."""
    index.index(episode_of("one"), SAID)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("podcast_pipeline.search.index.count_words", lambda *_: None)
        index.index(episode_of("two"), SAID)
    with index.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE search_episodes SET has_vocabulary = (episode_id = "
            "(SELECT episode_id FROM search_episodes ORDER BY id LIMIT 1))"
        )
    index.remove(uuid5(SHOW_ID, "two"))
    assert _counts(index)[False, "marzipan"] == 1


WORDS = ("marzipan", "poison", "poisoned", "river", "alder", "harbour", "lighthouse", "memo", "street")
TYPED = st.one_of(
    st.sampled_from(WORDS).flatmap(
        lambda word: st.integers(0, len(word) - 1).map(lambda at: word[:at] + word[at + 1 :])
    ),
    st.sampled_from([*WORDS, '"alder street"', "riv*", "speaker:ann", "mar", "poisons"]),
    st.text(max_size=12),
)
LINES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(lambda said: f"Ann: {' '.join(said)}.")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gated=LINES, other=LINES, asked=st.lists(TYPED, min_size=1, max_size=3).map(" ".join))
def test_no_answer_for_a_stranger_depends_on_gated_words(
    index: SearchIndex, gated: str, other: str, asked: str
) -> None:
    """Results and suggestion are the same, whatever a gated transcript says."""
    public = frozenset({uuid5(SHOW_ID, "two")})
    index.index(
        episode_of("two", transcript_is_public=True), transcript_of("Ann: Alder street memo.", duration_s=9)
    )
    answers = []
    for words in (gated, other):
        index.remove(uuid5(SHOW_ID, "one"))
        index.index(episode_of("one", notes="A harbour."), transcript_of(words, duration_s=9))
        found = search(index, asked, include_transcripts=False, public_ids=public)
        suggested = _suggest(index, asked, include_transcripts=False, public_ids=public)
        answers.append((found, suggested))
    assert answers[0] == answers[1]
    if suggested:
        assert parse_query(suggested, ZONE) != parse_query(asked, ZONE)


def test_many_unknown_words_are_no_misspelling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is compared with many words, and anybody may ask: a query with more than a few is left alone."""
    words, asked = Vocabulary({"flood": 2}), list[str]()
    nearest = Vocabulary.nearest

    def counted(self: Vocabulary, word: str, languages: Collection[str] = ()) -> str | None:
        asked.append(word)
        return nearest(self, word, languages)

    monkeypatch.setattr(Vocabulary, "nearest", counted)
    few, many = "flod-flodd the flood a flod flodd", "flood flod flodd floo flodd-fload flooo"
    assert corrected(few, words) == "flood-flood the flood a flood flood"
    assert sorted(asked) == ["flod", "flodd"]
    assert corrected(many, words) == many
    assert sorted(asked) == ["flod", "flodd"]
