"""Recording times become media times: cuts, inserts, and words at their edges."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from podcast_pipeline.model import (
    Chapter,
    Cut,
    Insert,
    MediaSpan,
    Segment,
    Soundbite,
    Timeline,
    Transcript,
    Word,
)
from podcast_pipeline.transcript.timeline import (
    map_chapters,
    map_soundbites,
    map_transcript,
    recording_spans,
)
from tests.support.transcripts import spoken, transcripts

SHA = "ab" * 32
INTRO = Insert(at_s=0, duration_s=4)
OUTRO = Insert(at_s=10, duration_s=6)
CUT = Cut(start_s=3, end_s=5)


def transcript_at(*times: tuple[float, float]) -> Transcript:
    words = tuple(Word(text=f" w{n}", start_s=start, end_s=end) for n, (start, end) in enumerate(times))
    return Transcript(language="en", duration_s=10, segments=(Segment(words=words),))


def on_media(
    transcript: Transcript, timeline: Timeline, duration_s: float = 99
) -> list[tuple[str, float, float]]:
    mapped = map_transcript(transcript, timeline, duration_s=duration_s, media_sha256=SHA)
    return [(word.text, word.start_s, word.end_s) for word in mapped.words]


def test_without_cuts_and_inserts_only_the_media_is_set() -> None:
    """The words stay unchanged; the transcript gets the hash and the duration of the media."""
    before = spoken(("a", "Good morning to you."))
    after = map_transcript(before, Timeline(), duration_s=8.25, media_sha256=SHA)
    assert after == before.model_copy(update={"duration_s": 8.25, "media_sha256": SHA})


def test_an_intro_moves_every_word() -> None:
    """An insert at 0 comes before the first word, also before an empty word at 0."""
    assert on_media(transcript_at((0, 0), (1, 2)), Timeline(inserts=(INTRO,))) == [
        (" w0", 4, 4),
        (" w1", 5, 6),
    ]


@pytest.mark.parametrize("last", [(9.0, 10.0), (10.0, 10.0), (9.9, 10.3), (9.7, 10.02)])
def test_no_word_is_pushed_behind_the_outro(last: tuple[float, float]) -> None:
    """A word that ends where the recording ends stays before the outro, clamped to it."""
    media = on_media(transcript_at(last), Timeline(inserts=(INTRO, OUTRO)))
    assert media == [(" w0", last[0] + 4, 14)]


def test_a_word_on_an_insert_stays_on_the_side_of_its_middle() -> None:
    """An insert never stretches a word."""
    middle = Timeline(inserts=(Insert(at_s=5, duration_s=30),))
    assert on_media(transcript_at((4.8, 5.1), (4.9, 5.4)), middle) == [(" w0", 4.8, 5), (" w1", 35, 35.4)]


@pytest.mark.parametrize(
    ("word", "media"),
    [
        ((3.5, 4.5), None),
        ((3.0, 5.0), None),
        ((2.5, 3.5), None),
        ((2.0, 3.5), (2.0, 3.0)),
        ((4.5, 5.5), (3.0, 3.5)),
        ((4.6, 5.6), (3.0, 3.6)),
        ((4.0, 5.5), None),
        ((2.0, 3.0), (2.0, 3.0)),
        ((5.0, 6.0), (3.0, 4.0)),
        ((5.0, 5.0), (3.0, 3.0)),
        ((3.0, 3.0), None),
        ((7.0, 8.0), (5.0, 6.0)),
    ],
)
def test_a_word_at_a_cut(word: tuple[float, float], media: tuple[float, float] | None) -> None:
    """A word is cut when its middle is in the cut (start included, end not), else clamped to its edge."""
    expected = [] if media is None else [(" w0", *media)]
    assert on_media(transcript_at(word), Timeline(cuts=(CUT,))) == expected


def test_a_segment_without_words_is_dropped() -> None:
    """A segment that was cut is dropped, and its neighbours stay whole."""
    transcript = spoken(("a", "One two."), ("b", "Three four."), ("a", "Five six."))
    first, second, third = transcript.segments
    cut = Cut(start_s=second.start_s, end_s=third.start_s)
    after = map_transcript(transcript, Timeline(cuts=(cut,)), duration_s=9, media_sha256=SHA)
    assert [segment.text for segment in after.segments] == [first.text, third.text]
    assert [segment.speaker for segment in after.segments] == ["a", "a"]


def test_words_beyond_the_media_are_clamped() -> None:
    """A word that ends after the audio is clamped to the audio's end."""
    assert on_media(transcript_at((9.5, 10.4), (10.4, 10.6)), Timeline(), 10) == [
        (" w0", 9.5, 10),
        (" w1", 10, 10),
    ]


def test_a_cut_up_to_the_outro_cuts_to_the_end() -> None:
    """Words after a cut that reaches the end are dropped, too."""
    timeline = Timeline(cuts=(Cut(start_s=8, end_s=10),), inserts=(OUTRO,))
    assert on_media(transcript_at((7, 8), (9, 10), (10, 10.2)), timeline) == [(" w0", 7, 8)]


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    edges = sorted(draw(st.sets(st.integers(0, 20_000), max_size=8)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    inserts = draw(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 9000)), max_size=3))
    return Timeline(
        cuts=tuple(Cut(start_s=start / 1000, end_s=end / 1000) for start, end in pairs),
        inserts=tuple(Insert(at_s=at / 1000, duration_s=length / 1000) for at, length in inserts),
    )


