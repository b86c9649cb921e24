"""Refuse words that were withdrawn, from whatever folder, feed or document they come."""

from collections.abc import Iterable, Iterator

from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.episodes.withdrawn_words import edited_words, find_withdrawn_words, withdrawn_places
from podcast_pipeline.errors import LeakError
from podcast_pipeline.model import Cut, Episode, EpisodeDraft, Transcript, Withdrawal
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.text.clock import format_short_clock
from podcast_pipeline.transcript.withdrawal.word_hashes import withdrawal_in


def check_folder(folder: EpisodeFolder, known: Episode | None, catalog: Catalog | None) -> None:
    """Raise LeakError when a folder's words have what was withdrawn, before they are merged with others.

    A merge would take the published words in their place, and leave what was withdrawn in the folder's files.
    """
    own = known.withdrawals if known else ()
    if not own:
        return
    check_recording(folder, own)
    at_s = find_withdrawn_words(folder, own)
    if at_s is not None:
        raise _withdrawn_at(folder.slug, at_s)
    words = edited_words(folder)
    if words is not None:
        _check_words(folder.slug, words, own, catalog)


def check_recording(folder: EpisodeFolder, withdrawals: Iterable[Withdrawal]) -> None:
    """Raise LeakError when another recording than the one that was silenced has withdrawn words.

    To take the words out of the folder would not help: the sound of them would be published.
    """
    at_s = find_withdrawn_words(folder, audible(withdrawals, folder.table.source_sha256))
    if at_s is not None:
        raise _audible_at(folder.slug, at_s)


def audible(withdrawals: Iterable[Withdrawal], source_sha256: str | None) -> tuple[Withdrawal, ...]:
    """Return the passages whose silence is in the master of another recording alone."""
    return tuple(w for w in withdrawals if w.muted and w.source_sha256 != source_sha256)


def check_draft(
    draft: EpisodeDraft, known: Episode | None, transcript: Transcript | None, catalog: Catalog | None
) -> None:
    """Raise LeakError when an episode's words or public texts have what was withdrawn.

    Args:
        transcript: the edited words, in recording times.
    """
    own = known.withdrawals if known else ()
    if transcript is not None:
        if places := withdrawn_places(transcript, audible(own, draft.source_sha256)):
            raise _audible_at(draft.slug, transcript.words[min(places)].start_s)
        _check_words(draft.slug, transcript, own, catalog)
    for name, text in _public_texts(draft):
        if found := _found_in(text, own, catalog):
            raise LeakError(draft.slug, f"{name} has words that were {_told(found)}; change it")


def check_published(episode: Episode, transcript: Transcript | None, catalog: Catalog) -> None:
    """Raise LeakError when what the catalog publishes of an episode has words that were withdrawn."""
    texts = [*episode.public_text, *([transcript.text] if transcript else [])]
    for text in texts:
        if found := _found_in(text, episode.withdrawals, catalog):
            raise LeakError(
                episode.slug,
                f"has words that were {_told(found)}; withdraw them again: `podcast withdraw {episode.slug}`",
            )


def withdrawn_in_episode(episode: Episode, catalog: Catalog | None) -> Withdrawal | None:
    """Return the withdrawal whose words an episode's public texts have, None without one."""
    found = (_found_in(text, episode.withdrawals, catalog) for text in episode.public_text)
    return next((withdrawal for withdrawal in found if withdrawal), None)


def muted_seconds(known: Episode | None, source_sha256: str | None) -> tuple[Cut, ...]:
    """Return the seconds of a recording that no master may contain, in order, overlapping ones joined."""
    withdrawals = known.withdrawals if known else ()
    cuts = [cut for w in withdrawals if w.source_sha256 == source_sha256 for cut in w.muted]
    joined: list[Cut] = []
    for cut in sorted(cuts, key=lambda cut: cut.start_s):
        if joined and cut.start_s <= joined[-1].end_s:
            end_s = max(joined[-1].end_s, cut.end_s)
            joined[-1] = Cut(start_s=joined[-1].start_s, end_s=end_s)
        else:
            joined.append(cut)
    return tuple(joined)


def _check_words(
    slug: str, transcript: Transcript, own: tuple[Withdrawal, ...], catalog: Catalog | None
) -> None:
    places = withdrawn_places(transcript, own)
    found = _found_in(transcript.text, own, catalog)
    if places:
        raise _withdrawn_at(slug, transcript.words[min(places)].start_s)
    if found:
        raise LeakError(
            slug,
            f"has words that were {_told(found)}; correct transcript.md: `podcast transcript diff {slug}`"
            " shows where it differs from what is published",
        )


def _withdrawn_at(slug: str, at_s: float) -> LeakError:
    return LeakError(
        slug,
        f"has words at {format_short_clock(at_s)} of the recording, where a passage was withdrawn and the"
        f" audio is silent; run `podcast withdraw {slug}` (--yes without a terminal) to take them out of this"
        " folder",
    )


def _audible_at(slug: str, at_s: float) -> LeakError:
    return LeakError(
        slug,
        f"has a withdrawn passage at {format_short_clock(at_s)} of its new recording, where it can be heard;"
        f" cut it out and give that recording: `podcast publish CUT --slug {slug} --replace`",
    )


def _found_in(text: str, own: Iterable[Withdrawal], catalog: Catalog | None) -> Withdrawal | None:
    tokens = normalized_words(text)
    return withdrawal_in(tokens, (*own, *_of_all(catalog)))


def _of_all(catalog: Catalog | None) -> Iterator[Withdrawal]:
    """Yield the passages of every episode that are long enough to be nobody else's words."""
    for episode in catalog.episodes if catalog else ():
        yield from (w for w in episode.withdrawals if w.kind == "passage" and w.words and not w.words.slow)


def _told(withdrawal: Withdrawal) -> str:
    return f"withdrawn on {withdrawal.withdrawn_at:%Y-%m-%d}"


def _public_texts(draft: EpisodeDraft) -> Iterator[tuple[str, str]]:
    yield "the title", draft.title
    yield "notes.md", draft.notes
    yield from (("a topic", topic) for topic in draft.topics)
    yield from (("a chapter's title", chapter.title) for chapter in draft.chapters)
    yield from (("a soundbite's title", bite.title or "") for bite in draft.soundbites)
