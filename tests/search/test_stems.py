"""A word finds its other forms by the language that is spoken; the word as typed comes first."""

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from wordfreq import top_n_list

from podcast_pipeline.model import Episode, Person, Segment, Transcript, Word
from podcast_pipeline.search import SearchIndex, SearchResults
from podcast_pipeline.search.normalize import fold_word
from podcast_pipeline.search.stems import (
    ALGORITHMS,
    CHANGES_BEGINNINGS,
    query_stems,
    stem_language,
    stem_tokens,
    word_stems,
)
from tests.support.search import NOW, episode_of, search
from tests.support.site import SHOW_ID, transcript_of

ZONE = ZoneInfo("UTC")


@pytest.fixture
def index(engine: Engine) -> SearchIndex:
    """An empty index of the show."""
    return SearchIndex(engine, show_id=SHOW_ID)


def _said(results: SearchResults) -> list[list[str]]:
    """Return the marked words of each episode's passages."""
    return [
        [span.text for hit in group.hits for span in hit.snippet.spans if span.is_match]
        for group in results.groups
    ]


def _spoken(text: str, language: str, *, own: str | None = None) -> Transcript:
    words = tuple(Word(text=f" {word}", start_s=n, end_s=n + 1) for n, word in enumerate(text.split()))
    return Transcript(language=language, duration_s=60, segments=(Segment(words=words, language=own),))


@pytest.mark.parametrize(
    ("tag", "word", "stems"),
    [
        ("en", "Poisoning", ("poison",)),
        ("en-GB", "poison", ("poison",)),
        ("de", "Häuser", ("haus",)),
        ("de", "hauser", ("haus",)),
        ("fr", "étudiées", ("etudi", "etudie")),
        ("ru", "новые", ("нов",)),
        ("nb", "båtene", ("bat",)),
        ("en", "2026", ()),
        ("en", "is", ()),
    ],
)
def test_stems(tag: str, word: str, stems: tuple[str, ...]) -> None:
    """The stem of the word as written, and of the word without accents, both folded."""
    language = stem_language(tag)
    assert language is not None
    assert word_stems(word, language) == stems


@pytest.mark.parametrize("tag", ["zh", "ja", "th", "mul", "und", "x-klingon"])
def test_a_language_without_a_stemmer_has_no_stems(tag: str) -> None:
    """Its words are found as they are."""
    assert stem_language(tag) is None
    assert tuple(stem_tokens(["words"], stem_language(tag))) == ()


@given(st.text(min_size=1, max_size=80), st.sampled_from(sorted(ALGORITHMS)))
def test_what_a_query_looks_for_is_what_is_indexed(word: str, language: str) -> None:
    """Any word finds itself by its stems."""
    tokens = {*stem_tokens([word], language), fold_word(word)}
    assert {fold_word(word), *query_stems(word, [language])} >= tokens
    assert all(
        token and " " not in token for token in tokens | {*query_stems(word, [language])} if word.isalpha()
    )


def test_a_word_finds_its_other_forms_after_itself(index: SearchIndex) -> None:
    """Both ways, on both databases; the newer episode with another form comes second."""
    index.index(
        episode_of("old", publish_at=NOW - timedelta(days=9)), transcript_of("Ann: Poison.", duration_s=9)
    )
    index.index(episode_of("new"), transcript_of("Ann: A poisoning, they were poisoned.", duration_s=9))
    assert _said(search(index, "poison")) == [["Poison"], ["poisoning", "poisoned"]]
    assert _said(search(index, "poisoning")) == [["poisoning", "poisoned"], ["Poison"]]
    assert search(index, "poison").hit_count == 2


def test_an_exact_mention_comes_before_a_title_with_another_form(index: SearchIndex) -> None:
    """The words as typed decide before the field does."""
    index.index(episode_of("one", title="Floods"), None)
    index.index(episode_of("two"), transcript_of("Ann: A flood.", duration_s=9))
    assert [group.episode_id for group in search(index, "flood").groups] == [
        episode_of("two").id,
        episode_of("one").id,
    ]


