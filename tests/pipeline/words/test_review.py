"""From an edited transcript.md to the subscribers' files: corrections, review, accuracy, with real speech."""

import json
import re
import shutil
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import tostring

import pytest
import typer

from podcast_pipeline.cli.commands import review as commands
from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.config import GlossaryTable, TermTable
from podcast_pipeline.episodes import edits
from podcast_pipeline.errors import CaptionError, EpisodeError
from podcast_pipeline.model import (
    DroppedWord,
    ErrorRate,
    ProgressCallback,
    Speaker,
    Transcript,
    TranscriptProvenance,
    Word,
)
from podcast_pipeline.pipeline.words.review import EpisodeReview, add_to_glossary, load_review
from podcast_pipeline.pipeline.words.text import edited_transcript
from podcast_pipeline.pipeline.words.transcribe import load_or_transcribe, transcribe_episode
from podcast_pipeline.transcript.edits import transcript_from_document
from podcast_pipeline.transcript.markdown import parse_markdown, to_markdown
from podcast_pipeline.transcript.markdown_edit import reassign_sentence, rename_speaker, replace_words
from podcast_pipeline.transcription import TranscriptionOptions
from tests.support.pipeline import context_of, episode, items, objects, store
from tests.support.show import MODEL, SLUG, ShowFolder, copy_show_folder
from tests.support.transcripts import recognized

BLOCKING = {"PODCAST_REVIEW_UNKNOWN_NAMES": "block"}


@pytest.fixture(scope="module")
def without_diarization(published: ShowFolder, tmp_path_factory: pytest.TempPathFactory) -> ShowFolder:
    """A show published without diarization; never change it, copy it."""
    show = copy_show_folder(published, tmp_path_factory.mktemp("without-diarization") / "show")
    shutil.rmtree(show.bucket)
    for name in ("transcript.json", "transcript.md", "edits.json", "published.json"):
        (show.episode / name).unlink()
    path = show.folder / "show.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'(\[speakers\]\nengine = )"auto"', r'\1"off"', text), encoding="utf-8")
    assert 'engine = "off"' in path.read_text(encoding="utf-8")
    publish(show)
    return show


