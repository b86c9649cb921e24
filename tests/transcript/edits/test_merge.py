"""Human edits: alignment, extraction, and merge into another transcription."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podcast_pipeline.model import Segment, Speaker, Transcript, Word
from podcast_pipeline.model.catalog import to_json
from podcast_pipeline.transcript.edits import (
    Edit,
    Edits,
    MergeResult,
    WordEdit,
    apply_edits,
    diff,
    extract_edits,
    reconcile_edits,
    transcript_from_document,
)
from podcast_pipeline.transcript.edits.three_way import merge_transcripts
from podcast_pipeline.transcript.markdown import MarkdownTranscript, parse_markdown, to_markdown
from tests.support.merge_judge import MergeJudge, normalized
from tests.support.retranscription import Retranscription, edit_markdown, interview, retranscribe

NOW = datetime(2026, 3, 3, 6, tzinfo=UTC)
LATER = datetime(2026, 3, 6, 6, tzinfo=UTC)
BASE = "0123456789abcdef"
NOISES = (0.0, 0.05, 0.1, 0.2, 0.3)  # shares of the words
SHIFTS_S = (0.0, 37.5)  # the same recording, and a re-cut one
SOAK_EDITS = 20_000


@dataclass(frozen=True)
class Case:
    """One interview, edited, transcribed again and merged, with the same words and with the new ones."""

    document: MarkdownTranscript
    base: Transcript
    edits: tuple[Edit, ...]
    judges: tuple[MergeJudge, MergeJudge]


def make_case(seed: int, *, words: int, count: int, noise: float, shift_s: float) -> Case:
    """Make a case."""
    random = Random(seed)
    base = interview(random, words)
    document = parse_markdown(edit_markdown(random, to_markdown(base, base=BASE, title="t"), count))
    edits = extract_edits(document, base, NOW)
    again = retranscribe(random, base, edits, noise=noise, shift_s=shift_s)
    still = Retranscription(base, tuple(map(float, range(len(base.words)))))
    judges = (
        MergeJudge(
            base, still, apply_edits(edits, base), True, {"S0": "Ann Example", "S1": "Speaker 2"}, "S1"
        ),
        MergeJudge(
            base,
            again,
            apply_edits(edits, again.transcript),
            not shift_s,
            {"S0": "Speaker 1", "S1": "Speaker 2"},  # ids swapped
            "S0",
        ),
    )
    return Case(document, base, edits, judges)


def case_errors(case: Case) -> Iterator[str]:
    """Yield every mistake of a case."""
    aligned = transcript_from_document(case.document, case.base)
    if normalized(aligned.text) != normalized(case.document.text):
        yield f"aligned: {aligned.text} is not {case.document.text}"
    for judge in case.judges:
        reported = [*judge.merged.applied, *(conflict.edit for conflict in judge.merged.conflicts)]
        if sorted(map(repr, reported)) != sorted(map(repr, case.edits)):
            yield "an edit is neither applied nor reported"
        yield from judge.mistakes()


@settings(max_examples=200, deadline=None, derandomize=True)  # one in 1,500 cases still fails: see below
@given(
    seed=st.integers(0, 2**32),
    words=st.integers(1, 300),
    count=st.integers(1, 10),
    noise=st.sampled_from(NOISES),
    shift_s=st.sampled_from(SHIFTS_S),
)
def test_every_edit_is_applied_in_its_place_or_reported(
    seed: int, words: int, count: int, noise: float, shift_s: float
) -> None:
    """In a noisy and shifted transcription no edit is lost or misplaced, and nothing else changes."""
    assert list(case_errors(make_case(seed, words=words, count=count, noise=noise, shift_s=shift_s))) == []


def random_case(seed: int) -> Case:
    """Make a case with all parameters random_case from the seed."""
    draw = Random(seed)
    return make_case(
        seed,
        words=draw.randint(1, 300),
        count=draw.randint(1, 10),
        noise=draw.choice(NOISES),
        shift_s=draw.choice(SHIFTS_S),
    )


@pytest.mark.parametrize("seed", [151, 941, 100505, 100603, 100868, 100890, 100937, 101418])
def test_formerly_misplaced_edits(seed: int) -> None:
    """Inserted passages, repetitions and agreements with the person misplace no edit."""
    assert list(case_errors(random_case(seed))) == []


def test_the_name_of_a_removed_voice_is_a_conflict() -> None:
    """If another speaker speaks where a removed voice spoke, the name is a conflict."""
    case = make_case(6, words=88, count=5, noise=0.05, shift_s=37.5)
    assert list(case_errors(case)) == []
    names = [conflict.edit for conflict in case.judges[1].merged.conflicts if conflict.edit.kind == "name"]
    assert len(names) == 1


def test_an_edit_of_the_first_word_in_a_repeated_passage() -> None:
    """An edit of the first word is not applied to a repetition of its passage."""
    assert list(case_errors(make_case(256, words=254, count=9, noise=0.05, shift_s=37.5))) == []


@pytest.mark.xfail(
    strict=True, reason="a word goes to the other speaker; a word said twice is taken for its echo"
)
@pytest.mark.parametrize("seed", [2846])
def test_edits_that_are_still_misplaced(seed: int) -> None:
    """Known failures among 3,000 interviews of consecutive seeds."""
    assert list(case_errors(random_case(seed))) == []


@pytest.mark.soak
def test_twenty_thousand_edits_are_applied_in_their_place_or_reported() -> None:
    """The same over consecutive seeds, up to 20,000 edits; `--log-cli-level INFO` shows the counts."""
    count: Counter[str] = Counter()
    while count["edits"] < SOAK_EDITS:
        seed = count["interviews"]
        case = random_case(seed)
        assert list(case_errors(case)) == [], f"seed {seed}, after {dict(count)}"
        merge_edits = case.judges[1].merged
        count.update(interviews=1, edits=len(case.edits), applied=len(merge_edits.applied))
        count.update(reported=len(merge_edits.conflicts))
    logging.getLogger(__name__).info("%s", dict(count))


# Alignment: a document with the transcript it was made from.


def transcript_of_turns(*turns: tuple[str | None, str], language: str = "en") -> Transcript:
    """Return turns (speaker, words) with a word every half second and a second between turns."""
    segments: list[Segment] = []
    at = 0.0
    for speaker, text in turns:
        words = tuple(
            Word(text=f" {word}", start_s=at + i / 2, end_s=at + i / 2 + 0.4, confidence=0.8)
            for i, word in enumerate(text.split())
        )
        segments.append(Segment(speaker=speaker, words=words))
        at += len(words) / 2 + 1
    speakers = (Speaker(id="S0", name="Ann Example"), Speaker(id="S1"))
    return Transcript(language=language, duration_s=at, speakers=speakers, segments=tuple(segments))


BEES = transcript_of_turns(
    ("S0", "Welcome to the show about bees."),
    ("S1", "Thank you, I am Mr. Kelner and I keep them."),
    ("S0", "How many bees do you keep now?"),
    ("S1", "Well, I never counted them."),
)


def edited_markdown(*changes: tuple[str, str], base: Transcript = BEES) -> str:
    """Return the transcript.md with some texts replaced."""
    text = to_markdown(base, base=BASE, title="t")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def named_segments(transcript: Transcript) -> list[tuple[str | None, str]]:
    """Return (name, words) of each segment."""
    return [(transcript.speaker_name(s.speaker), s.text) for s in transcript.segments]


def test_an_untouched_document_is_the_transcript() -> None:
    """An unedited document gives exactly the same words, and no edits."""
    assert transcript_from_document(parse_markdown(edited_markdown()), BEES) == BEES
    assert extract_edits(parse_markdown(edited_markdown()), BEES, NOW) == ()


def test_typography_is_no_edit() -> None:
    """Curly quotes, dashes and composed accents leave the engine's words unchanged."""
    base = transcript_of_turns(("S0", 'It\'s "caf\u00e9" -- so... yes'))
    text = edited_markdown(('It\'s "caf\u00e9" -- so...', "It’s “cafe\u0301” — so…"), base=base)
    assert transcript_from_document(parse_markdown(text), base) == base
    assert extract_edits(parse_markdown(text), base, NOW) == ()


