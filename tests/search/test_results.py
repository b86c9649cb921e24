"""Snippets are verbatim pieces of the text."""

from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.search.normalize import fold_word, folded_words, normalize_text
from podcast_pipeline.search.query import parse_query
from podcast_pipeline.search.results import WORDS_SHOWN, highlight, to_passage_hit
from podcast_pipeline.search.rows import marks_from_text, marks_to_text

ZONE = ZoneInfo("UTC")
TEXT = st.text(st.one_of(st.characters(), st.sampled_from("aáb <>&\"'“”.—")), max_size=400)


@given(TEXT, st.text(st.sampled_from('ab "*'), max_size=20))
def test_marking_loses_nothing(text: str, asked: str) -> None:
    """The joined spans of a highlighted text are the text, and the marked ones match the query."""
    kept, query = normalize_text(text), parse_query(asked, ZONE)
    spans = highlight(kept, query)
    assert "".join(span.text for span in spans) == kept
    wanted = {word for term in query.terms for word in term.words}
    for span in spans:
        if span.is_match:
            assert all(word.startswith(tuple(wanted)) for word in folded_words(span.text))


@given(TEXT, st.text(st.sampled_from('ab "*'), max_size=20))
def test_a_snippet_is_a_piece_of_the_passage(text: str, asked: str) -> None:
    """A joined snippet is a piece of its text; it is short, and is_cut_before and is_cut_after are right."""
    kept = normalize_text(text)
    query = parse_query(asked, ZONE).with_stems(["en"])
    found = to_passage_hit(text=kept, marks="0:1.500", speaker="Ann", query=query)
    piece = "".join(span.text for span in found.snippet.spans)
    assert piece in kept
    assert len(list(folded_words(piece))) <= WORDS_SHOWN
    assert found.snippet.is_cut_before or kept.startswith(piece)
    assert found.snippet.is_cut_after or kept.endswith(piece)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**8).map(lambda ms: ms / 1000))))
def test_marks_round_trip(marks: list[tuple[int, float]]) -> None:
    """The marks of a row round-trip to the millisecond."""
    assert marks_from_text(marks_to_text(marks)) == tuple(marks)


@given(st.text(max_size=80))
def test_folding_twice_changes_nothing(text: str) -> None:
    """A folded word is folded."""
    for word in folded_words(normalize_text(text)):
        assert fold_word(fold_word(word)) == fold_word(word)