@pytest.fixture
def show(without_diarization: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A copy of the show without diarization, to change."""
    return copy_show_folder(without_diarization, tmp_path / "show")


def edit(show: ShowFolder, *changes: tuple[str, str]) -> None:
    path = show.episode / "transcript.md"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def publish(show: ShowFolder, **environment: str) -> str:
    """Publish the episode and return what was warned of."""
    done = show.run("publish", SLUG, **environment)
    assert done.returncode == 0, done.stderr
    return done.stderr


def body(show: ShowFolder, ending: str, version: int = -1) -> str:
    """Return a transcript file of the newest version, or of another version."""
    keys = episode(show).transcripts[version].file_keys
    return store(show).get(keys[ending])[1].decode()  # type: ignore[index]


def times(show: ShowFolder, version: int = -1) -> dict[str, list[float]]:
    """Return the start times of each word of a version."""
    document = store(show).get(episode(show).transcripts[version].document_key)[1]
    found: dict[str, list[float]] = {}
    for word in Transcript.model_validate_json(document).words:
        found.setdefault(word.text.strip(), []).append(word.start_s)
    return found


HAND_EDITS = (  # every kind of edit
    ("base: ", "note: Names and a passage were put right.\nbase: "),
    ("[00:00:00]", "**Ann Reader** [00:00:00]"),
    ("It was the age of wisdom.", "\n\n**Bob Guest**\n\nIt was the age of wisdom."),  # split
    ("And Mr. John", "\n\n**Ann Reader**\n\nAnd Mr. Jon"),
    ("It was the epoch of incredulity. ", ""),  # deleted
    ("Had he married", "A paragraph that nobody said.\n\nHad he married"),  # pasted
)


def test_every_kind_of_edit_reaches_the_captions(show: ShowFolder) -> None:
    """Turns, deletions and a pasted paragraph are in the files; unedited words keep their times exactly."""
    before = times(show)
    edit(show, *HAND_EDITS)
    publish(show)
    vtt, html, then = body(show, "vtt"), body(show, "html"), times(show)
    assert re.findall(r"<v ([^>]+)>", vtt)[:1] == ["Ann Reader"]
    assert "<v Bob Guest>It was the age of wisdom." in vtt
    assert "incredulity" not in vtt
    assert "A paragraph that nobody said." in html
    for word in ("best", "foolishness.", "Dashwood", "amiable", "superlative"):
        assert then[word] == before[word], word
    assert then["Jon"] == before["John"]
    cues = [float(m) * 60 + float(s) for m, s in re.findall(r"^(?:\d+:)?(\d\d):(\d\d\.\d{3}) -->", vtt, re.M)]
    assert cues == sorted(cues)


def test_joined_turns_have_one_voice(show: ShowFolder) -> None:
    """A heading with the speaker of the turn before joins the two; a new name in a heading is a speaker."""
    edit(show, *HAND_EDITS)
    edit(show, ("**Bob Guest**", "**Ann Reader**"))
    publish(show)
    assert {s.name for s in words(show).speakers if spoken(show, s)} == {"Ann Reader"}


def words(show: ShowFolder) -> Transcript:
    version = episode(show).transcript
    assert version is not None
    return Transcript.model_validate_json(store(show).get(version.document_key)[1])


def spoken(show: ShowFolder, speaker: Speaker) -> bool:
    return any(segment.speaker == speaker.id for segment in words(show).segments)


def test_a_correction_is_a_new_version_with_a_note(show: ShowFolder) -> None:
    """A correction keeps guid, audio and old files, and adds a dated note to the HTML."""
    before, stored = episode(show), set(objects(show))
    (item,) = items(show)
    edit(show, ("base: ", "note: A name was spelled wrong.\nbase: "), ("John Dashwood", "Jon Dashwood"))
    publish(show)
    after = episode(show)
    assert [v.note for v in after.transcripts] == ["", "A name was spelled wrong."]
    assert (after.guid, after.enclosure) == (before.guid, before.enclosure)
    assert "A name was spelled wrong." in body(show, "html")
    assert stored <= set(objects(show))
    assert "John" in body(show, "txt", 0)
    assert [tostring(now) for now in items(show)] == [tostring(item)]


def test_a_correction_without_a_note_says_how_much(show: ShowFolder) -> None:
    """A note is published once; without a note the number of corrected words; without a change nothing."""
    edit(show, ("base: ", "note: A name.\nbase: "), ("John Dashwood", "Jon Dashwood"))
    publish(show)
    edit(show, ("best of times", "best of all times"))
    publish(show)
    publish(show)
    assert [v.note for v in episode(show).transcripts] == ["", "A name.", "One word was corrected."]


def test_a_note_is_not_printed_with_another_correction(show: ShowFolder) -> None:
    """A note that was there when nothing was corrected belongs to no later correction; both runs say so."""
    edit(show, ("best of times", "best of all times"))
    publish(show)
    edit(show, ("base: ", "note: The name of a party was wrong.\nbase: "))
    said = publish(show)
    assert "the note “The name of a party was wrong.” is not printed" in said
    assert "no word was corrected since version 2" in said
    assert publish(show).count("note") == 0
    edit(show, ("John Dashwood", "Jon Dashwood"))
    said = publish(show)
    assert "was there before this correction, so readers are told “One word was corrected.” instead" in said
    edit(show, ("The name of a party was wrong.", "A name was wrong."), ("Jon Dashwood", "Johan Dashwood"))
    assert "note" not in publish(show)
    told = ["", "One word was corrected.", "One word was corrected.", "A name was wrong."]
    assert [version.note for version in episode(show).transcripts] == told


def test_edits_survive_another_model(show: ShowFolder) -> None:
    """Transcribed again with base instead of tiny.en, each edit is in the text or reported with its time."""
    edit(show, *HAND_EDITS)
    done = show.run("transcribe", SLUG, "--model", "base")
    assert done.returncode == 0, done.stderr
    assert str(show.episode / "transcript.md") in done.stdout
    assert not (show.folder / f"{SLUG}.json").exists()  # the words are in the folder, and nowhere else
    text = (show.episode / "transcript.md").read_text(encoding="utf-8")
    conflicts = json.loads((show.episode / "edits.json").read_text(encoding="utf-8"))["conflicts"]
    assert len(conflicts) == len(re.findall(r"an edit at \[\d\d:\d\d:\d\d\] was not applied", done.stderr))
    lost = [c["edit"].get("written") or c["edit"].get("speaker") or "" for c in conflicts]
    for expected in ("Jon Dashwood", "A paragraph that nobody said.", "**Bob Guest**", "note: Names"):
        assert expected in text or any(expected in written for written in lost), expected
    assert "incredulity" not in text
    publish(show)
    assert "incredulity" not in body(show, "txt")


def test_the_files_of_a_new_transcription_have_the_edits(show: ShowFolder) -> None:
    """The output of `transcribe SLUG` contains the edits, before their publication."""
    edit(show, ("John Dashwood", "Jon Dashwood"))
    done = show.run("transcribe", SLUG, "--format", "txt", "--output", str(show.folder))
    assert done.returncode == 0, done.stderr
    assert "Jon Dashwood" in (show.folder / f"{SLUG}.txt").read_text(encoding="utf-8")


def test_the_changes_are_shown(show: ShowFolder) -> None:
    """`transcript diff` compares the folder with the published version, and two versions."""
    edit(show, ("John Dashwood", "Jon Dashwood"))
    line = "[-John-]{+Jon+}"
    assert line in show.run("transcript", "diff", SLUG).stdout
    publish(show)
    assert "no difference" in show.run("transcript", "diff", SLUG).stdout
    assert line in show.run("transcript", "diff", SLUG, "--from", "1", "--to", "2").stdout
    assert "no version 7" in show.run("transcript", "diff", SLUG, "--from", "7").stderr


def test_the_list_says_where_to_listen(show: ShowFolder) -> None:
    """Each finding has a time, a reason, a command and a link; --json has all fields."""
    done = show.run("review", SLUG)
    assert done.returncode == 0
    assert "“Dashwood”: not among the guests" in done.stdout
    assert ("ffplay " in done.stdout) == bool(shutil.which("ffplay"))
    findings = json.loads(show.run("--json", "review", SLUG).stdout)["findings"]
    found, *others = findings
    assert {other["kind"] for other in others} <= {"words"}
    assert found["link"].endswith(f"/episodes/{SLUG}#t=9.72")
    assert (found["kind"], found["blocks"]) == ("unknown_names", False)


def test_a_closed_gate_keeps_it_from_publication(show: ShowFolder) -> None:
    """Where names block, review and publish exit with 3 and store nothing until the name is accepted."""
    before = objects(show)
    edit(show, ("best of times", "best of all times"))
    assert show.run("review", SLUG, **BLOCKING).returncode == 3
    refused = show.run("publish", SLUG, **BLOCKING)
    assert refused.returncode == 3
    assert refused.stderr.count("\n") == 1
    assert f"podcast review {SLUG}" in refused.stderr
    assert show.run("publish", SLUG, SLUG, **BLOCKING).returncode == 3  # one of several is held no otherwise
    assert show.run("publish", SLUG, "nobody-there", **BLOCKING).returncode == 1  # not by the gate alone
    assert objects(show) == before
    walk(show, "a", "q")
    assert (show.folder / "review.json").is_file()
    assert show.run("review", SLUG, **BLOCKING).returncode == 0
    publish(show, **BLOCKING)


def walk(show: ShowFolder, *answers: str) -> None:
    """Go through the review as at a terminal, with these answers."""
    session = CliSession(show.folder, Output(quiet=True))
    given = iter(answers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer, "prompt", lambda *_, **__: next(given))
        commands._review_interactively(session, reviewed(show), None)


def reviewed(show: ShowFolder) -> EpisodeReview:
    context = context_of(show)
    return load_review(context.library.folder(SLUG), context)


def test_a_finding_is_corrected_from_the_prompt(show: ShowFolder) -> None:
    """A typed correction is in transcript.md; all other text stays."""
    path = show.episode / "transcript.md"
    edit(show, ("It was the best", "<!-- mine -->\nIt was the best"))
    before = path.read_text(encoding="utf-8")
    walk(show, "f", "Dashwoode", "q")
    assert path.read_text(encoding="utf-8") == before.replace("Dashwood", "Dashwoode")
    publish(show)
    assert "Dashwoode" in body(show, "txt")


def test_without_words_there_is_nothing_to_review(show: ShowFolder) -> None:
    """The error line names the command that makes the transcript."""
    (show.episode / "transcript.json").unlink()
    with pytest.raises(EpisodeError, match=f"podcast transcribe {SLUG}"):
        reviewed(show)


class FixedTranscriber:
    """A transcriber that returns a given transcript and records its options."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript, self.given_options = transcript, list[TranscriptionOptions]()

    def transcribe(
        self,
        recording: Path,  # noqa: ARG002
        *,
        options: TranscriptionOptions,
        report: ProgressCallback,  # noqa: ARG002
        announced_s: float | None = None,  # noqa: ARG002
    ) -> Transcript:
        """Record the options and return the transcript."""
        self.given_options.append(options)
        return self.transcript


def test_a_changed_glossary_hears_nothing_again(show: ShowFolder) -> None:
    """Before publication too it only runs the second pass; `transcribe` tells the engine the new names."""
    context = context_of(show)
    folder = context.library.folder(SLUG)
    draft, before = folder.load_draft(), folder.load_transcript()
    assert before is not None
    transcriber = FixedTranscriber(before)
    names = GlossaryTable(terms=("Jon Dashwoode",))
    changed = replace(context, config=context.config.model_copy(update={"glossary": names}))
    changed.transcriber = transcriber
    assert (again := load_or_transcribe(folder, draft, None, changed)) is not None
    assert again.segments == before.segments
    assert transcriber.given_options == []
    assert "Dashwoode" in edited_transcript(folder, draft, before, None, changed).transcript.text
    transcribe_episode(folder, draft, changed)
    (options,) = transcriber.given_options
    assert options.names[:3] == ("Alex Marlowe", "Robin Ashdown", "Jon Dashwoode")
    assert before.receipt is not None
    assert before.receipt.options["names"] == ", ".join(options.names).replace("Jon Dashwoode, ", "")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("style", "verbatim", "not verbatim as `style`"),
        ("languages", ("en", "fr"), "not of en, fr as `languages`"),
    ],
)
def test_a_changed_style_or_list_hears_nothing_again(
    show: ShowFolder, key: str, value: str | tuple[str, ...], said: str
) -> None:
    """One line says that the words are of the old setting; `transcribe` asks the engine for the new one."""
    context = context_of(show)
    folder = context.library.folder(SLUG)
    draft, before = folder.load_draft(), folder.load_transcript()
    assert before is not None
    transcriber, warnings = FixedTranscriber(before), list[str]()
    settings = context.config.transcription.model_copy(update={key: value})
    config = context.config.model_copy(update={"transcription": settings})
    changed = replace(context, config=config, warn=warnings.append)
    changed.transcriber = transcriber
    assert (again := load_or_transcribe(folder, draft, None, changed)) is not None
    assert again.segments == before.segments
    assert transcriber.given_options == []
    (line,) = warnings
    assert line.endswith(f"{said} in [transcription] says; `podcast transcribe {SLUG}` writes them anew")
    transcribe_episode(folder, draft, changed)
    assert [getattr(options, key) for options in transcriber.given_options] == [value]