def test_unchanged_words_keep_their_times() -> None:
    """A correction takes the time of the replaced word; every other word is unchanged."""
    fixed = transcript_from_document(parse_markdown(edited_markdown(("Kelner", "Kellner"))), BEES)
    changed = [(old, new) for old, new in zip(BEES.words, fixed.words, strict=True) if old != new]
    assert changed == [
        (BEES.words[11], Word(text=" Kellner", start_s=6.5, end_s=6.9, confidence=1.0)),
    ]


def test_marks_and_case_change_no_time() -> None:
    """A full stop or a capital is the person's; time and confidence are the engine's."""
    (word,) = [
        w
        for w in transcript_from_document(
            parse_markdown(edited_markdown(("Thank you, I", "Thank You. I"))), BEES
        ).words
        if w.text == " You."
    ]
    assert (word.start_s, word.end_s, word.confidence) == (4.5, 4.9, 0.8)


def test_inserted_words_go_into_the_gap() -> None:
    """An inserted word is between its neighbours; so is a pasted paragraph, in order."""
    pasted = "and\n\nA whole paragraph that nobody said at all.\n\nI"
    words = transcript_from_document(parse_markdown(edited_markdown(("and I", pasted))), BEES).words
    assert "A whole paragraph" in " ".join(w.text.strip() for w in words)
    starts = [word.start_s for word in words]
    assert starts == sorted(starts)
    inserted = [w for w in words if w.confidence == 1.0]
    before = next(w for w in words if w.text == " and")
    assert all(before.end_s <= w.start_s <= w.end_s <= before.end_s + 0.11 for w in inserted)


