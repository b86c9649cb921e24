"""When the files of a transcript are rendered anew."""

from datetime import UTC, datetime

from podcast_pipeline.model import Episode, Transcript, TranscriptVersion
from podcast_pipeline.pipeline.transcript_files import TranscriptFiles
from tests.support.golden import ordinary_catalog
from tests.support.transcripts import spoken

AT = datetime(2026, 3, 9, 12, tzinfo=UTC)
WORDS = spoken(("a", "Good evening."), names={"a": "Ann"})
SHOW = ordinary_catalog().show
FILES = TranscriptFiles(SHOW, UTC)


def published(title: str = "One") -> Episode:
    """Return an episode with two versions of an earlier release, which had no Word file."""
    versions = tuple(
        TranscriptVersion(
            version=number,
            document_key=f"private/documents/one.{number:016}.json",
            file_keys={"txt": f"private/transcripts/one.{number:016}.txt"},
            language="en",
            word_count=2,
            published_at=AT,
        )
        for number in (1, 2)
    )
    episode = ordinary_catalog().episodes[0]
    return episode.model_copy(update={"title": title, "transcripts": versions})


def texts(episode: Episode, known: Episode | None, words: Transcript | None) -> list[str]:
    """Return the plain text file, if one is rendered."""
    _, files = FILES.add_to_newest(episode, known, words)
    return [
        file.body.decode() for file in files if isinstance(file.body, bytes) and file.key.endswith(".txt")
    ]


def test_an_upgrade_renders_nothing() -> None:
    """A file of an earlier release stays as it is while nothing has changed that it would say."""
    assert FILES.add_to_newest(published(), published(), WORDS) == (published(), ())
    notes = published().model_copy(update={"notes": "Other notes."})
    assert FILES.add_to_newest(notes, published(), WORDS) == (notes, ())


def test_without_words_there_are_no_files() -> None:
    """An episode whose words nobody has read is left alone, and so is one without any."""
    assert texts(published("Two"), published(), None) == []
    assert texts(published().model_copy(update={"transcripts": ()}), None, None) == []


def test_a_new_title_renders_the_newest_version() -> None:
    """The newest version has every format, Word too, and the old one is as it was."""
    episode, files = FILES.add_to_newest(published("Two"), published(), WORDS)
    old, new = episode.transcripts
    assert old == published().transcripts[0]
    assert set(new.files) == {"vtt", "srt", "json", "html", "txt", "docx"}
    assert set(new.files.values()) == {file.key for file in files}
    assert new.word_key == new.files["docx"]
    assert texts(published("Two"), published(), WORDS)[0].startswith("Two\n\nShow: ")


def test_any_version_can_be_rendered() -> None:
    """A withdrawal renders old versions too: their title page may have an old title."""
    first = published("Two").transcripts[0]
    episode, _ = FILES.add_to(published("Two"), first, WORDS)
    assert episode.transcripts[0].document_key == first.document_key
    assert episode.transcripts[0].files != first.files
    assert episode.transcripts[1] == published().transcripts[1]