def test_published_words_of_another_language_are_told(show: ShowFolder) -> None:
    """They stay, and a line says that `transcribe` writes them in the language that is set."""
    for language, marked in (("en", []), ("de", [["en, not de"]])):
        context, warnings = context_of(show), list[str]()
        settings = context.config.transcription.model_copy(update={"language": language})
        config = context.config.model_copy(update={"transcription": settings})
        changed = replace(context, config=config, warn=warnings.append)
        folder = context.library.folder(SLUG)
        words = load_or_transcribe(folder, folder.load_draft(), episode(show), changed)
        assert words == folder.load_transcript()
        assert [re.findall(r"marked as (.*) as `language`", line) for line in warnings] == marked


@pytest.mark.parametrize("precision", ["bf16", "f32", "int8"])
def test_another_precision_hears_nothing_again(show: ShowFolder, precision: str) -> None:
    """Before publication too the words stay, with the receipt of the precision in which they were made."""
    context = context_of(show)
    folder = context.library.folder(SLUG)
    draft, before = folder.load_draft(), folder.load_transcript()
    assert before is not None
    settings = context.config.transcription.model_copy(update={"precision": precision})
    changed = replace(context, config=context.config.model_copy(update={"transcription": settings}))
    changed.transcriber = transcriber = FixedTranscriber(before)
    assert load_or_transcribe(folder, draft, None, changed) == before
    assert transcriber.given_options == []