@given(transcripts(long_s=0.5), timelines(), st.integers(0, 30_000))
def test_media_times_rise_inside_the_media(
    transcript: Transcript, timeline: Timeline, duration_ms: int
) -> None:
    """With any cuts and inserts times rise and stay in the media, and no word gets longer."""
    duration_s = duration_ms / 1000
    mapped = map_transcript(transcript, timeline, duration_s=duration_s, media_sha256=SHA)
    assert Transcript.model_validate(mapped.model_dump()) == mapped
    assert all(before.end_s <= after.start_s for before, after in pairwise(mapped.words))
    assert all(word.start_s <= word.end_s <= duration_s for word in mapped.words)


@given(transcripts(long_s=0.5), timelines())
def test_a_word_is_kept_if_its_middle_is(transcript: Transcript, timeline: Timeline) -> None:
    """Words are dropped where the timeline cuts; the other words keep their order."""
    middles = [(word, (word.start_s + word.end_s) / 2) for word in transcript.words]
    kept = [word.text for word, middle in middles if timeline.to_media(middle) is not None]
    mapped = map_transcript(transcript, timeline, duration_s=9999, media_sha256=SHA)
    assert [word.text for word in mapped.words] == kept


@given(timelines(), st.integers(0, 20_000), st.integers(0, 20_000))
def test_to_media_keeps_the_order(timeline: Timeline, one_ms: int, other_ms: int) -> None:
    """Two moments in the media keep their order."""
    media = [timeline.to_media(moment / 1000) for moment in sorted((one_ms, other_ms))]
    kept = [moment for moment in media if moment is not None]
    assert kept == sorted(kept)


@pytest.mark.parametrize("cuts", [((3, 3),), ((5, 3),), ((1, 4), (3, 5)), ((3, 5), (1, 2))])
def test_a_timeline_refuses_impossible_cuts(cuts: tuple[tuple[float, float], ...]) -> None:
    """Cuts have a length, are in order and apart, else their sum would be wrong."""
    with pytest.raises(ValidationError):
        Timeline(cuts=tuple(Cut(start_s=start, end_s=end) for start, end in cuts))


def chapters(*starts: float) -> list[Chapter]:
    return [Chapter(start_s=start, title=f"at {start:g}") for start in starts]


@pytest.mark.parametrize(
    ("starts", "media"),
    [
        ((0, 2, 6), {"at 0": 0, "at 2": 6, "at 6": 8}),
        ((0, 4, 6), {"at 0": 0, "at 4": 7, "at 6": 8}),
        ((0, 3, 4, 7), {"at 0": 0, "at 4": 7, "at 7": 9}),
        ((0, 3, 5), {"at 0": 0, "at 5": 7}),
        ((6, 1), {"at 1": 5, "at 6": 8}),
        ((), {}),
    ],
)
def test_chapters_move_with_the_audio(starts: tuple[float, ...], media: dict[str, float]) -> None:
    """A chapter in a cut moves to the cut's end, or is dropped without audio; the intro is in the first."""
    mapped = map_chapters(chapters(*starts), Timeline(cuts=(CUT,), inserts=(INTRO,)))
    assert {chapter.title: chapter.start_s for chapter in mapped} == media


@pytest.mark.parametrize(
    ("start", "duration", "media"),
    [
        (1, 1, (5, 1)),
        (1, 3, (5, 2)),
        (4, 3, (7, 2)),
        (1, 6, (5, 4)),
        (3, 2, None),
        (3.5, 1, None),
        (5, 1, (7, 1)),
        (8, 2, (10, 2)),
    ],
)
def test_soundbites_lose_the_parts_that_were_cut(
    start: float, duration: float, media: tuple[float, float] | None
) -> None:
    """A soundbite keeps its part in the media, is dropped if nothing is left, and ends before the outro."""
    timeline = Timeline(cuts=(CUT,), inserts=(INTRO, OUTRO))
    mapped = map_soundbites([Soundbite(start_s=start, duration_s=duration)], timeline)
    assert [(bite.start_s, bite.duration_s) for bite in mapped] == ([] if media is None else [media])


@pytest.mark.parametrize(
    ("span", "heard"),
    [
        ((12.0, 14.0), [(2.0, 4.0)]),  # behind an intro of ten seconds
        ((5.0, 11.0), [(0.0, 1.0)]),  # from the intro into the recording
        ((1.0, 9.0), []),  # in the intro alone
        ((14.0, 16.0), [(4.0, 5.0), (8.0, 9.0)]),  # over a cut from 5 to 8
    ],
)
def test_the_seconds_of_the_recording(span: tuple[float, float], heard: list[tuple[float, float]]) -> None:
    """A span of the media is mapped back to the seconds of the recording that are heard in it."""
    timeline = Timeline(cuts=(Cut(start_s=5, end_s=8),), inserts=(Insert(at_s=0, duration_s=10),))
    found = recording_spans(MediaSpan(start_s=span[0], end_s=span[1]), timeline)
    assert [(cut.start_s, cut.end_s) for cut in found] == heard
