"""`podcast review` and `podcast transcript diff`: what to listen to, what changed."""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli import PROBLEMS
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import ConfigError, PodcastError

if TYPE_CHECKING:
    from pathlib import Path

    from podcast_pipeline.model import Episode
    from podcast_pipeline.pipeline.review import EpisodeReview
    from podcast_pipeline.transcript.accuracy import AccuracyReceipt, ErrorRate
    from podcast_pipeline.transcript.edits import EditConflict
    from podcast_pipeline.transcript.markdown import MarkdownTranscript
    from podcast_pipeline.transcript.review import ReviewItem

CHOICES = {"a": "a", "accept": "a", "f": "f", "fix": "f", "s": "s", "skip": "s", "q": "q", "quit": "q"}
DURATION = re.compile(r"(\d+)(s|m)")
SlugArgument = Annotated[str, typer.Argument(metavar="SLUG", help="The episode.")]
Version = Annotated[int | None, typer.Option(min=1, metavar="N", help="A published version.")]

transcript = typer.Typer(no_args_is_help=True, help="Compare versions of a transcript.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(review)
    app.add_typer(transcript, name="transcript")


def review(
    context: typer.Context,
    slug: SlugArgument,
    learn: Annotated[
        bool, typer.Option("--learn", help="Offer corrected names to the glossary in show.toml.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --learn: take all without asking.")] = False,
    sample: Annotated[
        str | None, typer.Option(help="Draw stretches of this length to correct, or measure them: 2m, 90s.")
    ] = None,
) -> None:
    """List what to listen to, worst first; on a terminal accept or correct it. Exit 3 while it blocks."""
    from podcast_pipeline.pipeline import review as reviewing

    session: CliSession = context.obj
    parts = session.hearing(session.config.transcription)
    with parts.library.open(slug):
        seen = reviewing.load_review(slug, parts)
        if sample is not None:
            _measure(session, reviewing.sample_accuracy(seen, parts, sample_s=_seconds(sample)))
        elif learn:
            _learn(session, seen, yes=yes)
        else:
            _review(session, seen)


def _review(session: CliSession, seen: "EpisodeReview") -> None:
    from podcast_pipeline.pipeline import review as reviewing
    from podcast_pipeline.transcript.review import blocking_items

    slug, known = seen.draft.slug, _known(session, seen.draft.slug)
    walked = sys.stdin.isatty() and sys.stdout.isatty() and not session.output.as_json
    if walked:
        _walk(session, seen, known)
        seen = reviewing.load_review(slug, session.hearing(session.config.transcription))
    findings, closed = seen.items, blocking_items(seen.items, session.config.review)
    session.output.result(
        {
            "slug": slug,
            "blocking": len(closed),
            "findings": [_facts(session, f, seen, known) for f in findings],
            "fixes": [fix.model_dump() for fix in seen.edited.edits.fixes],
        },
        [
            *(line for f in findings if not walked for line in _lines(_facts(session, f, seen, known))),
            *(
                f"put right: “{f.before}” is “{f.after}” at {f.start_s:.1f} s"
                for f in seen.edited.edits.fixes
            ),
            f"{len(findings)} to listen to, {len(closed)} of them block publication",
        ],
    )
    if closed:
        raise typer.Exit(PROBLEMS)


def _facts(
    session: CliSession, found: "ReviewItem", seen: "EpisodeReview", known: "Episode | None"
) -> dict[str, object]:
    from podcast_pipeline.pipeline.review import player_command

    at_s = known.timeline.to_media(found.start_s) if known else None
    page = session.config.to_show(artwork_key=None).episode_url(seen.draft.slug)
    return {
        **asdict(found),
        "key": found.key,
        "blocks": getattr(session.config.review, found.kind) == "block",
        "play": player_command(seen.episode_text.folder.source, found.start_s, found.end_s),
        "link": f"{page}#t={at_s}" if at_s is not None else None,
    }


def _lines(facts: dict[str, object]) -> Iterator[str]:
    from podcast_pipeline.transcript.text.clock import format_clock

    often = f", {facts['times']} times" if facts["times"] != 1 else ""
    blocks = " (blocks)" if facts["blocks"] else ""
    at = format_clock(float(str(facts["start_s"])))
    yield f"[{at}] “{facts['text']}”{often}: {facts['reason']}{blocks}"
    if facts["suggestion"]:
        yield f"    perhaps: {facts['suggestion']}"
    if facts["context"] != facts["text"]:
        yield f"    … {facts['context']} …"
    yield f"    {facts['play']}"
    if facts["link"]:
        yield f"    {facts['link']}"


def _walk(session: CliSession, seen: "EpisodeReview", known: "Episode | None") -> None:
    """Go through the findings with a person; each answer is written at once."""
    from podcast_pipeline.pipeline import review as reviewing

    for number, found in enumerate(seen.items, start=1):
        for line in _lines(_facts(session, found, seen, known)):
            typer.echo(line)
        answer = _choice(f"{number} of {len(seen.items)}: accept, fix, skip or quit (a/f/s/q)")
        if answer == "q":
            return
        seen_now = reviewing.load_review(seen.draft.slug, session.hearing(session.config.transcription))
        if answer == "a":
            reviewing.accept_item(found, seen_now)
        elif answer == "f":
            try:
                reviewing.correct_item(found, _written(found), seen_now)
            except PodcastError as error:
                session.output.warn(str(error))


def _choice(question: str) -> str:
    answer = ""
    while answer not in CHOICES:
        answer = typer.prompt(question, default="s").strip().lower()
    return CHOICES[answer]


def _written(found: "ReviewItem") -> str:
    """Ask what is really there."""
    if found.kind == "speakers":
        return str(typer.prompt("who says it", default=found.suggestion))
    return str(typer.prompt("what is said", default=found.suggestion or found.text))


def _learn(session: CliSession, seen: "EpisodeReview", *, yes: bool) -> None:
    from podcast_pipeline.pipeline import review as reviewing

    offered = reviewing.names_to_learn(seen, session.config)
    asks = sys.stdin.isatty() and not session.output.as_json and not yes
    taken = [t for t in offered if yes or (asks and typer.confirm(f"learn {_term(t)}?", default=True))]
    if taken:
        reviewing.add_to_glossary(session.config, taken)
    left = [t for t in offered if t not in taken]
    session.output.result(
        {"learned": [t.model_dump() for t in taken], "offered": [t.model_dump() for t in left]},
        [
            *(f"learned: {_term(t)}" for t in taken),
            *(f"could learn: {_term(t)}; --yes takes it" for t in left),
            *([] if offered else ["nothing to learn: no name was corrected that the glossary lacks"]),
        ],
    )


def _term(term: object) -> str:
    name, heard = getattr(term, "name", ""), ", ".join(getattr(term, "sounds_like", ()))
    return f"{name} (heard as {heard})" if heard else str(name)


def _measure(session: CliSession, drawn: "Path | AccuracyReceipt") -> None:
    from podcast_pipeline.pipeline.review import load_trend

    receipt = drawn if not hasattr(drawn, "exists") else None
    if receipt is None:
        session.output.result(
            {"file": str(drawn), "receipt": None},
            [f"{drawn}: listen, correct every word, tick the box at its top, and run the same command again"],
        )
        return
    receipts = load_trend(session.config).receipts
    session.output.result(
        {"file": None, "receipt": receipt.model_dump(), "trend": [r.model_dump() for r in receipts]},
        [
            f"{receipt.slug}: {receipt.words} words, WER {_rate(receipt.wer)}, "
            + (
                f"{receipt.names} names, wrong {_rate(receipt.name_error)}"
                if receipt.name_error
                else "no names"
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
    from_: Annotated[int | None, typer.Option("--from", min=1, metavar="N", help="A version.")] = None,
    to: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="A version.", show_default="the folder")
    ] = None,
) -> None:
    """Show what differs between the published transcript and the folder, or between two versions."""
    from podcast_pipeline.pipeline import review as reviewing

    session: CliSession = context.obj
    parts = session.hearing(session.config.transcription)
    lines = reviewing.diff_versions(slug, _known(session, slug), parts, session.store, old=from_, new=to)
    session.output.result({"slug": slug, "changes": lines}, lines or ["no difference"])


def _known(session: CliSession, slug: str) -> "Episode | None":
    from podcast_pipeline.storage.published import read_catalog

    catalog, _ = read_catalog(session.store)
    return catalog.by_slug(slug) if catalog else None


def warn_of_conflicts(session: CliSession, slug: str, conflicts: "Iterable[EditConflict]") -> None:
    """Tell which edits found no place in new words; they stay in edits.json until somebody settles them."""
    from podcast_pipeline.transcript.text.clock import format_clock

    for conflict in conflicts:
        session.output.warn(
            f"{slug}: an edit found no place at [{format_clock(conflict.at_s)}]: {conflict.reason};"
            f" it is kept, see `podcast review {slug}`"
        )


def warn_of_unordered_turns(session: CliSession, slug: str, document: "MarkdownTranscript | None") -> None:
    """Tell which turns have a time before that of the turn above: moved there, or typed wrong."""
    from podcast_pipeline.transcript.text.clock import format_clock

    for turn in document.out_of_order if document else ():
        session.output.warn(
            f"{slug}: transcript.md line {turn.line}: [{format_clock(turn.at_s or 0.0)}] is earlier than the"
            " turn above; words get the time of their place in the text, whatever their heading says"
        )
