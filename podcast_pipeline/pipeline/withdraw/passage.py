"""Plan the withdrawal of a passage: where it is in each version, and in the audio. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from podcast_pipeline.errors import AlreadyWithdrawn, ConfigError, EpisodeError, NothingToWithdraw
from podcast_pipeline.model import Episode, MediaSpan, Transcript
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline.withdraw.plan import PublishedWords, Selection, WithdrawalPlan
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.text.clock import format_short_clock
from podcast_pipeline.transcript.timeline import recording_spans
from podcast_pipeline.transcript.withdrawal.passages import (
    TokenIndex,
    find_quote,
    has_same_times,
    parse_quote,
    places_of,
    span_of,
    tokens_at,
    without_words,
    words_in_span,
)
from podcast_pipeline.transcript.withdrawal.word_hashes import (
    hash_passage,
    shared_places,
    shared_run,
    withdrawal_in,
)

PLACES_SHOWN = 5
END_TOLERANCE_S = 1.0  # a player shows whole seconds


@dataclass(frozen=True)
class LocatedPassage:
    """A passage in the version that it was found in.

    Attributes:
        transcript: the newest words that have it; None where the audio has it and no words.
        tokens: normalised.
        quoted: version -> the places of its words that the quote means.
    """

    span: MediaSpan
    transcript: Transcript | None = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)
    quoted: Mapping[int, frozenset[int]] = field(default_factory=dict)


def plan_passage(
    published: PublishedWords,
    catalog: Catalog,
    selection: Selection,
    *,
    salt: str,
    public_reason: str = "",
) -> WithdrawalPlan:
    """Plan to withdraw a passage from every version that holds it, and from the audio.

    Raises:
        ConfigError: the public reason has words of the passage.
        EpisodeError: the quote means several places, the times are not in the audio, or a title, the notes or
            another public text has the words.
        NothingToWithdraw: no version has the passage.
    """
    episode = published.episode
    passage = _locate(published, selection)
    _check_public_text(passage.tokens, episode, catalog, public_reason)
    places = {n: _places(passage, n, words) for n, words in published.transcripts.items()}
    noted = {n for n, words in published.transcripts.items() if _notes_have(words, passage.tokens)}
    holding = tuple(number for number, found in places.items() if found or number in noted)
    newest = published.newest
    span = passage.span if newest is None or passage.transcript in (None, newest) else None
    if span is None and newest and passage.transcript and has_same_times(passage.transcript, newest):
        span = passage.span
    has_audio = span is not None and episode.enclosure.key is not None
    rest = None
    if newest is not None and episode.transcript and (has_audio or episode.transcript.version in holding):
        rest = without_words(newest, places[episode.transcript.version])
    remaining = TokenIndex.of(rest or newest).tokens if newest else ()
    return WithdrawalPlan(
        known=episode,
        kind="passage",
        versions=holding,
        rest=rest,
        span=span if has_audio else None,
        muted=recording_spans(span, episode.timeline) if span and has_audio else (),
        words=hash_passage(passage.tokens, elsewhere=remaining, salt=salt),
        hidden_notes=frozenset(
            version.version
            for version in episode.transcripts
            if shared_run(normalized_words(version.note), passage.tokens)
        ),
        public_reason=public_reason,
        tokens=passage.tokens,
        remarks=tuple(_remarks(passage, episode, holding, rest, span=span)),
    )


def _locate(published: PublishedWords, selection: Selection) -> LocatedPassage:
    if selection.quote is not None:
        return _locate_quote(published, selection.quote)
    assert selection.span is not None
    return _locate_span(published, selection.span)


def _locate_quote(published: PublishedWords, quote: str) -> LocatedPassage:
    """Return the passage in the newest version that has it."""
    slug = published.episode.slug
    quoted: dict[int, frozenset[int]] = {}
    for number, transcript in published.transcripts.items():
        found = find_quote(transcript, quote)
        if len(found) > 1:
            times = [format_short_clock(transcript.words[p.start].start_s) for p in found[:PLACES_SHOWN]]
            message = (
                f"version {number} has these words at {len(found)} places ({', '.join(times)}); quote more of"
                " them, or give the times by --from and --to, one place after the other"
            )
            raise EpisodeError(slug, message)
        if found:
            quoted[number] = places_of(found[0])
    if not quoted:
        raise _not_found(published.episode, quote)
    newest = max(quoted)
    transcript = published.transcripts[newest]
    (passage,) = find_quote(transcript, quote)
    tokens = tuple(tokens_at(transcript, quoted[newest]))
    return LocatedPassage(span_of(transcript, passage), transcript, tokens, quoted)


def _not_found(episode: Episode, quote: str) -> NothingToWithdraw:
    """Return the error for a quote that is nowhere; it may have been withdrawn by a run that was killed."""
    first, last = parse_quote(quote)
    if not last and (done := withdrawal_in(first, episode.withdrawals)):
        return AlreadyWithdrawn(episode.slug, f"these words were withdrawn on {done.withdrawn_at:%Y-%m-%d}")
    passages = [w for w in episode.withdrawals if w.kind == "passage"]
    hint = f"; a passage was withdrawn on {passages[-1].withdrawn_at:%Y-%m-%d}" if passages else ""
    return NothingToWithdraw(
        episode.slug, f"has these words in no published version; quote them as readers see them{hint}"
    )


def _locate_span(published: PublishedWords, span: MediaSpan) -> LocatedPassage:
    """Return the passage at some seconds, with the words of the newest version that has words there."""
    episode, newest = published.episode, published.newest
    if max(span.start_s, span.end_s - END_TOLERANCE_S) >= episode.enclosure.duration_s:
        end = format_short_clock(episode.enclosure.duration_s)
        raise EpisodeError(episode.slug, f"the audio ends at {end}; give times of the published audio")
    if any(
        w.span and w.span.start_s <= span.start_s and span.end_s <= w.span.end_s for w in episode.withdrawals
    ):
        raise AlreadyWithdrawn(episode.slug, "these seconds were withdrawn already")
    comparable = [t for t in published.transcripts.values() if newest and has_same_times(t, newest)]
    for transcript in reversed(comparable):
        if places := words_in_span(transcript, span):
            return LocatedPassage(span, transcript, tuple(tokens_at(transcript, places)))
    return LocatedPassage(span, newest, ())


def _places(passage: LocatedPassage, number: int, transcript: Transcript) -> frozenset[int]:
    """Return the places of the passage's words in a version: quoted, at its times, or the same words."""
    quoted = passage.quoted.get(number, frozenset())
    if passage.transcript and has_same_times(passage.transcript, transcript):
        return quoted | words_in_span(transcript, passage.span)
    index = TokenIndex.of(transcript)
    found = (index.places[token] for token in shared_places(index.tokens, passage.tokens))
    return quoted | frozenset(place for first, last in found for place in range(first, last + 1))