def test_corrected_names_are_offered_to_the_glossary(show: ShowFolder) -> None:
    """--learn lists corrected names, --yes writes them into show.toml; comments stay."""
    edit(show, ("Dashwood", "Dashwoode"))
    path = show.folder / "show.toml"
    before = path.read_text(encoding="utf-8")
    assert "could learn: Dashwoode (recognised as Dashwood)" in show.run("review", SLUG, "--learn").stdout
    assert path.read_text(encoding="utf-8") == before
    assert show.run("review", SLUG, "--learn", "--yes").returncode == 0
    after = path.read_text(encoding="utf-8")
    assert tomllib.loads(after)["glossary"]["terms"] == [{"name": "Dashwoode", "sounds_like": ["Dashwood"]}]
    assert before.strip() in after
    assert "nothing to learn" in show.run("review", SLUG, "--learn").stdout


def test_names_join_those_that_are_there(show: ShowFolder) -> None:
    """An existing list of terms keeps its comments."""
    path = show.folder / "show.toml"
    path.write_text(path.read_text(encoding="utf-8") + '\n[glossary]\nterms = [\n  "Ann", # ours\n]\n')
    add_to_glossary(
        context_of(show).config, (TermTable(name="Bob"), TermTable(name="Cy", sounds_like=("sigh",)))
    )
    after = path.read_text(encoding="utf-8")
    assert tomllib.loads(after)["glossary"]["terms"] == [
        "Ann",
        "Bob",
        {"name": "Cy", "sounds_like": ["sigh"]},
    ]
    assert '"Ann", # ours' in after