def test_quoted_words_and_prefixes_are_exact(index: SearchIndex) -> None:
    """Neither a phrase nor a quoted word nor `word*` finds another form."""
    index.index(episode_of("one"), transcript_of("Ann: They were poisoned by walls.", duration_s=9))
    for query in ('"poison"', '"poisoning by wall"', "poisoning*", '"wall"'):
        assert search(index, query).groups == (), query
    assert _said(search(index, "poison wall")) == [["poisoned", "walls"]]


def test_each_sentence_has_the_stems_of_its_language(index: SearchIndex) -> None:
    """A German sentence in an English episode is found by German stems."""
    index.index(episode_of("one"), _spoken("Die Häuser standen", "en", own="de"))
    index.index(episode_of("two"), _spoken("水 poisoning", "zh"))
    assert _said(search(index, "haus")) == [["Häuser"]]
    assert _said(search(index, "poison")) == []
    assert _said(search(index, "水")) == [["水"]]


def test_public_words_are_found_by_their_stems(index: SearchIndex) -> None:
    """By everybody in a public transcript, and in no other."""
    said = transcript_of("Ann: They were poisoned.", duration_s=9)
    index.index(episode_of("one", transcript_is_public=True), said)
    index.index(episode_of("two"), said)
    public = frozenset({episode_of("one").id})
    found = search(index, "poison", include_transcripts=False, public_ids=public)
    assert [group.episode_id for group in found.groups] == [episode_of("one").id]
    assert found.hit_count == 1
    assert search(index, "poison", include_transcripts=False).groups == ()


@pytest.mark.parametrize("language", sorted({"de", "en", "es", "fr", "it", "pl", "pt", "ru", "sv"}))
def test_a_stem_begins_as_its_word(language: str) -> None:
    """In the languages that are not in CHANGES_BEGINNINGS; so most words of a passage are not stemmed."""
    assert language not in CHANGES_BEGINNINGS
    words = [word for word in top_n_list(language, 300) if word_stems(word, language)]
    assert len(words) > 150
    assert {
        fold_word(word)[0] for word in words if word_stems(word, language)[0][0] != fold_word(word)[0]
    } == set()


BEGINNINGS: dict[str, set[str]] = {
    "wash": {"one", "two", "three"},
    "wash river": set(),
    "river wash": {"one", "three"},
    "WÁSH": {"one", "two", "three"},
    "wa": set(),
    '"wash"': set(),
    "wash after:2020": set(),
    "riv": {"one"},
    "leve": {"two"},
}


def test_the_last_word_may_be_the_beginning_of_a_name(index: SearchIndex) -> None:
    """In titles, guests and topics, from three letters on; not in notes, and not in what was said."""
    guest = Person(name="Kim Washburn", role="guest")
    index.index(episode_of("one", title="Washington and the river"), None)
    index.index(episode_of("two", persons=(guest,), topics=("Levees",)), None)
    index.index(episode_of("three", notes="A river.", topics=("Washboards",)), None)
    index.index(
        episode_of("old", notes="Washington."), transcript_of("Ann: Washington, river.", duration_s=9)
    )
    names = {episode_of(slug).id: slug for slug in ("one", "two", "three", "old")}
    found = {query: {names[g.episode_id] for g in search(index, query).groups} for query in BEGINNINGS}
    assert found == BEGINNINGS


def test_names_are_marked_by_their_beginning(index: SearchIndex) -> None:
    """The whole word is marked, in title, guests and topics."""
    index.index(episode_of("one", title="Washington", topics=("washboards", "rain")), None)
    (group,) = search(index, "wash").groups
    assert [span.text for span in (*group.title, *group.topics) if span.is_match] == [
        "Washington",
        "washboards",
    ]