def test_words_before_the_first_and_after_the_last() -> None:
    """Words written at the very beginning and end stay inside the recording."""
    text = edited_markdown(("Welcome", "Hello and welcome"), ("counted them.", "counted them. Goodbye then."))
    words = transcript_from_document(parse_markdown(text), BEES).words
    assert [w.text for w in words[:3]] == [" Hello", " and", " welcome"]
    assert words[0].start_s >= 0
    assert words[-1].end_s <= BEES.duration_s


def test_a_deleted_passage_is_gone() -> None:
    """Deleted words are in no segment; a turn without words disappears."""
    text = edited_markdown(("**Ann Example** [00:00:10]\n\nHow many bees do you keep now?\n\n", ""))
    assert [words for _, words in named_segments(transcript_from_document(parse_markdown(text), BEES))] == [
        "Welcome to the show about bees.",
        "Thank you, I am Mr. Kelner and I keep them.",
        "Well, I never counted them.",
    ]
    assert transcript_from_document(parse_markdown(f"---\nbase: {BASE}\n---\n"), BEES).segments == ()


def test_a_speaker_is_renamed_once() -> None:
    """A name changed in the front matter applies to every turn of that speaker; the id stays."""
    named = transcript_from_document(
        parse_markdown(edited_markdown(("S1: Speaker 2", "S1: Bob Guest"))), BEES
    )
    assert named.speakers == (BEES.speakers[0], Speaker(id="S1", name="Bob Guest"))
    assert named.segments == BEES.segments


def test_a_speaker_is_renamed_everywhere_by_search_and_replace() -> None:
    """Replacing the name in front matter and headings equals renaming in the front matter."""
    assert transcript_from_document(
        parse_markdown(edited_markdown(("Speaker 2", "Bob Guest"))), BEES
    ) == transcript_from_document(parse_markdown(edited_markdown(("S1: Speaker 2", "S1: Bob Guest"))), BEES)


