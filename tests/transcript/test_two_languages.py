"""A transcript in two languages: what is stored, what captions say, what edits keep."""

import json
from zoneinfo import ZoneInfo

from podcast_pipeline.model import Segment, Transcript
from podcast_pipeline.transcript.captions.cues import layout_cues
from podcast_pipeline.transcript.captions.formats import VTT_LAYOUT, render_captions
from podcast_pipeline.transcript.edits.word_times import transcript_from_document
from podcast_pipeline.transcript.markdown import parse_markdown, to_markdown
from podcast_pipeline.transcript.names.glossary import Glossary, fix_names
from podcast_pipeline.web.templating import Templates
from podcast_pipeline.web.view import speaker_turns
from tests.support.transcripts import spoken

NAMES = {"a": "Ann", "b": "Bo"}
LONG = " ".join(["conseiller général"] * 30) + "."


def in_french(transcript: Transcript, *places: int) -> Transcript:
    """Return a transcript with some of its segments in French."""
    segments = [
        segment.model_copy(update={"language": "fr"}) if place in places else segment
        for place, segment in enumerate(transcript.segments)
    ]
    return transcript.model_copy(update={"segments": tuple(segments)})


MIXED = in_french(
    spoken(
        ("a", "He said it plainly."),
        ("b", "Je ne sais pas."),
        ("b", "That is all."),
        ("b", LONG),
        names=NAMES,
    ),
    1,
    3,
)


def languages(transcript: Transcript) -> list[tuple[str, str | None]]:
    return [(segment.text, segment.language) for segment in transcript.segments]


def test_only_another_language_is_stored() -> None:
    """A segment in the transcript's language is written as before, and documents of before are read."""
    stored = json.loads(MIXED.model_dump_json())["segments"]
    assert ["language" in segment for segment in stored] == [False, True, False, True]
    assert Transcript.model_validate_json(MIXED.model_dump_json()) == MIXED
    assert Segment.model_validate(stored[0]).language is None


def test_webvtt_marks_another_language() -> None:
    """Its words are in a language span inside the voice span, and no line is longer than 65 characters."""
    vtt = render_captions(MIXED, "vtt").decode()
    assert "<v Bo><lang fr>Je ne sais pas.</lang>\n" in vtt
    assert "<v Bo>That is all.\n" in vtt
    assert vtt.count("<lang fr>") == vtt.count("</lang>") > 2
    assert max(map(len, vtt.splitlines())) <= 65


def test_no_cue_has_two_languages() -> None:
    """Two short sentences of one speaker are two cues if their languages differ."""
    cues = layout_cues(in_french(spoken(("a", "Yes."), ("a", "Oui."), names=NAMES), 1), VTT_LAYOUT)
    assert [(cue.text, cue.language) for cue in cues] == [("Yes.", None), ("Oui.", "fr")]


def test_html_marks_another_language() -> None:
    """A paragraph is in one language, and says which if it is not the page's."""
    html = render_captions(MIXED, "html").decode()
    assert '<p dir="auto" lang="fr">Je ne sais pas.</p>' in html
    assert '<p dir="auto">That is all.</p>' in html


def test_formats_without_a_mark_have_all_words() -> None:
    """SubRip, JSON and text have no place for a language, and lose no word."""
    for format_ in ("srt", "json", "txt"):
        text = render_captions(MIXED, format_).decode()
        assert "Je ne sais pas." in text
        assert "lang" not in text


def test_a_page_has_paragraphs_in_one_language() -> None:
    """A template needs the language of a paragraph's first sentence only."""
    paragraphs = [paragraph for turn in speaker_turns(MIXED) for paragraph in turn.paragraphs]
    assert [{segment.language for segment in paragraph} for paragraph in paragraphs] == [
        {None},
        {"fr"},
        {None},
        {"fr"},
    ]


def test_the_page_and_the_book_mark_another_language() -> None:
    """A screen reader and an e-reader pronounce a French paragraph as French."""
    templates = Templates.load(ZoneInfo("UTC"), site_links=lambda _: ())
    environment = templates.environment
    turns = speaker_turns(MIXED)
    page = templates.transcript_html(turns, language="en", corrected=frozenset(), changes_url="/changes")
    assert '<p lang="fr"><span class="s" id="t=1.7">Je ne sais pas.</span>' in page
    part = {"title": "Talk", "turns": turns}
    book = environment.get_template("epub/part.xhtml").render(
        words=MIXED, part=part, direction="ltr", page="https://a.example"
    )
    assert '<p dir="auto" lang="fr" xml:lang="fr">Je ne sais pas.</p>' in book
    assert '<p dir="auto">That is all.</p>' in book


def test_transcript_md_keeps_the_languages() -> None:
    """The file has no mark; corrected and added words are in the language of the sentence around them."""
    markdown = to_markdown(MIXED, base="0" * 16, title="Talk")
    assert languages(transcript_from_document(parse_markdown(markdown), MIXED)) == languages(MIXED)
    edited = markdown.replace("Je ne sais pas", "Je ne le sais plus")
    assert languages(transcript_from_document(parse_markdown(edited), MIXED))[:3] == [
        ("He said it plainly.", None),
        ("Je ne le sais plus.", "fr"),
        ("That is all.", None),
    ]


def test_corrected_names_keep_the_languages() -> None:
    """The names of a glossary are put right in both languages, and no segment changes its own."""
    assert languages(fix_names(MIXED, Glossary())[0]) == languages(MIXED)
