"""`podcast pull`: what other producers have published, merged into an episode's folder."""

import typer

from podcast_pipeline.cli.arguments import SlugArgument
from podcast_pipeline.cli.exit_codes import PROBLEMS
from podcast_pipeline.cli.publish_result import merged_lines
from podcast_pipeline.cli.session import CliSession


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(pull)


def pull(context: typer.Context, slug: SlugArgument) -> None:
    """Merge what other producers have published into an episode's folder; exit 3 while a conflict is open."""
    from podcast_pipeline.pipeline.merge.pull import pull as pull_episode

    session: CliSession = context.obj
    result = pull_episode(session.context, slug)
    session.output.result(
        {"slug": slug, "taken": list(result.taken), "conflicts": list(result.conflicts)},
        [
            *merged_lines(result.taken, "taken"),
            *([] if result.taken or result.conflicts else ["nothing to take: the folder has it all"]),
        ],
    )
    for line in result.conflicts:
        session.output.warn(f"{slug}: conflict: {line}")
    if result.conflicts:
        session.output.warn(f"{slug}: {result.advice}")
        raise typer.Exit(PROBLEMS)