def test_accuracy_is_measured_from_corrected_stretches(show: ShowFolder) -> None:
    """A ticked sample with one corrected word gives error rate, interval, trend, and the page's label."""
    path = show.episode / "accuracy.md"
    for _ in range(2):
        assert "tick the box" in show.run("review", SLUG, "--sample", "30s").stdout
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text.replace('[ ]', '[x]').rstrip().rpartition(' ')[0]} otherwise\n", encoding="utf-8")
    done = json.loads(show.run("--json", "review", SLUG, "--sample", "30s").stdout)
    receipt = done["receipt"]
    assert receipt["wer"]["value"] == pytest.approx(1 / receipt["words"], abs=1e-4)
    assert receipt["wer"]["low"] <= receipt["wer"]["value"] <= receipt["wer"]["high"]
    assert receipt["model"] == MODEL
    assert [r["slug"] for r in json.loads((show.folder / "accuracy.json").read_text())["receipts"]] == [SLUG]
    assert not path.exists()
    assert show.run("review", SLUG, "--sample", "soon").returncode == 2
    assert episode(show).provenance == TranscriptProvenance(made_by="machine")
    table = show.episode / "episode.toml"
    table.write_text(f'reviewed_by = "Tobias Finch"\n{table.read_text(encoding="utf-8")}', encoding="utf-8")
    assert show.run("publish", SLUG).returncode == 0
    labelled = episode(show)
    assert labelled.reviewed_by == "Tobias Finch"
    assert labelled.provenance is not None
    assert labelled.provenance.word_errors == ErrorRate(**receipt["wer"])


@pytest.mark.parametrize(
    ("name", "damage", "line"),
    [
        ("accuracy.md", b"\xff\xfe[x]", "accuracy.md is not UTF-8"),
        ("accuracy.md", b"[x] done\nno front matter", "accuracy.md line "),
        ("../../accuracy.json", b"{", "put it back from git"),
    ],
)
def test_a_damaged_sample_is_one_line(show: ShowFolder, name: str, damage: bytes, line: str) -> None:
    """The error line names the file and the remedy; nothing is measured."""
    sample = show.episode / "accuracy.md"
    show.run("review", SLUG, "--sample", "30s")
    sample.write_text(sample.read_text(encoding="utf-8").replace("[ ]", "[x]"), encoding="utf-8")
    (show.episode / name).write_bytes(damage)
    refused = show.run("review", SLUG, "--sample", "30s")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert line in refused.stderr
    assert sample.exists()


SAID = recognized("Ann said that Ann came in 15 days, and *Ann* left in 15 days")
SAVED = to_markdown(SAID, base="0" * 16, title="Ann")


@pytest.mark.parametrize(
    ("old", "new", "at_s", "then"),
    [
        ("Ann", "Anne", None, "Anne said that Anne came in 15 days, and \\*Anne\\* left in 15 days"),
        ("15", "50", 1.8, "Ann said that Ann came in 50 days, and \\*Ann\\* left in 15 days"),
        ("15 days", "a <week>", 3.6, "Ann said that Ann came in 15 days, and \\*Ann\\* left in a \\<week>"),
    ],
)
def test_one_place_is_touched_up(old: str, new: str, at_s: float | None, then: str) -> None:
    """The place is found by its time; all other text stays, title and front matter included."""
    body = SAVED.splitlines()[-1]
    assert replace_words(SAVED, SAID, old, new, at_s=at_s) == SAVED.replace(body, then)


