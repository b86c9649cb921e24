"""`podcast voices`: the known voices of people who consented to be recognised."""

from pathlib import Path
from typing import Annotated

import typer

from podcast_pipeline.cli.session import CliSession

Name = Annotated[str, typer.Argument(metavar="NAME", help="The person's name, as readers see it.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    known_voices = typer.Typer(
        help="Manage known voices: recurring speakers who consented are named automatically.",
        no_args_is_help=True,
    )
    for command in (add, list_, remove):
        known_voices.command(name=command.__name__.rstrip("_"))(command)
    app.add_typer(known_voices, name="voices")


def add(
    context: typer.Context,
    name: Name,
    audio: Annotated[
        Path, typer.Argument(metavar="AUDIO", help="A recording in which only this person speaks.")
    ],
    consent: Annotated[str, typer.Option(help="How the person consented, like “signed form, 2026-11-20”.")],
) -> None:
    """Add a known voice; its fingerprint, not the audio, is stored, on this machine only."""
    from podcast_pipeline import diarization
    from podcast_pipeline.diarization import known_voices

    session: CliSession = context.obj
    engine = diarization.need_diarizer(session.config.speakers.engine, name)
    path = session.config.voices_file
    book = known_voices.read_voice_book(path)

    def embed() -> tuple[float, ...]:
        return diarization.load_diarizer(engine).embed(audio, report=session.output.report)

    voice = known_voices.create_known_voice(
        name, consent=consent, engine=engine, embed=embed, now=session.clock()
    )
    known_voices.write_voice_book(path, book.with_voice(voice))
    session.output.result({"name": voice.name, "file": str(path)}, [f"{voice.name}: voice added to {path}"])


def list_(context: typer.Context) -> None:
    """List the known voices and how each person consented."""
    from podcast_pipeline.diarization import known_voices

    session: CliSession = context.obj
    voices = known_voices.read_voice_book(session.config.voices_file).voices
    rows = [(voice.name, session.format_local(voice.added_at), voice.consent) for voice in voices]
    session.output.table("", rows, columns=("name", "added", "consent"))
    keys = ("name", "added_at", "consent")
    session.output.result(
        {"voices": [dict(zip(keys, row, strict=True)) for row in rows]},
        [] if rows else ["no known voices; `podcast voices add` adds one, with the person's consent"],
    )


def remove(context: typer.Context, name: Name) -> None:
    """Remove a known voice; transcripts that have the name keep it."""
    from podcast_pipeline.diarization import known_voices

    session: CliSession = context.obj
    path = session.config.voices_file
    known_voices.write_voice_book(path, known_voices.read_voice_book(path).without(name))
    session.output.result({"name": name, "removed": True}, [f"{name}: voice removed"])