def _notes_have(transcript: Transcript, tokens: Sequence[str]) -> bool:
    """Tell whether the document of a version quotes the passage in a note on an earlier correction."""
    notes = (normalized_words(correction.note) for correction in transcript.corrections)
    return any(shared_run(note, tokens) for note in notes)


def _check_public_text(tokens: Sequence[str], episode: Episode, catalog: Catalog, public_reason: str) -> None:
    """Refuse a passage of which a text has words that the producer wrote for everybody, and name the text."""
    if shared_run(normalized_words(public_reason), tokens):
        raise ConfigError("--public-reason", "has words of the passage; readers would see them")
    found = [
        name for name, text in _public_texts(episode, catalog) if shared_run(normalized_words(text), tokens)
    ]
    if found:
        raise EpisodeError(
            episode.slug,
            f"the words are public in {', '.join(found)}; change that, publish it, and withdraw then",
        )


def _public_texts(episode: Episode, catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of every public text but the teaser, which follows from the words."""
    yield "the show's description", f"{catalog.show.title}. {catalog.show.description}"
    for one in catalog.episodes:
        of = "" if one.id == episode.id else f" of {one.slug}"
        yield f"the title{of} (episode.toml)", one.title
        yield f"the notes{of} (notes.md)", one.notes
        for kind, marks in (("chapter", one.chapters), ("soundbite", one.soundbites)):
            for mark in marks:
                yield f"the {kind} “{mark.title}”{of} (episode.toml)", mark.title or ""
        yield from ((f"the topic “{topic}”{of} (episode.toml)", topic) for topic in one.topics)
        if one.original:
            yield f"the old feed's item{of}", f"{one.original.description} {one.original.content}"


def _remarks(
    passage: LocatedPassage,
    episode: Episode,
    holding: Iterable[int],
    rest: Transcript | None,
    *,
    span: MediaSpan | None,
) -> Iterator[str]:
    held = [str(number) for number in holding]
    count = len(passage.tokens)
    when = f"{format_short_clock(passage.span.start_s)} to {format_short_clock(passage.span.end_s)}"
    where = f", in version{'s' if len(held) > 1 else ''} {', '.join(held)}" if held else ""
    yield f"{count} {'word' if count == 1 else 'words'} from {when}{where}"
    if rest is not None:
        yield f"the transcript is published anew as version {len(episode.transcripts) + 1}"
        if shared_run(TokenIndex.of(rest).tokens, passage.tokens):
            times = _times_of(passage.tokens, rest)
            yield f"words of it also stand at {times} and stay there; withdraw these by --from and --to too"
    if episode.enclosure.key is None:
        yield f"the audio is at another host, where it stays as it is: {episode.enclosure.external_url}"
    elif span is None:
        yield "the audio stays as it is: the words are of an earlier recording; --from and --to silence it"
    else:
        yield "these seconds of the audio become silence; listen to their edges, word times are not exact"
        if episode.state == "published":
            yield "apps download the episode again"


def _times_of(tokens: Sequence[str], transcript: Transcript) -> str:
    index, words = TokenIndex.of(transcript), transcript.words
    found = {index.places[place][0] for place in shared_places(index.tokens, tokens)}
    starts = sorted(place for place in found if place - 1 not in found)
    return ", ".join(format_short_clock(words[place].start_s) for place in starts[:PLACES_SHOWN])