def test_a_speaker_is_renamed_again_in_a_document_with_the_first_name() -> None:
    """A document that was written again has the name in its headings; the front matter renames them all."""
    named = BEES.model_copy(update={"speakers": (BEES.speakers[0], Speaker(id="S1", name="Bob Guest"))})
    text = to_markdown(named, base=BASE, title="Bees").replace("S1: Bob Guest", "S1: Dr. Bob")
    renamed = transcript_from_document(parse_markdown(text), BEES)
    assert renamed.speakers == (BEES.speakers[0], Speaker(id="S1", name="Dr. Bob"))
    assert renamed.segments == BEES.segments


def test_swapped_names() -> None:
    """Names swapped in the front matter are swapped; if swapped in the headings, too, nothing changes."""
    base = BEES.model_copy(update={"speakers": (Speaker(id="S0", name="Ann"), Speaker(id="S1", name="Bob"))})
    front = edited_markdown(("S0: Ann\n  S1: Bob", "S0: Bob\n  S1: Ann"), base=base)
    assert [name for name, _ in named_segments(transcript_from_document(parse_markdown(front), base))] == [
        "Bob",
        "Ann",
        "Bob",
        "Ann",
    ]
    both = front.replace("**Ann**", "**X**").replace("**Bob**", "**Ann**").replace("**X**", "**Bob**")
    assert named_segments(transcript_from_document(parse_markdown(both), base)) == named_segments(
        transcript_from_document(parse_markdown(front), base)
    )


def test_one_turn_is_given_to_another() -> None:
    """A changed heading reassigns that turn only, to a known speaker or a new one."""
    to_ann = transcript_from_document(
        parse_markdown(edited_markdown(("**Speaker 2** [00:00:14]", "**Ann Example**"))), BEES
    )
    assert [s.speaker for s in to_ann.segments] == ["S0", "S1", "S0", "S0"]
    to_cy = transcript_from_document(
        parse_markdown(edited_markdown(("**Speaker 2** [00:00:14]", "**Cy**"))), BEES
    )
    assert named_segments(to_cy)[3] == ("Cy", "Well, I never counted them.")
    assert named_segments(to_cy)[1][0] == "Speaker 2"


def test_turns_are_split_and_joined() -> None:
    """A new heading splits a turn between two speakers; a removed heading joins two turns."""
    split = transcript_from_document(
        parse_markdown(edited_markdown(("Kelner and", "Kelner.\n\n**Ann Example**\n\nand"))), BEES
    )
    assert named_segments(split)[1:3] == [
        ("Speaker 2", "Thank you, I am Mr. Kelner."),
        ("Ann Example", "and I keep them."),
    ]
    joined = transcript_from_document(
        parse_markdown(edited_markdown(("**Speaker 2** [00:00:04]\n\n", ""))), BEES
    )
    assert [name for name, _ in named_segments(joined)] == ["Ann Example"] * 3 + ["Speaker 2"]
    assert joined.words == BEES.words


def test_scripts_without_spaces() -> None:
    """One changed character changes one word; the words around it are unchanged."""
    words = tuple(
        Word(text=text, start_s=i, end_s=i + 1, confidence=0.8)
        for i, text in enumerate(("今日は", "蜂の", "話", "です", "。"))
    )
    base = Transcript(language="ja", duration_s=9, segments=(Segment(words=words),))
    text = to_markdown(base, base=BASE, title="t")
    assert transcript_from_document(parse_markdown(text), base) == base
    fixed = transcript_from_document(parse_markdown(text.replace("話", "花")), base)
    assert [w.text for w in fixed.words] == ["今日は", "蜂の", "花", "です", "。"]
    assert (fixed.words[:2], fixed.words[3:]) == (words[:2], words[3:])
    partly = transcript_from_document(parse_markdown(text.replace("今日", "昨日")), base)
    assert "".join(w.text for w in partly.words) == "昨日は蜂の話です。"
    (edit,) = extract_edits(parse_markdown(text.replace("話", "花")), base, NOW)
    assert apply_edits((edit,), base).transcript.text == fixed.text