def test_a_place_that_is_not_sure_is_left_to_a_person() -> None:
    """Where the file has the word more often than the transcript, nothing is changed."""
    with pytest.raises(CaptionError, match="by hand"):
        replace_words(SAVED + "\nAnn again\n", SAID, "Ann", "Anne")
    with pytest.raises(CaptionError, match="by hand"):
        replace_words(SAVED, SAID, "15", "50", at_s=0.1)


def talk() -> tuple[Transcript, str]:
    """Return a talk of two voices, two sentences in the first turn, and its document."""
    parts = [recognized(text) for text in ("We went home.", "It was late.", "Was it?")]
    segments = [
        part.segments[0].model_copy(
            update={
                "speaker": who,
                "words": tuple(
                    word.model_copy(update={"start_s": word.start_s + at_s, "end_s": word.end_s + at_s})
                    for word in part.words
                ),
            }
        )
        for part, who, at_s in zip(parts, ("S0", "S0", "S1"), (0.0, 3.0, 6.0), strict=True)
    ]
    speakers = (Speaker(id="S0", name="Ann"), Speaker(id="S1"))
    words = parts[0].model_copy(update={"segments": tuple(segments), "speakers": speakers})
    return words, to_markdown(words, base="0" * 16, title="t")


@pytest.mark.parametrize(
    ("said", "at_s", "then"),
    [
        ("We went home.", 0.0, [("Bob", "We went home."), ("Ann", "It was late."), ("Speaker 2", "Was it?")]),
        ("It was late.", 3.0, [("Ann", "We went home."), ("Bob", "It was late."), ("Speaker 2", "Was it?")]),
        ("Was it?", 6.0, [("Ann", "We went home."), ("Ann", "It was late."), ("Bob", "Was it?")]),
    ],
)
def test_one_sentence_is_given_to_somebody_else(said: str, at_s: float, then: list[tuple[str, str]]) -> None:
    """The sentences before and after keep their speakers; no word changes."""
    words, markdown = talk()
    given_away = transcript_from_document(
        parse_markdown(reassign_sentence(markdown, words, said, "Bob", at_s=at_s)), words
    )
    assert [(given_away.speaker_name(s.speaker), s.text) for s in given_away.segments] == then
    assert given_away.words == words.words


def test_a_proposed_name_is_confirmed_once_for_all() -> None:
    """The front matter has the confirmed name; an unknown speaker is an error."""
    words, markdown = talk()
    named = transcript_from_document(parse_markdown(rename_speaker(markdown, "S1", "Zoë: née Q")), words)
    assert named.speaker_name("S1") == "Zoë: née Q"
    assert named.speaker_name("S0") == "Ann"
    with pytest.raises(CaptionError, match="by hand"):
        rename_speaker(markdown, "S7", "Bob")


def test_dropped_words_stay_listed_until_accepted(show: ShowFolder) -> None:
    """`review` lists a dropped word in every run, also with --json, until it is accepted."""
    context = context_of(show)
    folder = context.library.folder(SLUG)
    heard = folder.load_transcript()
    assert heard is not None
    word = DroppedWord(word=Word(text=" unspeakable", start_s=9.72, end_s=10.1))
    edits.replace_transcript(
        folder, heard.model_copy(update={"dropped": (word,)}), now=datetime(2026, 3, 3, tzinfo=UTC)
    )
    for _ in range(2):
        publish(show)
        found = json.loads(show.run("--json", "review", SLUG).stdout)["findings"]
        (item,) = [one for one in found if one["kind"] == "dropped"]
        assert (item["text"], item["start_s"], item["blocks"]) == ("unspeakable", 9.72, False)
    assert "[00:00:09" in show.run("review", SLUG).stdout
    assert "“unspeakable”: left out" in show.run("review", SLUG).stdout
    assert not [key for key in objects(show) if b"unspeakable" in store(show).get(key)[1]]
    (place,) = [i for i, one in enumerate(reviewed(show).items) if one.kind == "dropped"]
    walk(show, *["s"] * place, "f", "unspeakable", *["s"] * 9)  # it has no place to be fixed in
    walk(show, *["s"] * place, "a", *["s"] * 9)
    assert "unspeakable" not in show.run("review", SLUG).stdout
    context.transcriber = FixedTranscriber(heard.model_copy(update={"dropped": (word,)}))
    transcribe_episode(folder, folder.load_draft(), context)
    assert "unspeakable" not in show.run("review", SLUG).stdout
