"""Withdrawn words are refused wherever they come from, and only they."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from podcast_pipeline.errors import LeakError
from podcast_pipeline.model import (
    Chapter,
    Cut,
    Enclosure,
    Episode,
    EpisodeDraft,
    Receipt,
    Show,
    Transcript,
    Withdrawal,
)
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline.withdraw.checks import (
    check_draft,
    check_published,
    muted_seconds,
    withdrawn_in_episode,
)
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.withdrawal.word_hashes import hash_passage, hash_whole
from tests.support.site import Site
from tests.support.transcripts import spoken

AT = datetime(2026, 11, 30, tzinfo=UTC)
SALT = "0" * 32
LONG = "the minister took the money in the back of his car"
SHORT = "not my minister"
SOURCE = "1" * 64


def withdrawal(words: str, **fields: object) -> Withdrawal:
    """Return the withdrawal of a passage."""
    hashes = hash_passage(normalized_words(words), elsewhere=(), salt=SALT)
    return Withdrawal.model_validate(
        {"kind": "passage", "withdrawn_at": AT, "words": hashes, "source_sha256": SOURCE, **fields}
    )


def episode(number: int = 1, *withdrawals: Withdrawal, **fields: object) -> Episode:
    """Return a published episode."""
    return Episode.model_validate(
        {
            "id": UUID(int=number),
            "guid": str(number),
            "slug": f"episode-{number}",
            "title": "A title",
            "language": "en",
            "state": "published",
            "publish_at": AT,
            "content_changed_at": AT,
            "enclosure": Enclosure(key="public/audio/a.mp3", size_bytes=1, type="audio/mpeg", duration_s=9),
            "withdrawals": withdrawals,
            **fields,
        }
    )


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Show:
    """A show."""
    site = Site.make(tmp_path_factory.mktemp("show"))
    site.close()
    return site.catalog.show


def draft_of(known: Episode, **fields: object) -> EpisodeDraft:
    """Return the draft of an episode with other fields."""
    names = EpisodeDraft.model_fields
    return EpisodeDraft.model_validate({**{n: getattr(known, n) for n in names}, **fields})


def words_of(text: str, *, source: str = SOURCE) -> Transcript:
    """Return a transcript of a recording."""
    receipt = Receipt(engine="e", engine_version="1", model="m", weights_sha256="0" * 64, audio_sha256=source)
    return spoken((None, text)).model_copy(update={"receipt": receipt})


def refused(known: Episode, show: Show, transcript: Transcript | None = None, **fields: Any) -> bool:
    """Tell whether a publication of a draft is refused."""
    catalog = Catalog(
        show=show, episodes=(known, episode(2, withdrawal(LONG), withdrawal("odd short words")))
    )
    try:
        check_draft(draft_of(known, **fields), known, transcript, catalog)
    except LeakError:
        return True
    return False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"So {LONG} and more", True),  # of another episode
        ("so odd short words here", False),  # too short to be another's
        (f"That is {SHORT} he said", True),  # of this one
        ("not my cup of tea and nothing else", False),
    ],
)
def test_words_of_a_folder(show: Show, text: str, *, expected: bool) -> None:
    """Long passages of any episode are refused, short ones in their own."""
    assert refused(episode(1, withdrawal(SHORT)), show, words_of(text)) == expected


@pytest.mark.parametrize(
    "fields",
    [{"title": f"He said: {LONG}"}, {"notes": f"*{LONG}*"}, {"topics": (LONG,)}, {"chapters": (LONG,)}],
)
def test_public_text_of_a_folder(show: Show, fields: dict[str, Any]) -> None:
    """Title, notes, topics and chapters are looked at, too."""
    if "chapters" in fields:
        fields = {"chapters": (Chapter(start_s=0, title=LONG),)}
    assert refused(episode(), show, **fields)
    assert not refused(episode(), show)


@pytest.mark.parametrize(("source", "said"), [(SOURCE, "the audio is silent"), ("2" * 64, "can be heard")])
def test_withdrawn_words_of_another_recording_can_be_heard(show: Show, source: str, said: str) -> None:
    """Only the recording that was silenced is silent there; of another one the passage has to be cut out."""
    known = episode(1, withdrawal(SHORT, muted=(Cut(start_s=8, end_s=9),)))
    words = words_of(f"That is {SHORT} he said", source=source)
    with pytest.raises(LeakError, match=f"at 0:01 of .*{said}"):
        check_draft(
            draft_of(known, source_sha256=source), known, words, Catalog(show=show, episodes=(known,))
        )


def test_words_in_the_silent_seconds(show: Show) -> None:
    """Whatever is said to be spoken where the recording was silenced is refused, in that recording only."""
    known = episode(1, withdrawal("one", muted=(Cut(start_s=0.5, end_s=1.0),)))
    assert known.withdrawals[0].words is None
    assert refused(known, show, words_of("something else altogether"))
    assert not refused(known, show, words_of("something else altogether", source="2" * 64))


def test_a_withdrawn_version_as_a_whole(show: Show) -> None:
    """The same words are refused, a correction of them is not."""
    whole = hash_whole(normalized_words("all of it was wrong from the start to the end"), salt=SALT)
    known = episode(1, Withdrawal(kind="version", withdrawn_at=AT, versions=(1,), words=whole))
    assert refused(known, show, words_of("All of it was wrong, from the start to the end."))
    assert not refused(known, show, words_of("All of it was right, from the start to the end."))


def test_documents_and_items(show: Show) -> None:
    """`rebuild` refuses a document that came back, and an import leaves out an item with the words."""
    gone, back = episode(1, withdrawal(LONG)), episode(2, notes=LONG)
    catalog = Catalog(show=show, episodes=(gone,))
    with pytest.raises(LeakError, match="withdrawn on 2026-11-30"):
        check_published(gone, words_of(LONG), catalog)
    check_published(gone, words_of("nothing of it"), catalog)
    assert withdrawn_in_episode(back, catalog) == gone.withdrawals[0]
    assert withdrawn_in_episode(episode(3), catalog) is None


def test_silent_seconds_of_a_recording() -> None:
    """Those of all withdrawals of this recording, in order and without overlaps."""
    cuts = [(5.0, 6.0), (1.0, 2.0), (1.5, 3.0)]
    known = episode(
        1,
        *(withdrawal("a b", muted=(Cut(start_s=a, end_s=b),)) for a, b in cuts),
        withdrawal("c d", muted=(Cut(start_s=8, end_s=9),), source_sha256="2" * 64),
    )
    assert muted_seconds(known, SOURCE) == (Cut(start_s=1.0, end_s=3.0), Cut(start_s=5.0, end_s=6.0))
    assert muted_seconds(None, SOURCE) == ()