LATIN = ("your", "country", "can", "do", "more", "for", "all", "now.")
HAN = ("客", "観", "判", "断", "的", "東", "京", "都")
NEW = ("NHK", "空", "radio", "海", "tv", "山")


@st.composite
def mixed_line_and_edit(draw: st.DrawFn) -> tuple[str, str]:
    """Return a line of Latin and Han words with any spaces, and the line with words in place of others."""
    words = draw(st.permutations([*LATIN, *HAN]))
    first = draw(st.integers(1, len(words) - 2))
    last = draw(st.integers(first, min(first + 2, len(words) - 1)))
    new = draw(st.lists(st.sampled_from(NEW), min_size=1, max_size=3, unique=True))

    def space(before: str, after: str) -> str:
        return " " if before.isascii() and after.isascii() else draw(st.sampled_from(("", " ")))

    spaced = [words[0], *(space(a, b) + b for a, b in pairwise(words))]
    added = [space(a, b) + b for a, b in pairwise([words[first - 1], *new, words[last]])]
    after = spaced[last + 1 :]
    return "".join(spaced), "".join([*spaced[:first], *added, *after])


@given(mixed_line_and_edit())
@settings(max_examples=60, deadline=None)
def test_what_a_person_wrote_keeps_its_spaces(lines: tuple[str, str]) -> None:
    """Spaces between Latin and Han stand as written, in this transcription and in another one."""
    line, edited = lines
    base = spaced_transcript(line)
    document = parse_markdown(edited_markdown((line, edited), base=base))
    assert transcript_from_document(document, base).text == edited
    edits = extract_edits(document, base, NOW)
    stored = Edits.model_validate_json(to_json(Edits(edits=edits))).edits
    again = apply_edits(stored, base.model_copy(update={"duration_s": base.duration_s + 1}))
    assert (again.transcript.text, again.conflicts) == (edited, ())
    theirs = transcript_from_document(document, base)
    assert merge_transcripts(base, base, theirs).ours.text == edited


def spaced_transcript(line: str) -> Transcript:
    """Return a line as one segment, with the spaces of the line, a second for each word."""
    texts = re.findall(r" ?(?:[!-~]+|[^ -~])", line)
    words = tuple(Word(text=t, start_s=n, end_s=n + 1.0, confidence=0.8) for n, t in enumerate(texts))
    return Transcript(language="ja", duration_s=len(words), segments=(Segment(words=words),))


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("ask what your country can do for you", "ask what your country 東京 can do for you"),
        ("ask what your country. And so", "ask what your country. 客観 And so"),
        ("彼の判断的な話", "彼の NHK 判断的な話"),
        ("彼の判断的な話", "彼のNHK判断的な話"),
        ("彼の NHK 判断的な話", "彼の判断的な話"),
    ],
)
def test_a_written_word_of_another_script_keeps_its_spaces(heard: str, written: str) -> None:
    """A word beside one of another script has a space or none, as it was written."""
    base = spaced_transcript(heard)
    document = parse_markdown(edited_markdown((heard, written), base=base))
    result = apply_edits(extract_edits(document, base, NOW), base)
    assert (result.transcript.text, result.conflicts) == (written, ())


def test_words_in_several_parts_stay_in_parts() -> None:
    """A word that the engine wrote in two parts stays in two parts if it is unchanged."""
    pieces = (
        Word(text=" Ann", start_s=0, end_s=0.5),
        Word(text="'s", start_s=0.5, end_s=0.7),
        Word(text=" bees", start_s=1, end_s=2),
    )
    base = Transcript(language="en", duration_s=9, segments=(Segment(words=pieces),))
    assert (
        transcript_from_document(parse_markdown(to_markdown(base, base=BASE, title="t")), base).words
        == pieces
    )
    fixed = transcript_from_document(
        parse_markdown(to_markdown(base, base=BASE, title="t").replace("Ann's", "Anne's")), base
    )
    assert [(w.text, w.start_s, w.end_s) for w in fixed.words] == [(" Anne's", 0, 0.7), (" bees", 1, 2)]


