"""`podcast transcript import`: the words of an episode from a transcript that somebody typed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from podcast_pipeline.cli.arguments import SlugArgument
from podcast_pipeline.cli.confirmation import confirm
from podcast_pipeline.cli.output import format_count
from podcast_pipeline.cli.session import CliSession

if TYPE_CHECKING:
    from podcast_pipeline.pipeline.words.typed_transcript import TranscriptImport


def register(transcript: typer.Typer) -> None:
    """Add this command."""
    transcript.command("import")(import_transcript)


def import_transcript(
    context: typer.Context,
    slug: SlugArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The typed transcript: .docx, .txt, .md, .srt or .vtt.")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the words of an episode that is published with some.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Replace edits made by hand in transcript.md without asking.")
    ] = False,
) -> None:
    """Take the words of a typed transcript; each gets its time from the recording. Publishes nothing.

    The speakers of the file are kept. What only the file has, and what only the recording has, is listed by
    `podcast review`. The recording is transcribed first where it was not.
    """
    from podcast_pipeline.pipeline.words import typed_transcript

    session: CliSession = context.obj

    def ask(warning: str) -> None:
        confirm(session, warning, "Replace them?", yes=yes)

    done = typed_transcript.import_transcript(session.context, slug, file, replace=replace, confirm=ask)
    session.output.result(_document(done), import_lines(done))


def _document(done: "TranscriptImport") -> dict[str, object]:
    """Return the result without a word of the transcript."""
    facts = {**asdict(done), "differences": _counts(done)}
    return {**facts, "share": round(done.share, 3)}


def _counts(done: "TranscriptImport") -> dict[str, int]:
    from podcast_pipeline.transcript.typed.agreement import DifferenceKind

    kinds = Counter(one.kind for one in done.differences)
    return {kind: kinds[kind] for kind in get_args(DifferenceKind)}


def import_lines(done: "TranscriptImport") -> Iterator[str]:
    """Yield what an import took, what it left out, and what is to be reviewed."""
    speakers = f" of {format_count(done.speaker_count, 'speaker')}" if done.speaker_count else ""
    yield (
        f"{done.slug}: {format_count(done.word_count, 'word')}{speakers} → {done.transcript_md};"
        f" {done.share:.0%} were heard"
    )
    if done.left_out:
        listed = ", ".join(f"{name}: {count}" for name, count in sorted(done.left_out.items()))
        yield f"left out, as nobody said it ({listed})"
    counts = _counts(done)
    if any(counts.values()):
        others = counts["numbers"] + counts["negations"]
        typed, heard = format_count(counts["only_typed"], "passage"), counts["only_heard"]
        yield (
            f"{typed} typed and not heard, {heard} heard and not typed, {others} numbers and negations"
            f" that differ: `podcast review {done.slug}`"
        )