def test_everybody_finds_the_teaser(index: SearchIndex) -> None:
    """A stranger is shown its words; a reader is shown the passage instead."""
    said = transcript_of("Ann: The marzipan moved uphill. Nobody knew.", duration_s=9)
    episode = episode_of("one", teaser="The marzipan moved")
    index.index(episode, said)
    (group,) = search(index, "marzipan", include_transcripts=False).groups
    assert group.teaser is not None
    assert [span.text for span in group.teaser.spans] == ["The ", "marzipan", " moved"]
    assert (group.hits, group.hit_count) == ((), 0)
    (group,) = search(index, "marzipan").groups
    assert (group.teaser, len(group.hits)) == (None, 1)
    assert search(index, "uphill", include_transcripts=False).groups == ()


def test_a_phrase_of_common_words_is_found_in_its_passages_alone(index: SearchIndex) -> None:
    """Among passages with the same neighbours elsewhere, only those with the phrase itself are hits."""
    lines = ["Ann: to be or not", "Ben: be or to be", "Ann: not to be or", "Ben: or not to be"]
    index.index(episode_of("one", transcript_is_public=True), transcript_of("\n".join(lines), duration_s=20))
    public = frozenset({episode_of("one").id})
    for query, count in {'"to be or not"': 1, '"to be or"': 2, '"not to be"': 2, '"not be"': 0}.items():
        assert search(index, query).hit_count == count, query
        assert search(index, query, include_transcripts=False, public_ids=public).hit_count == count, query
    assert _ids(search(index, '"or not to be"')) == [episode_of("one").id]


def _ids(results: SearchResults) -> list[UUID]:
    return [group.episode_id for group in results.groups]


def test_an_episode_of_an_earlier_layout_is_found_and_replaced(index: SearchIndex, engine: Engine) -> None:
    """Rows without stems are found by their words; `outdated` names them, and indexing adds the stems."""
    episode, said = episode_of("one"), transcript_of("Ann: Poisoning.", duration_s=9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("podcast_pipeline.search.rows.LAYOUT_VERSION", 2)
        patch.setattr("podcast_pipeline.search.rows.stem_tokens", lambda *_: ())
        index.index(episode, said)
    assert _ids(search(index, "poisoning")) == [episode.id]
    assert _ids(search(index, "poison")) == []
    assert index.outdated([episode]) == {episode.id}
    assert index.index(episode, said)
    assert _ids(search(index, "poison")) == [episode.id]


def test_a_teaser_or_a_topic_that_changes_is_indexed(index: SearchIndex) -> None:
    """Both are in the digest of an episode."""
    plain = episode_of("one")
    changes: list[Episode] = [episode_of("one", teaser="Rain."), episode_of("one", topics=("Rain",))]
    for changed in changes:
        index.index(plain, None)
        assert index.index(changed, None)
        assert _ids(search(index, "rain", include_transcripts=False)) == [plain.id]


def test_a_stranger_learns_no_language_of_a_gated_transcript(index: SearchIndex) -> None:
    """Other forms of a word are found by the languages of what everybody may read, and by no other one."""
    index.index(episode_of("one", title="Haus"), _spoken("Die Straße", "de", own="de"))
    assert search(index, "häuser", include_transcripts=False).groups == ()
    assert search(index, "häuser").episode_count == 1
    ids, zone = frozenset({episode_of("one").id}), ZoneInfo("UTC")
    index.index(episode_of("one", title="Häuser"), _spoken("Die Straße", "de", own="de"))
    suggested = [
        index.suggest("häuse", zone, episode_ids=ids, include_transcripts=reads) for reads in (False, True)
    ]
    assert suggested == ["hauser", None]
    index.index(episode_of("one", title="Haus"), _spoken("Die Straße", "de", own="de"))
    index.index(episode_of("two", transcript_is_public=True), _spoken("Ein Haus", "en", own="de"))
    public = frozenset({episode_of("two").id})
    found = search(index, "häuser", include_transcripts=False, public_ids=public)
    assert (found.episode_count, found.hit_count) == (2, 1)


def test_stems_do_not_depend_on_what_else_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package would take PyStemmer, of any version, where it is installed beside it."""

    def another(_: str) -> None:
        raise AssertionError("another stemmer was asked")

    monkeypatch.setattr("snowballstemmer.stemmer", another)
    found = {language: word_stems.__wrapped__("running", language) for language in ALGORITHMS}
    assert found["en"] == ("run",)