def test_doubts_stay_until_a_segment_is_edited() -> None:
    """An unedited doubtful segment stays doubtful; an edited one does not."""
    doubtful = tuple(s.model_copy(update={"doubts": ("over music",)}) for s in BEES.segments)
    base = BEES.model_copy(update={"segments": doubtful})
    fixed = transcript_from_document(parse_markdown(edited_markdown(("Kelner", "Kellner"), base=base)), base)
    assert [s.doubts for s in fixed.segments] == [("over music",), (), ("over music",), ("over music",)]


# Extraction: edits.json.


def test_the_fields_of_an_edit() -> None:
    """An edit has the old and new words, the context, the time in the recording and its instant."""
    (edit,) = extract_edits(parse_markdown(edited_markdown(("Kelner and", "Kellner. And"))), BEES, NOW)
    assert isinstance(edit, WordEdit)
    assert (edit.site.heard, edit.written) == ("Kelner and", "Kellner. And")
    assert edit.site.before.endswith("bees. Thank you, I am Mr.")
    assert edit.site.after.startswith("I keep them. How many")
    assert (edit.site.start_s, edit.site.end_s, edit.edited_at) == (6.5, 7.4, NOW)


def test_edits_survive_a_json_round_trip() -> None:
    """Every kind of edit and a conflict survive a round trip; a newer schema is refused."""
    text = edited_markdown(
        ("S1: Speaker 2", "S1: Bob"), ("**Ann Example** [00:00:10]", "**Cy**"), ("bees.", "wasps.")
    )
    taken = extract_edits(parse_markdown(text), BEES, NOW)
    assert {edit.kind for edit in taken} == {"name", "turn", "words"}
    conflicts = apply_edits(taken, transcript_of_turns(("S0", "Nothing of it is here."))).conflicts
    edits = Edits(edits=taken, conflicts=conflicts)
    assert Edits.model_validate_json(to_json(edits)) == edits
    with pytest.raises(ValueError, match="schema_version"):
        Edits.model_validate_json(to_json(edits).replace(b'"schema_version": 1', b'"schema_version": 2'))


def test_an_edit_keeps_the_day_it_was_made() -> None:
    """Extracted again with new edits, an edit keeps its instant; conflicts stay until resolved."""
    first = reconcile_edits(Edits(), parse_markdown(edited_markdown(("Kelner", "Kellner"))), BEES, NOW)
    second = reconcile_edits(
        first, parse_markdown(edited_markdown(("Kelner", "Kellner"), ("never", "always"))), BEES, LATER
    )
    assert [edit.edited_at for edit in second.edits] == [NOW, LATER]


# Merge into another transcription.


def merge_edits(*changes: tuple[str, str], over: Transcript) -> MergeResult:
    """Merge edits of BEES into another transcription."""
    return apply_edits(extract_edits(parse_markdown(edited_markdown(*changes)), BEES, NOW), over)


def test_edits_merged_into_their_base_are_the_alignment() -> None:
    """Merged into their own base, edits give the same transcript as aligning the document."""
    text = edited_markdown(
        ("Kelner", "Kellner"), ("S1: Speaker 2", "S1: Bob"), (" now?", "?"), ("Well, I", "Well, I have")
    )
    result = apply_edits(extract_edits(parse_markdown(text), BEES, NOW), BEES)
    assert result.conflicts == ()
    assert result.transcript == transcript_from_document(parse_markdown(text), BEES)


def test_applying_twice_changes_nothing() -> None:
    """An edit whose words are already there counts as applied and changes nothing."""
    once = merge_edits(("Kelner", "Kellner"), ("S1: Speaker 2", "S1: Bob"), (" now?", "?"), over=BEES)
    twice = merge_edits(
        ("Kelner", "Kellner"), ("S1: Speaker 2", "S1: Bob"), (" now?", "?"), over=once.transcript
    )
    assert twice.conflicts == ()
    assert twice.transcript == once.transcript


