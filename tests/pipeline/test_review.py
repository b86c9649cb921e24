"""From a person's file to what subscribers get: corrections, the gate, accuracy, with real speech."""

import json
import re
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import tostring

import pytest
import typer

from podcast_pipeline.cli.commands import review as commands
from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.config import GlossaryTable, TermTable
from podcast_pipeline.errors import CaptionError, EpisodeError
from podcast_pipeline.model import ProgressCallback, Speaker, Transcript
from podcast_pipeline.pipeline.media import edited_transcript, load_or_transcribe, transcribe_episode
from podcast_pipeline.pipeline.review import add_to_glossary, load_review
from podcast_pipeline.transcript.edits import transcript_from_document
from podcast_pipeline.transcript.markdown import parse_markdown, to_markdown
from podcast_pipeline.transcript.markdown_edit import reassign_sentence, rename_speaker, replace_words
from podcast_pipeline.transcription import TranscriptionOptions
from tests.pipeline.test_publish import episode, items, objects, parts, store
from tests.support.show import MODEL, SLUG, House, copy_house
from tests.transcript.names.test_glossary import transcript_of

pytestmark = pytest.mark.xdist_group("house")

BLOCKING = {"PODCAST_REVIEW_UNKNOWN_NAMES": "block"}


@pytest.fixture(scope="module")
def told_by_nobody(published: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A show whose sample episode is out, its speakers left to a person; never change it, copy it."""
    house = copy_house(published, tmp_path_factory.mktemp("told") / "show")
    shutil.rmtree(house.bucket)
    for name in ("transcript.json", "transcript.md", "edits.json", "published.json"):
        (house.episode / name).unlink()
    path = house.folder / "show.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'(\[speakers\]\nengine = )"auto"', r'\1"off"', text), encoding="utf-8")
    assert 'engine = "off"' in path.read_text(encoding="utf-8")
    publish(house)
    return house


@pytest.fixture
def house(told_by_nobody: House, tmp_path: Path) -> House:
    """The same to change."""
    return copy_house(told_by_nobody, tmp_path / "show")


def edit(house: House, *changes: tuple[str, str]) -> None:
    path = house.episode / "transcript.md"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def publish(house: House, **environment: str) -> None:
    done = house.run("publish", SLUG, **environment)
    assert done.returncode == 0, done.stderr


def body(house: House, ending: str, version: int = -1) -> str:
    """Return the newest transcript file, or that of another version."""
    keys = episode(house).transcripts[version].file_keys
    return store(house).get(keys[ending])[1].decode()  # type: ignore[index]


def times(house: House, version: int = -1) -> dict[str, list[float]]:
    """Return the starts of every word of a version."""
    document = store(house).get(episode(house).transcripts[version].document_key)[1]
    found: dict[str, list[float]] = {}
    for word in Transcript.model_validate_json(document).words:
        found.setdefault(word.text.strip(), []).append(word.start_s)
    return found


HAND = (  # all that issue 4 names
    ("base: ", "note: Names and a passage were put right.\nbase: "),
    ("[00:00:00]", "**Ann Reader** [00:00:00]"),
    ("It was the age of wisdom.", "\n\n**Bob Guest**\n\nIt was the age of wisdom."),  # split
    ("And Mr. John", "\n\n**Ann Reader**\n\nAnd Mr. Jon"),
    ("It was the epoch of incredulity. ", ""),  # deleted
    ("Had he married", "A paragraph that nobody said.\n\nHad he married"),  # pasted
)


def test_every_kind_of_edit_reaches_the_captions(house: House) -> None:
    """Turns, deletions and a pasted paragraph are in the files; words left alone keep their times exactly."""
    before = times(house)
    edit(house, *HAND)
    publish(house)
    vtt, html, then = body(house, "vtt"), body(house, "html"), times(house)
    assert re.findall(r"<v ([^>]+)>", vtt)[:1] == ["Ann Reader"]
    assert "<v Bob Guest>It was the age of wisdom." in vtt
    assert "incredulity" not in vtt
    assert "A paragraph that nobody said." in html
    for word in ("best", "foolishness.", "Dashwood", "amiable", "superlative"):
        assert then[word] == before[word], word
    assert then["Jon"] == before["John"]
    cues = [float(m) * 60 + float(s) for m, s in re.findall(r"^(?:\d+:)?(\d\d):(\d\d\.\d{3}) -->", vtt, re.M)]
    assert cues == sorted(cues)


def test_joined_turns_have_one_voice(house: House) -> None:
    """A heading with the name of the turn before joins the two; a name typed in a heading is a speaker."""
    edit(house, *HAND)
    edit(house, ("**Bob Guest**", "**Ann Reader**"))
    publish(house)
    assert {s.name for s in words(house).speakers if spoken(house, s)} == {"Ann Reader"}


def words(house: House) -> Transcript:
    version = episode(house).transcript
    assert version is not None
    return Transcript.model_validate_json(store(house).get(version.document_key)[1])


def spoken(house: House, speaker: Speaker) -> bool:
    return any(segment.speaker == speaker.id for segment in words(house).segments)


def test_a_correction_is_a_new_version_with_a_note(house: House) -> None:
    """Same guid and audio; a dated note in the HTML; the old files stay; apps are sent to the new ones."""
    before, stored = episode(house), set(objects(house))
    (item,) = items(house)
    edit(house, ("base: ", "note: A name was spelled wrong.\nbase: "), ("John Dashwood", "Jon Dashwood"))
    publish(house)
    after = episode(house)
    assert [v.note for v in after.transcripts] == ["", "A name was spelled wrong."]
    assert (after.guid, after.enclosure) == (before.guid, before.enclosure)
    assert "A name was spelled wrong." in body(house, "html")
    assert stored <= set(objects(house))
    assert "John" in body(house, "txt", 0)
    assert [tostring(now) for now in items(house)] == [tostring(item)]


def test_a_correction_without_a_note_says_how_much(house: House) -> None:
    """A note is said once; without one the number of words is; nothing changed, nothing new."""
    edit(house, ("base: ", "note: A name.\nbase: "), ("John Dashwood", "Jon Dashwood"))
    publish(house)
    edit(house, ("best of times", "best of all times"))
    publish(house)
    publish(house)
    assert [v.note for v in episode(house).transcripts] == ["", "A name.", "One word was corrected."]


def test_edits_survive_another_model(house: House) -> None:
    """Heard again with base instead of tiny.en each edit is in the text, or is told with its time."""
    edit(house, *HAND)
    done = house.run("transcribe", SLUG, "--model", "base", "--output", str(house.folder / "out"))
    assert done.returncode == 0, done.stderr
    text = (house.episode / "transcript.md").read_text(encoding="utf-8")
    conflicts = json.loads((house.episode / "edits.json").read_text(encoding="utf-8"))["conflicts"]
    assert len(conflicts) == len(re.findall(r"no place at \[\d\d:\d\d:\d\d\]", done.stderr))
    lost = [c["edit"].get("written") or c["edit"].get("speaker") or "" for c in conflicts]
    for wanted in ("Jon Dashwood", "A paragraph that nobody said.", "**Bob Guest**", "note: Names"):
        assert wanted in text or any(wanted in written for written in lost), wanted
    assert "incredulity" not in text
    publish(house)
    assert "incredulity" not in body(house, "txt")


def test_the_files_of_a_new_transcription_have_the_edits(house: House) -> None:
    """What `transcribe SLUG` gives out is what a person edited, before any publication of it."""
    edit(house, ("John Dashwood", "Jon Dashwood"))
    done = house.run("transcribe", SLUG, "--format", "txt", "--output", str(house.folder))
    assert done.returncode == 0, done.stderr
    assert "Jon Dashwood" in (house.folder / f"{SLUG}.txt").read_text(encoding="utf-8")


def test_the_changes_are_shown(house: House) -> None:
    """Against the folder, and between versions."""
    edit(house, ("John Dashwood", "Jon Dashwood"))
    line = "[-John-]{+Jon+}"
    assert line in house.run("transcript", "diff", SLUG).stdout
    publish(house)
    assert "no difference" in house.run("transcript", "diff", SLUG).stdout
    assert line in house.run("transcript", "diff", SLUG, "--from", "1", "--to", "2").stdout
    assert "no version 7" in house.run("transcript", "diff", SLUG, "--from", "7").stderr


def test_the_list_says_where_to_listen(house: House) -> None:
    """Each finding has a time, a reason, a command and a link; with --json everything."""
    done = house.run("review", SLUG)
    assert done.returncode == 0
    assert "“Dashwood”: not among the guests" in done.stdout
    assert "ffplay -autoexit -nodisp -ss 8.7 " in done.stdout
    (found,) = json.loads(house.run("--json", "review", SLUG).stdout)["findings"]
    assert found["link"].endswith(f"/episodes/{SLUG}#t=9.72")
    assert (found["kind"], found["blocks"]) == ("unknown_names", False)


def test_a_closed_gate_keeps_it_from_publication(house: House) -> None:
    """Where names block, review and publish leave with 3 and store nothing, until it is accepted."""
    before = objects(house)
    edit(house, ("best of times", "best of all times"))
    assert house.run("review", SLUG, **BLOCKING).returncode == 3
    refused = house.run("publish", SLUG, **BLOCKING)
    assert refused.returncode == 3
    assert refused.stderr.count("\n") == 1
    assert f"podcast review {SLUG}" in refused.stderr
    assert house.run("publish", SLUG, SLUG, **BLOCKING).returncode == 3  # one of several is held no otherwise
    assert house.run("publish", SLUG, "nobody-there", **BLOCKING).returncode == 1  # not by the gate alone
    assert objects(house) == before
    walk(house, "a")
    assert house.run("review", SLUG, **BLOCKING).returncode == 0
    publish(house, **BLOCKING)


def walk(house: House, *answers: str) -> None:
    """Go through the review as at a terminal, with these answers."""
    session = CliSession(house.folder, Output(quiet=True))
    given = iter(answers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer, "prompt", lambda *_, **__: next(given))
        commands._walk(session, load_review(SLUG, parts(house)), None)


def test_a_finding_is_corrected_from_the_prompt(house: House) -> None:
    """What is typed stands in transcript.md, everything else of it as it was."""
    path = house.episode / "transcript.md"
    edit(house, ("It was the best", "<!-- mine -->\nIt was the best"))
    before = path.read_text(encoding="utf-8")
    walk(house, "f", "Dashwoode")
    assert path.read_text(encoding="utf-8") == before.replace("Dashwood", "Dashwoode")
    publish(house)
    assert "Dashwoode" in body(house, "txt")


def test_without_words_there_is_nothing_to_review(house: House) -> None:
    """The line names the command that makes them."""
    (house.episode / "transcript.json").unlink()
    with pytest.raises(EpisodeError, match=f"podcast transcribe {SLUG}"):
        load_review(SLUG, parts(house))


class Ear:
    """A transcriber that remembers what it was told and hears what was heard before."""

    def __init__(self, heard_before: Transcript) -> None:
        self.heard_before, self.told = heard_before, list[TranscriptionOptions]()

    def transcribe(
        self,
        recording: Path,  # noqa: ARG002
        *,
        options: TranscriptionOptions,
        report: ProgressCallback,  # noqa: ARG002
    ) -> Transcript:
        """Return the same words."""
        self.told.append(options)
        return self.heard_before


def test_a_changed_glossary_hears_nothing_again(house: House) -> None:
    """Before publication too it only runs the second pass; `transcribe` tells the engine the new names."""
    built = parts(house)
    draft, before = built.library.load_draft(SLUG), built.library.transcript(SLUG)
    assert before is not None
    ear = Ear(before)
    names = GlossaryTable(terms=("Jon Dashwoode",))
    changed = replace(
        built, config=built.config.model_copy(update={"glossary": names}), transcriber=lambda: ear
    )
    assert (again := load_or_transcribe(draft, None, changed)) is not None
    assert again.segments == before.segments
    assert ear.told == []
    assert "Dashwoode" in edited_transcript(draft, before, None, changed).transcript.text
    transcribe_episode(draft, changed)
    (options,) = ear.told
    assert options.names[:3] == ("Alex Marlowe", "Robin Ashdown", "Jon Dashwoode")
    assert before.receipt is not None
    assert before.receipt.options["names"] == ", ".join(options.names).replace("Jon Dashwoode, ", "")


def test_corrected_names_are_offered_to_the_glossary(house: House) -> None:
    """--learn lists them, --yes writes them into show.toml; comments stay."""
    edit(house, ("Dashwood", "Dashwoode"))
    path = house.folder / "show.toml"
    before = path.read_text(encoding="utf-8")
    assert "could learn: Dashwoode (heard as Dashwood)" in house.run("review", SLUG, "--learn").stdout
    assert path.read_text(encoding="utf-8") == before
    assert house.run("review", SLUG, "--learn", "--yes").returncode == 0
    after = path.read_text(encoding="utf-8")
    assert tomllib.loads(after)["glossary"]["terms"] == [{"name": "Dashwoode", "sounds_like": ["Dashwood"]}]
    assert before.strip() in after
    assert "nothing to learn" in house.run("review", SLUG, "--learn").stdout


def test_names_join_those_that_are_there(house: House) -> None:
    """An existing list keeps its comments."""
    path = house.folder / "show.toml"
    path.write_text(path.read_text(encoding="utf-8") + '\n[glossary]\nterms = [\n  "Ann", # ours\n]\n')
    add_to_glossary(parts(house).config, (TermTable(name="Bob"), TermTable(name="Cy", sounds_like=("sigh",))))
    after = path.read_text(encoding="utf-8")
    assert tomllib.loads(after)["glossary"]["terms"] == [
        "Ann",
        "Bob",
        {"name": "Cy", "sounds_like": ["sigh"]},
    ]
    assert '"Ann", # ours' in after


def test_accuracy_is_measured_from_corrected_stretches(house: House) -> None:
    """A drawn file, one word corrected and its box ticked, gives the error and its interval, and a trend."""
    path = house.episode / "accuracy.md"
    for _ in range(2):
        assert "tick the box" in house.run("review", SLUG, "--sample", "30s").stdout
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text.replace('[ ]', '[x]').rstrip().rpartition(' ')[0]} otherwise\n", encoding="utf-8")
    done = json.loads(house.run("--json", "review", SLUG, "--sample", "30s").stdout)
    receipt = done["receipt"]
    assert receipt["wer"]["value"] == pytest.approx(1 / receipt["words"], abs=1e-4)
    assert receipt["wer"]["low"] <= receipt["wer"]["value"] <= receipt["wer"]["high"]
    assert receipt["model"] == MODEL
    assert [r["slug"] for r in json.loads((house.folder / "accuracy.json").read_text())["receipts"]] == [SLUG]
    assert not path.exists()
    assert house.run("review", SLUG, "--sample", "soon").returncode == 2


@pytest.mark.parametrize(
    ("name", "damage", "line"),
    [
        ("accuracy.md", b"\xff\xfe[x]", "accuracy.md is not UTF-8"),
        ("accuracy.md", b"[x] done\nno front matter", "accuracy.md line "),
        ("../../accuracy.json", b"{", "put it back from git"),
    ],
)
def test_a_damaged_sample_is_one_line(house: House, name: str, damage: bytes, line: str) -> None:
    """The line names the file and says what to do; nothing is measured."""
    sample = house.episode / "accuracy.md"
    house.run("review", SLUG, "--sample", "30s")
    sample.write_text(sample.read_text(encoding="utf-8").replace("[ ]", "[x]"), encoding="utf-8")
    (house.episode / name).write_bytes(damage)
    refused = house.run("review", SLUG, "--sample", "30s")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert line in refused.stderr
    assert sample.exists()


SAID = transcript_of("Ann said that Ann came in 15 days, and *Ann* left in 15 days")
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
    """The place is found by its time, all else stays, titles and front matter too."""
    body = SAVED.splitlines()[-1]
    assert replace_words(SAVED, SAID, old, new, at_s=at_s) == SAVED.replace(body, then)


def test_a_place_that_is_not_sure_is_left_to_a_person() -> None:
    """Where the file says it more often than the words, nothing is changed."""
    with pytest.raises(CaptionError, match="by hand"):
        replace_words(SAVED + "\nAnn again\n", SAID, "Ann", "Anne")
    with pytest.raises(CaptionError, match="by hand"):
        replace_words(SAVED, SAID, "15", "50", at_s=0.1)


def talk() -> tuple[Transcript, str]:
    """Return a talk of two voices, two sentences in the first turn, and its document."""
    parts = [transcript_of(text) for text in ("We went home.", "It was late.", "Was it?")]
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
    """Who went on before and after still does; no word changes."""
    words, markdown = talk()
    given_away = transcript_from_document(
        parse_markdown(reassign_sentence(markdown, words, said, "Bob", at_s=at_s)), words
    )
    assert [(given_away.speaker_name(s.speaker), s.text) for s in given_away.segments] == then
    assert given_away.words == words.words


def test_a_proposed_name_is_confirmed_once_for_all() -> None:
    """The line of the front matter has it; a speaker who is not there is an error."""
    words, markdown = talk()
    named = transcript_from_document(parse_markdown(rename_speaker(markdown, "S1", "Zoë: née Q")), words)
    assert named.speaker_name("S1") == "Zoë: née Q"
    assert named.speaker_name("S0") == "Ann"
    with pytest.raises(CaptionError, match="by hand"):
        rename_speaker(markdown, "S7", "Bob")
