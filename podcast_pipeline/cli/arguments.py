"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from podcast_pipeline.model.gates import GATES

SlugArgument = Annotated[str, typer.Argument(metavar="SLUG", help="The episode.")]
Title = Annotated[str | None, typer.Option(help="Title of a new episode.", show_default="the file's name")]
SlugOption = Annotated[
    str | None, typer.Option(help="Slug of a new episode: a-z, 0-9, hyphens.", show_default="from the title")
]
Guests = Annotated[list[str] | None, typer.Option("--guest", help="A guest's name; may be repeated.")]
Tracks = Annotated[
    list[str] | None,
    typer.Option(
        "--track",
        metavar="NAME=FILE[:CHANNEL]",
        help="A speaker's own track instead; once per speaker, channels count from 1.",
    ),
]
Notes = Annotated[Path | None, typer.Option(help="Show notes, a Markdown file.", exists=True, dir_okay=False)]
Replace = Annotated[
    bool, typer.Option("--replace", help="Replace the audio of the episode --slug by this recording.")
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="GATE",
        help="Go on where "
        + ", or ".join(f"{effect} ({name})" for name, effect in GATES.items())
        + "; may be repeated.",
    ),
]
