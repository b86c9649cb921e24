"""The review list before publication, and the accuracy receipt."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from scipy.special import stdtrit

from podcast_pipeline.config import GlossaryTable, ReviewTable
from podcast_pipeline.model import DroppedWord, Segment, Speaker, Transcript, Word
from podcast_pipeline.transcript.accuracy import (
    AccuracyReceipt,
    AccuracyTrend,
    draw_sample,
    measure_accuracy,
    student_quantile,
)
from podcast_pipeline.transcript.edits import EditConflict, TextQuote, WordEdit
from podcast_pipeline.transcript.names.glossary import Glossary, build_glossary
from podcast_pipeline.transcript.names.printed import doubtful_speakers
from podcast_pipeline.transcript.review import ReviewItem, blocking_items, review_items
from tests.support.transcripts import recognized

NOW = datetime(2026, 3, 3, 6, tzinfo=UTC)
KNOWN = build_glossary(GlossaryTable(terms=("Alder Street",)), people=("Ann Kellner",))
WARN = ReviewTable()


def review(text: str, *, policy: ReviewTable = WARN, known: Glossary = KNOWN) -> tuple[ReviewItem, ...]:
    """Return the review items of a text."""
    return review_items(recognized(text), known_names=known, policy=policy)


@pytest.mark.parametrize(
    ("text", "kind", "passage", "suggestion"),
    [
        ("and Desmond Fry came", "unknown_names", "Desmond Fry", None),
        ("Zsofia came", "unknown_names", "Zsofia", None),
        ("with Ann Kelner today", "near_names", "Ann Kelner", "Ann Kellner"),
        ("it cost 15|0.3 euros", "numbers", "15", None),
        ("it cost fifteen|0.3 euros", "numbers", "fifteen", None),
        ("in March|0.3 then", "numbers", "March", None),
        ("about 4%|0.3 of it", "numbers", "4%", None),
        ("I did not|0.3 go", "negations", "not", None),
        ("I didn’t|0.3 go", "negations", "didn’t", None),
        ("she said, “take|0.3 it away” twice", "quotes", "“take it away”", None),
    ],
)
def test_items_are_found(text: str, kind: str, passage: str, suggestion: str | None) -> None:
    """Unknown names, near misses, and numbers, negations and quotes with low confidence are found."""
    assert [(f.kind, f.text, f.suggestion) for f in review(text)] == [(kind, passage, suggestion)]


@pytest.mark.parametrize(
    "text",
    [
        "Yesterday I said no, 15 times: “take it away”",
        "and Ann Kellner, Kellner's book, on Alder Street",
        "OK, I’m here, Dr. Kellner",
        "a|0.2 word of|0.2 it",
        "of America, in Texas, and God bless African Americans on Monday",
    ],
)
def test_text_without_items(text: str) -> None:
    """Known names, frequent names and confident words are not listed, nor is a small word."""
    assert review(text) == ()


def test_words_of_low_confidence_are_listed() -> None:
    """Neighbours are one item, those in another item are none, and of many only the worst are listed."""
    (found,) = review("improved her|0.4 innu's|0.2 and went to Desmond|0.1"[:40])
    assert (found.kind, found.text) == ("words", "her innu's")
    many = " ".join(f"surely these|0.{n} ditches" for n in range(1, 5))
    transcript = recognized(many).model_copy(update={"duration_s": 60})
    found_texts = review_items(transcript, known_names=KNOWN, policy=WARN)
    assert [item.start_s for item in found_texts] == pytest.approx([0.3, 1.2])
    assert review("these|0.2 ditches", policy=ReviewTable(words="off")) == ()
    assert [item.kind for item in review("on fifteen|0.3 days")] == ["numbers"]


def test_low_confidence_in_typed_words_is_none() -> None:
    """Where somebody typed what the engine heard, two agree; unknown names are listed all the same."""
    text = "on fifteen|0.3 days nobody|0.1 said “improved|0.1 her” to Desmond|0.1"
    transcript = recognized(text)
    found = review_items(transcript, known_names=KNOWN, policy=WARN, is_typed=True)
    assert [(item.kind, item.text) for item in found] == [("unknown_names", "Desmond")]


def test_a_quote_has_its_own_marks() -> None:
    """No second pair of quotation marks stands around a quote."""
    quote, words = review("he said “improved|0.1 her” and desmonds|0.1")
    assert (quote.quoted, words.quoted) == ("“improved her”", "“desmonds”")


def test_a_frequent_name_is_doubted_where_the_engine_is_unsure() -> None:
    """Texas with low confidence may be something else; a near miss of a known name is always listed."""
    (found,) = review("in Texas|0.4 now")
    assert (found.kind, found.text) == ("unknown_names", "Texas")


def test_printed_names_are_items() -> None:
    """A speaker's misspelt name is an item at the speaker's first words, accepted by the name."""
    words = recognized("well so").words
    said = Transcript(
        language="en",
        duration_s=9,
        speakers=(Speaker(id="S0", name="An Kellner"),),
        segments=(Segment(speaker="S0", words=words),),
    )
    printed = [*doubtful_speakers(["An Kellner"], ["Ann Kellner"])]
    (found,) = review_items(said, known_names=KNOWN, policy=WARN, printed=printed)
    assert (found.kind, found.suggestion, found.start_s) == ("printed_names", "Ann Kellner", 0)
    assert review_items(said, known_names=KNOWN, policy=WARN, printed=printed, accepted={found.key}) == ()


def test_other_languages_have_their_own_words() -> None:
    """Numbers and negations are found in French, and German nouns are no names."""
    french = recognized("il n'en a pas|0.3 deux|0.3").model_copy(update={"language": "fr"})
    found = review_items(french, known_names=Glossary(language="fr"), policy=WARN)
    assert {finding.text for finding in found} == {"pas", "deux"}
    german = recognized("und die Katze schläft").model_copy(update={"language": "de"})
    assert review_items(german, known_names=Glossary(language="de"), policy=WARN) == ()


def test_a_frequent_name_is_listed_once() -> None:
    """A name is one item with a count, at its least confident occurrence."""
    (found,) = review("with Desmond and Desmond|0.4 and Desmond")
    assert (found.times, found.start_s) == (3, 0.9)


def test_punctuation_is_no_part_of_a_name() -> None:
    """Punctuation beside a name is no part of it: accepted once, no occurrence is listed."""
    for text in ("we met Fry, then Fry. came|0.5", "we met Fry,|0.5 then Fry. came"):
        (found,) = review(text)
        assert (found.text, found.times, found.key) == ("Fry", 2, "unknown_names: Fry")


def test_worst_first() -> None:
    """A conflict is before a near miss, a near miss before an unknown name, low confidence before high."""
    conflict = EditConflict(
        edit=WordEdit(site=TextQuote(heard="b", start_s=5, end_s=6), written="c", edited_at=NOW),
        at_s=5,
        reason="gone",
    )
    text = "with Ann Kelner and Desmond and Priya|0.2 on 15|0.1"
    found = review_items(recognized(text), known_names=KNOWN, policy=WARN, conflicts=(conflict,))
    assert [finding.text for finding in found] == ["b", "15", "Priya", "Ann Kelner", "Desmond"]
    assert found[0].suggestion == "c"


def test_doubts_of_a_segment() -> None:
    """A doubt of the engine or the diarization is listed with its reason."""
    words = recognized("well so").words
    doubtful = Transcript(
        language="en",
        duration_s=9,
        speakers=(Speaker(id="S0"),),
        segments=(Segment(speaker="S0", words=words, doubts=("speaker", "over music")),),
    )
    found = review_items(doubtful, known_names=KNOWN, policy=WARN)
    assert [(f.kind, f.reason) for f in found] == [
        ("doubts", "doubtful: over music"),
        ("speakers", "Speaker 1 may not be the speaker"),
    ]


def test_only_blocking_kinds_block() -> None:
    """By default nothing blocks; a kind that is off is not even listed."""
    text = "with Desmond on 15|0.1"
    assert blocking_items(review(text), WARN) == ()
    strict = ReviewTable(unknown_names="block", numbers="off")
    found = review(text, policy=strict)
    assert [finding.kind for finding in found] == ["unknown_names"]
    assert blocking_items(found, strict) == found


def test_accepted_items_stay_accepted() -> None:
    """An accepted name is accepted everywhere, an accepted number only in its context."""
    first = recognized("with Desmond on 15|0.1")
    accepted = {f.key for f in review_items(first, known_names=KNOWN, policy=WARN)}
    again = recognized("with Desmond on 15|0.1 and so on it went until Desmond said 15|0.1")
    left = review_items(again, known_names=KNOWN, policy=WARN, accepted=accepted)
    assert {finding.kind for finding in left} == {"numbers"}
    assert review_items(first, known_names=KNOWN, policy=WARN, accepted=accepted) == ()


def long_transcript(segments: int) -> Transcript:
    """Return segments of six words, two seconds each."""
    parts = [
        Segment(
            words=tuple(
                w.model_copy(update={"start_s": i * 2 + n / 3, "end_s": i * 2 + n / 3 + 0.3})
                for n, w in enumerate(recognized("a b c d e f").words)
            )
        )
        for i in range(segments)
    ]
    return Transcript(language="en", duration_s=segments * 2, segments=tuple(parts))


def test_the_draw_is_seeded() -> None:
    """The same seed draws the same passages, another seed others, of the requested total length."""
    transcript = long_transcript(900)
    drawn = draw_sample(transcript, sample_s=120, seed=7)
    stretches = drawn.passages
    assert drawn == draw_sample(transcript, sample_s=120, seed=7)
    assert drawn != draw_sample(transcript, sample_s=120, seed=8)
    assert 120 <= sum(s.end_s - s.start_s for s in stretches) < 130
    assert list(stretches) == sorted(stretches, key=lambda stretch: stretch.start_s)
    assert drawn.passage_count == 180


def test_a_short_transcript_is_drawn_whole() -> None:
    """Ten seconds are one passage, and silence has none."""
    transcript = long_transcript(5)
    drawn = draw_sample(transcript, sample_s=120, seed=1)
    assert ([s.text for s in drawn.passages], drawn.passage_count) == ([transcript.text], 1)
    assert draw_sample(Transcript(language="en", duration_s=9), sample_s=120, seed=1).passages == ()


def test_accuracy_counts_words_and_names() -> None:
    """One wrong word in five is 20 %, punctuation and case do not count, one of two names is wrong."""
    measured = measure_accuracy(
        [("Hello Ann Kellner, hello there.", "hello Ann Kelner hello there")],
        names=("Ann Kellner",),
        passage_count=9,
    )
    assert (measured.words, measured.wer.value) == (5, 0.2)
    assert measured.name_error is not None
    assert (measured.names, measured.name_error.value) == (2, 0.5)


def episode_of(random: Random, errors: float, uneven: float) -> list[tuple[int, int]]:
    """Return (errors, words) of the 360 passages of an hour; the errors come in clusters."""
    words = [max(5, round(random.gammavariate(9, 3))) for _ in range(360)]
    odds = [min(errors * random.gammavariate(uneven, 1 / uneven), 1.0) for _ in words]
    return [(sum(random.random() < odd for _ in range(n)), n) for odd, n in zip(odds, words, strict=True)]


@pytest.mark.parametrize(("errors", "stretches"), [(0.01, 12), (0.04, 12), (0.1, 12), (0.04, 24)])
def test_the_interval_covers_the_truth(errors: float, stretches: int) -> None:
    """With clustered errors the interval covers the episode's error in nine of ten draws, and not in all."""
    random, held = Random(7), 0
    for _ in range(20):
        whole = episode_of(random, errors, uneven=0.7)
        truth = sum(wrong for wrong, _ in whole) / sum(total for _, total in whole)
        for _ in range(15):
            some = random.sample(whole, stretches)
            heard = [("w " * total, "w " * (total - wrong)) for wrong, total in some]
            rate = measure_accuracy(heard, passage_count=len(whole)).wer
            held += rate.low <= truth <= rate.high
    assert 0.9 <= held / 300 < 1


