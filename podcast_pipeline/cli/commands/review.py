"""`podcast review` and `podcast transcript diff`: check doubtful passages, compare versions."""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.arguments import SlugArgument
from podcast_pipeline.cli.commands import typed
from podcast_pipeline.cli.exit_codes import PROBLEMS
from podcast_pipeline.cli.output import format_count
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import ConfigError, PodcastError

if TYPE_CHECKING:
    from pathlib import Path

    from podcast_pipeline.model import Episode, ErrorRate
    from podcast_pipeline.pipeline.words.review import EpisodeReview
    from podcast_pipeline.transcript.accuracy import AccuracyReceipt
    from podcast_pipeline.transcript.edits import EditConflict
    from podcast_pipeline.transcript.markdown import MarkdownTranscript
    from podcast_pipeline.transcript.review import ReviewItem

CHOICES = {word: word[0] for name in ("accept", "fix", "play", "skip", "quit") for word in (name, name[0])}
DURATION = re.compile(r"(\d+)(s|m)")

transcript = typer.Typer(no_args_is_help=True, help="Import a typed transcript, compare versions.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(review)
    typed.register(transcript)
    app.add_typer(transcript, name="transcript")


def review(
    context: typer.Context,
    slug: SlugArgument,
    learn: Annotated[
        bool, typer.Option("--learn", help="Offer corrected names for the glossary in show.toml.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --learn: add all names without asking.")] = False,
    sample: Annotated[
        str | None,
        typer.Option(
            help="Draw passages of this length (2m, 90s) to correct, or measure the corrected ones."
        ),
    ] = None,
) -> None:
    """List doubtful passages, worst first; on a terminal accept or correct each; exit 3 while one blocks."""
    from podcast_pipeline.pipeline.words.accuracy import sample_accuracy
    from podcast_pipeline.pipeline.words.review import load_review

    session: CliSession = context.obj
    with session.library.open(slug) as folder:
        episode_review = load_review(folder, session.context)
        if sample is not None:
            _measure(session, sample_accuracy(episode_review, session.context, sample_s=_seconds(sample)))
        elif learn:
            _learn(session, episode_review, yes=yes)
        else:
            _review(session, episode_review)


def _review(session: CliSession, episode_review: "EpisodeReview") -> None:
    from podcast_pipeline.pipeline.recordings import noted_findings
    from podcast_pipeline.pipeline.words.review import load_review
    from podcast_pipeline.transcript.review import blocking_items

    slug = episode_review.draft.slug
    published = _published_episode(session, slug)
    is_interactive = sys.stdin.isatty() and sys.stdout.isatty() and not session.output.as_json
    if is_interactive:
        _review_interactively(session, episode_review, published)
        episode_review = load_review(episode_review.episode_text.folder, session.context)
    blocking = blocking_items(episode_review.items, session.config.review)
    findings = [_facts(session, item, episode_review, published) for item in episode_review.items]
    fixes = episode_review.edited.edits.fixes
    recording = noted_findings(episode_review.episode_text.folder) or ()
    said = [f"the recording {finding.message}" for finding in recording]
    if not episode_review.edited.transcript.words:
        said.append("no speech was found; the transcript is empty")
    session.output.result(
        {
            "slug": slug,
            "blocking": len(blocking),
            "recording": [finding.model_dump() for finding in recording],
            "findings": findings,
            "fixes": [fix.model_dump() for fix in fixes],
        },
        [
            *said,
            *(line for facts in findings if not is_interactive for line in _lines(facts)),
            *(f"corrected: “{fix.before}” is “{fix.after}” at {fix.start_s:.1f} s" for fix in fixes),
            f"{len(findings)} passages to check, {len(blocking)} of them block publication",
        ],
    )
    if blocking:
        raise typer.Exit(PROBLEMS)


def _facts(
    session: CliSession, item: "ReviewItem", episode_review: "EpisodeReview", published: "Episode | None"
) -> dict[str, object]:
    from podcast_pipeline.audio.player import play_line

    at_s = published.timeline.to_media(item.start_s) if published else None
    page = session.config.to_show(artwork_key=None).episode_url(episode_review.draft.slug)
    return {
        **asdict(item),
        "quoted": item.quoted,
        "key": item.key,
        "blocks": getattr(session.config.review, item.kind) == "block",
        "play": play_line(episode_review.episode_text.folder.source, item.start_s, item.end_s),
        "link": f"{page}#t={at_s}" if at_s is not None else None,
    }


def _lines(facts: dict[str, object]) -> Iterator[str]:
    from podcast_pipeline.transcript.text.clock import format_clock

    times = f", {facts['times']} times" if facts["times"] != 1 else ""
    blocks = " (blocks)" if facts["blocks"] else ""
    at = format_clock(float(str(facts["start_s"])))
    yield f"[{at}] {facts['quoted']}{times}: {facts['reason']}{blocks}"
    if facts["suggestion"]:
        yield f"    perhaps: {facts['suggestion']}"
    if facts["context"] != facts["text"]:
        yield f"    … {facts['context']} …"
    if facts["play"]:
        yield f"    {facts['play']}"
    if facts["link"]:
        yield f"    {facts['link']}"


def _review_interactively(
    session: CliSession, episode_review: "EpisodeReview", published: "Episode | None"
) -> None:
    """Ask a person about each item; each answer is written at once."""
    from podcast_pipeline.pipeline.words.review import accept_item, correct_item, load_review

    for number, item in enumerate(episode_review.items, start=1):
        facts = {**_facts(session, item, episode_review, published), "play": None}
        for line in _lines(facts):
            typer.echo(line)
        question = f"{number} of {len(episode_review.items)}: play, accept, fix, skip or quit (p/a/f/s/q)"
        while (answer := _choice(question)) == "p":
            _play(session, item, episode_review)
        if answer == "q":
            return
        current = load_review(episode_review.episode_text.folder, session.context)
        if answer == "a":
            accept_item(item, current, session.config)
        elif answer == "f":
            try:
                correct_item(item, _ask_correction(item), current)
            except PodcastError as error:
                session.output.warn(str(error))


def _play(session: CliSession, item: "ReviewItem", episode_review: "EpisodeReview") -> None:
    from podcast_pipeline.audio.player import play

    source = episode_review.episode_text.folder.source
    try:
        play(source, item.start_s, item.end_s, ffmpeg=session.context.ffmpeg)
    except PodcastError as error:
        session.output.warn(str(error))


def _choice(question: str) -> str:
    answer = ""
    while answer not in CHOICES:
        answer = typer.prompt(question, default="s").strip().lower()
    return CHOICES[answer]


def _ask_correction(item: "ReviewItem") -> str:
    """Ask for the right speaker or the right words."""
    if item.kind in ("speakers", "printed_names"):
        return str(typer.prompt("speaker", default=item.suggestion))
    return str(typer.prompt("correct words", default=item.suggestion or item.text))


def _learn(session: CliSession, episode_review: "EpisodeReview", *, yes: bool) -> None:
    from podcast_pipeline.pipeline.words.review import add_to_glossary, names_to_learn

    offered = names_to_learn(episode_review, session.config)
    may_ask = sys.stdin.isatty() and not session.output.as_json and not yes
    learned = [
        term
        for term in offered
        if yes or (may_ask and typer.confirm(f"learn {_format_term(term)}?", default=True))
    ]
    if learned:
        add_to_glossary(session.config, learned)
    remaining = [term for term in offered if term not in learned]
    session.output.result(
        {
            "learned": [term.model_dump() for term in learned],
            "offered": [term.model_dump() for term in remaining],
        },
        [
            *(f"learned: {_format_term(term)}" for term in learned),
            *(f"could learn: {_format_term(term)}; --yes adds it" for term in remaining),
            *([] if offered else ["nothing to learn: every corrected name is in the glossary"]),
        ],
    )


def _format_term(term: object) -> str:
    name, variants = getattr(term, "name", ""), ", ".join(getattr(term, "sounds_like", ()))
    return f"{name} (recognised as {variants})" if variants else str(name)


def _measure(session: CliSession, sample: "Path | AccuracyReceipt") -> None:
    from podcast_pipeline.pipeline.words.accuracy import load_trend

    receipt = sample if not hasattr(sample, "exists") else None
    if receipt is None:
        session.output.result(
            {"file": str(sample), "receipt": None},
            [f"{sample}: listen, correct every word, tick the box at the top, and run the command again"],
        )
        return
    receipts = load_trend(session.config).receipts
    session.output.result(
        {"file": None, "receipt": receipt.model_dump(), "trend": [r.model_dump() for r in receipts]},
        [
            f"{receipt.slug}: {receipt.words} words, WER {_rate(receipt.wer)}, "
            + (
                f"{receipt.names} names, error rate {_rate(receipt.name_error)}"
                if receipt.name_error
                else "no known name in it (guests, hosts, glossary, notes)"
            ),
            *(f"{r.measured_at:%Y-%m-%d} {r.slug} ({r.model}): WER {_rate(r.wer)}" for r in receipts),
        ],
    )


def _rate(rate: "ErrorRate") -> str:
    return f"{rate.value:.1%} (95 %: {rate.low:.1%} to {rate.high:.1%})"


def _seconds(text: str) -> float:
    match = DURATION.fullmatch(text)
    if match is None or match[1] == "0":
        raise ConfigError(f"--sample {text}", "is not a length; write 2m or 90s")
    return float(match[1]) * (60 if match[2] == "m" else 1)


@transcript.command()
def diff(
    context: typer.Context,
    slug: SlugArgument,
    from_: Annotated[int | None, typer.Option("--from", min=1, metavar="N", help="The old version.")] = None,
    to: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The new version.", show_default="the folder")
    ] = None,
) -> None:
    """Show the changes between the published transcript and the folder, or between two versions.

    Of an episode that was never published: what your edits and the names have changed in the engine's words.
    """
    from podcast_pipeline.pipeline.words.review import diff_versions

    session: CliSession = context.obj
    lines = diff_versions(slug, session.context, old=from_, new=to)
    session.output.result({"slug": slug, "changes": lines}, lines or ["no difference"])