def test_another_spelling_of_the_same_words_is_corrected() -> None:
    """If the new engine spells the name differently, the person's spelling is applied."""
    other = transcript_of_turns(*((s.speaker, s.text.replace("Kelner", "Kellnor")) for s in BEES.segments))
    result = merge_edits(("Kelner", "Kellner"), over=other)
    assert result.conflicts == ()
    assert "Mr. Kellner and" in result.transcript.text


def test_other_words_in_the_place_are_a_conflict() -> None:
    """If the new engine has other words, nothing changes and the conflict has the place."""
    other = transcript_of_turns(*((s.speaker, s.text.replace("Kelner", "Smith")) for s in BEES.segments))
    result = merge_edits(("Kelner", "Kellner"), over=other)
    assert result.transcript == other
    (conflict,) = result.conflicts
    assert (conflict.at_s, conflict.reason) == (6.5, "the new transcription has “Smith”")


def test_a_passage_that_was_cut_is_a_conflict() -> None:
    """An edit of a passage that was cut is a conflict with its old time."""
    other = transcript_of_turns((None, "Something else entirely was said in this one."))
    (conflict,) = merge_edits(("Kelner", "Kellner"), over=other).conflicts
    assert (conflict.at_s, conflict.reason) == (6.5, "the words around the edit are no longer there")


def test_a_passage_said_twice_is_a_conflict() -> None:
    """If the context matches at two places of a re-cut recording, the edit is a conflict."""
    twice = transcript_of_turns(*((s.speaker, s.text) for s in (*BEES.segments, *BEES.segments)))
    result = merge_edits(("Kelner", "Kellner"), over=twice)
    assert result.transcript == twice
    assert [conflict.reason for conflict in result.conflicts] == ["several matches: 6 s, 24 s"]


def test_a_name_follows_the_voice_not_the_id() -> None:
    """If ids differ in the new transcription, the name goes to the right speaker."""
    other = transcript_of_turns(*(({"S0": "S1", "S1": "S0"}[s.speaker or ""], s.text) for s in BEES.segments))
    unnamed = other.model_copy(update={"speakers": (Speaker(id="S0"), Speaker(id="S1"))})
    result = merge_edits(("S1: Speaker 2", "S1: Bob"), over=unnamed)
    assert [name for name, _ in named_segments(result.transcript)] == ["Speaker 2", "Bob", "Speaker 2", "Bob"]


def test_a_name_without_a_single_matching_speaker_is_a_conflict() -> None:
    """If the new diarization mixes two voices or has another name, the name is a conflict."""
    one = transcript_of_turns(*(("S0" if i % 4 > 1 else "S1", s.text) for i, s in enumerate(BEES.segments)))
    mixed = one.model_copy(update={"speakers": (Speaker(id="S0"), Speaker(id="S1"))})
    assert [c.reason for c in merge_edits(("S1: Speaker 2", "S1: Bob"), over=mixed).conflicts] == [
        "no single matching speaker"
    ]
    known = BEES.model_copy(update={"speakers": (BEES.speakers[0], Speaker(id="S1", name="Carl"))})
    assert [c.reason for c in merge_edits(("S1: Speaker 2", "S1: Bob"), over=known).conflicts] == [
        "the speaker is already named Carl"
    ]


def test_the_name_of_a_known_voice_is_corrected() -> None:
    """A known voice is renamed or loses its name, also if it has the old name again."""
    result = merge_edits(("S0: Ann Example", "S0: Anne Example"), over=BEES)
    assert [name for name, _ in named_segments(result.transcript)][::2] == ["Anne Example"] * 2
    nobody = merge_edits(("S0: Ann Example", "S0:"), over=BEES)
    assert [name for name, _ in named_segments(nobody.transcript)][::2] == ["Speaker 1"] * 2