def test_few_passages_have_students_quantile() -> None:
    """The quantile is Student's, with one degree of freedom too, where that of many would be half of it."""
    degrees = range(1, 200)
    assert [student_quantile(n) for n in degrees] == pytest.approx(stdtrit(degrees, 0.975), rel=0.006)


def test_more_passages_give_a_narrower_interval() -> None:
    """With every tenth word wrong the interval contains 10 % and is narrower with more passages."""

    def sample(stretches: int) -> list[tuple[str, str]]:
        wrong = [0, 1, 2, 1] * (stretches // 4)
        return [("w " * 10, "w " * (10 - errors)) for errors in wrong]

    few, many = (
        measure_accuracy(sample(8), passage_count=900).wer,
        measure_accuracy(sample(80), passage_count=900).wer,
    )
    assert few.value == many.value == 0.1
    assert few.low < many.low < 0.1 < many.high < few.high


def test_no_error_in_the_sample() -> None:
    """No error in 2 of 60 minutes leaves an upper limit of one word in fifty; in the whole, of zero."""
    right = [("w " * 25, "w " * 25)] * 12
    some, every = (
        measure_accuracy(right, passage_count=360).wer,
        measure_accuracy(right, passage_count=12).wer,
    )
    assert (some.value, some.low) == (0.0, 0.0)
    assert 0.01 < some.high < 0.02
    assert (every.low, every.high) == (0.0, 0.0)


def test_nothing_measured() -> None:
    """No passages and no names give no division by zero; an error rate above 1 is its own upper limit."""
    measured = measure_accuracy([], passage_count=0)
    assert (measured.words, measured.wer.value, measured.name_error) == (0, 0.0, None)
    babble = measure_accuracy([("a", "b c d"), ("a", "e f")], passage_count=9).wer
    assert (babble.value, babble.high) == (2.5, 2.5)
    assert measure_accuracy([("a b", "a c")], passage_count=9).wer.low < 0.1


def test_the_trend_keeps_one_receipt_per_draw() -> None:
    """A second measurement of the same draw replaces the receipt; the trend is in order of time."""
    measured = measure_accuracy([("a b", "a c")], passage_count=1)
    receipt = AccuracyReceipt(
        slug="one",
        measured_at=NOW,
        model="base",
        seed=1,
        sample_s=120,
        words=2,
        names=0,
        wer=measured.wer,
        name_error=None,
    )
    later = receipt.model_copy(update={"measured_at": NOW + timedelta(days=3)})
    trend = (
        AccuracyTrend()
        .with_receipt(later)
        .with_receipt(receipt.model_copy(update={"slug": "two"}))
        .with_receipt(receipt)
    )
    assert [(r.slug, r.measured_at) for r in trend.receipts] == [("one", NOW), ("two", NOW)]
    assert AccuracyTrend.model_validate_json(trend.model_dump_json()) == trend


def dropped(text: str, at_s: float, *, speaker: str | None = None, louder: str | None = None) -> DroppedWord:
    """Return a dropped word."""
    return DroppedWord(
        word=Word(text=f" {text}", start_s=at_s, end_s=at_s + 0.2), speaker=speaker, louder=louder
    )


def test_dropped_words_are_listed_with_their_time() -> None:
    """Words that were left out of a track are items: a phrase is one, with its time and the reason."""
    heard = recognized("he went to the river and then home").model_copy(
        update={
            "speakers": (Speaker(id="S0", name="Ann"), Speaker(id="S1", name="Bob")),
            "dropped": (
                dropped("not", 0.7, speaker="S0", louder="S1"),
                dropped("today", 0.95, speaker="S0", louder="S1"),
                dropped("home", 1.9),
            ),
        }
    )
    first, second = review_items(heard, known_names=KNOWN, policy=WARN)
    assert (first.kind, first.text, first.start_s, first.end_s) == ("dropped", "not today", 0.7, 1.15)
    assert first.reason == "left out of Ann's track as Bob's voice, which is louder there"
    assert first.context == "he went to the river and then home"
    assert (second.text, second.start_s) == ("home", 1.9)
    assert second.reason == "left out: only the mix has it, where several people speak at once"
    accepted = review_items(heard, known_names=KNOWN, policy=WARN, accepted={first.key})
    assert accepted == (second,)
    assert review_items(heard, known_names=KNOWN, policy=ReviewTable(dropped="off")) == ()


def test_a_dropped_word_is_accepted_whatever_is_edited_around_it() -> None:
    """Its key is its second in the recording, not the words around it."""
    words = (dropped("not", 0.7),)
    before, after = (
        review_items(recognized(text).model_copy(update={"dropped": words}), known_names=KNOWN, policy=WARN)
        for text in ("he went to the river", "she came from the river")
    )
    assert before[0].key == after[0].key == "dropped: not at 1 s"