def review_lines(
    slug: str | None, items: "Sequence[ReviewItem]", unnamed_speakers: Sequence[str]
) -> Iterator[str]:
    """Yield what a review found, by kind, and the voices without a name; nothing where all is well.

    Args:
        slug: of the episode to review; None where it has no folder yet.
    """
    where = f": `podcast review {slug}`" if slug else ""
    if items:
        kinds = Counter(item.kind.replace("_", " ") for item in items)
        listed = ", ".join(f"{kind}: {count}" for kind, count in kinds.most_common())
        yield f"{format_count(len(items), 'place')} to listen to ({listed}){where}"
    if unnamed_speakers:
        verb = "has" if len(unnamed_speakers) == 1 else "have"
        yield f"{' and '.join(unnamed_speakers)} {verb} no name; give one under `speakers` in transcript.md"


def _published_episode(session: CliSession, slug: str) -> "Episode | None":
    catalog = session.context.catalog()
    return catalog.by_slug(slug) if catalog else None


def warn_of_conflicts(session: CliSession, slug: str, conflicts: "Iterable[EditConflict]") -> None:
    """Warn about edits that could not be applied to a new transcript; edits.json keeps these edits."""
    from podcast_pipeline.transcript.text.clock import format_clock

    for conflict in conflicts:
        session.output.warn(
            f"{slug}: an edit at [{format_clock(conflict.at_s)}] was not applied: {conflict.reason};"
            f" it is kept, run `podcast review {slug}`"
        )


def warn_of_other_title(session: CliSession, slug: str, document: "MarkdownTranscript | None") -> None:
    """Warn about a title in transcript.md that is not the episode's: it is not read from there."""
    title = session.library.folder(slug).table.title
    if document and document.title and " ".join(title.split()) != document.title:
        session.output.warn(
            f"{slug}: transcript.md is headed “{document.title}”, the episode is “{title}”; the title is"
            " changed in episode.toml"
        )


def warn_of_unordered_turns(session: CliSession, slug: str, document: "MarkdownTranscript | None") -> None:
    """Warn about turns with an earlier time than the turn above: moved, or mistyped."""
    from podcast_pipeline.transcript.text.clock import format_clock

    for turn in document.out_of_order if document else ():
        session.output.warn(
            f"{slug}: transcript.md line {turn.line}: [{format_clock(turn.at_s or 0.0)}] is earlier than the"
            " turn above; its words are timed by their place in the text, not by this heading"
        )