def test_a_moved_turn_moves_again() -> None:
    """A turn given to a new speaker is given to that speaker again, whatever the diarization has."""
    result = merge_edits(("**Ann Example** [00:00:10]", "**Cy**"), over=BEES)
    assert [name for name, _ in named_segments(result.transcript)] == [
        "Ann Example",
        "Speaker 2",
        "Cy",
        "Speaker 2",
    ]


def test_a_turn_of_an_unnamed_voice_follows_the_voice() -> None:
    """A turn given to "Speaker 2" goes to that voice, under any number in the new transcription."""
    other = transcript_of_turns(*(({"S0": "S1", "S1": "S0"}[s.speaker or ""], s.text) for s in BEES.segments))
    unnamed = other.model_copy(update={"speakers": (Speaker(id="S0"), Speaker(id="S1"))})
    result = merge_edits(("**Ann Example** [00:00:10]", "**Speaker 2**"), over=unnamed)
    assert [name for name, _ in named_segments(result.transcript)] == ["Speaker 2", *["Speaker 1"] * 3]


def test_inserted_words_belong_to_their_turn() -> None:
    """Words inserted between two turns belong to the turn they were written in, or to a third speaker."""
    first = merge_edits(("Thank you, I", "Well, thank you, I"), over=BEES).transcript
    assert named_segments(first)[1] == ("Speaker 2", "Well, thank you, I am Mr. Kelner and I keep them.")
    stranger = merge_edits(("**Ann Example** [00:00:10]", "**Cy**\n\nMe too!\n\n**Ann Example**"), over=BEES)
    assert named_segments(stranger.transcript)[2] == ("Cy", "Me too!")


def test_two_edits_for_one_place_are_not_both_applied() -> None:
    """Of two edits of the same words the first is applied, the second is a conflict."""
    one = extract_edits(parse_markdown(edited_markdown(("Kelner", "Kellner"))), BEES, NOW)
    other = extract_edits(parse_markdown(edited_markdown(("Kelner", "Keller"))), BEES, NOW)
    result = apply_edits((*one, *other), BEES)
    assert "Kellner" in result.transcript.text
    assert [(c.edit, c.reason) for c in result.conflicts] == [
        (other[0], "another edit changes the same words")
    ]


def test_an_empty_transcription() -> None:
    """In an empty transcription every edit is a conflict."""
    empty = Transcript(language="en", duration_s=9)
    assert extract_edits(parse_markdown(to_markdown(empty, base=BASE, title="t")), empty, NOW) == ()
    assert len(merge_edits(("Kelner", "Kellner"), ("S1: Speaker 2", "S1: Bob"), over=empty).conflicts) == 2


# The changelog of two versions.


def test_a_diff_reads_like_a_correction() -> None:
    """Each change is one line with its time and context; a renamed speaker is one line."""
    text = edited_markdown(
        ("Kelner", "Kellner"), (" now?", "?"), ("Well, I", "Well, I have"), ("S1: Speaker 2", "S1: Bob")
    )
    assert diff(BEES, transcript_from_document(parse_markdown(text), BEES)) == (
        "[00:00:04] [-Speaker 2-]{+Bob+}: everywhere",
        "[00:00:06] you, I am Mr. [-Kelner-]{+Kellner+} and I keep them.",
        "[00:00:12] many bees do you [-keep now?-]{+keep?+} Well, I have never",
        "[00:00:15] you keep? Well, I {+have+} never counted them.",
    )
    given_away = transcript_from_document(
        parse_markdown(edited_markdown(("**Speaker 2** [00:00:14]", "**Ann Example**"))), BEES
    )
    assert diff(BEES, given_away) == ("[00:00:14] [-Speaker 2-]{+Ann Example+}: Well, I never counted them.",)
    assert diff(BEES, BEES) == ()
    unnamed = BEES.model_copy(
        update={"segments": tuple(part.model_copy(update={"speaker": None}) for part in BEES.segments[:1])}
    )
    named = BEES.model_copy(update={"segments": BEES.segments[:1]})
    assert diff(unnamed, named) == ("[00:00:00] {+Ann Example+}: everywhere",)
