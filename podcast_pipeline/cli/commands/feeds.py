"""Commands on feeds: check a feed, compare it with the next one, import a show."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.exit_codes import PROBLEMS
from podcast_pipeline.cli.output import format_count
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import EpisodeError, NotFound

if TYPE_CHECKING:
    from podcast_pipeline.feed.app_impact import FeedDiff
    from podcast_pipeline.feed.conformance import FeedFinding
    from podcast_pipeline.feed.parse import ImportRemark
    from podcast_pipeline.feed.visible_changes import HostChanges, VisibleChange
    from podcast_pipeline.remote_feeds.importer import ImportResult

FeedArgument = Annotated[
    str | None,
    typer.Argument(metavar="[FILE|URL|-]", help="A feed.", show_default="the published feed"),
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    feed = typer.Typer(help="Check, compare and import feeds.", no_args_is_help=True)
    for command in (check, diff, import_):
        feed.command(name=command.__name__.rstrip("_"))(command)
    app.add_typer(feed, name="feed")


def check(
    context: typer.Context,
    feed: FeedArgument = None,
    newest: Annotated[
        int, typer.Option(help="With a URL: number of items whose files are requested.", min=0, max=10000)
    ] = 5,
) -> None:
    """List the rules that a feed breaks, and for a URL the faults of its host; exit 3 on errors."""
    session: CliSession = context.obj
    findings = _check(session, feed, newest)
    errors = sum(finding.severity == "error" for finding in findings)
    session.output.result(
        {
            "errors": errors,
            "warnings": len(findings) - errors,
            "findings": [asdict(finding) for finding in findings],
        },
        [
            *_finding_lines(findings),
            f"{format_count(errors, 'error')}, {format_count(len(findings) - errors, 'warning')}",
        ],
    )
    if errors:
        raise typer.Exit(PROBLEMS)


def diff(context: typer.Context, feed: FeedArgument = None) -> None:
    """List the visible changes if the feed were written now; exit 3 on harmful effects in apps."""
    from podcast_pipeline.feed import app_impact, parse, visible_changes

    session: CliSession = context.obj
    old, new = _read_all_pages(session, feed), _render_next_feed(session)
    changes = app_impact.diff_feeds(old, new)
    visible, moves = visible_changes.compare_feeds(old, new)
    if feed is not None:
        changes = app_impact.without_host_changes(changes)
    harmful = app_impact.harmful_changes(changes)
    doubts = parse.doubtful_dates(app_impact.parse_feed(old))
    session.output.result(
        {
            "new": [{"guid": item.guid, "title": item.title} for item in changes.new],
            "removed": [{"guid": item.guid, "title": item.title} for item in changes.removed],
            "changed": [asdict(change) for change in visible],
            "moved": asdict(moves),
            "dates": [asdict(doubt) for doubt in doubts],
            "locked": harmful,
        },
        [
            *(
                [
                    *_change_lines(changes, visible),
                    *_host_lines(moves),
                    *(f"apps: {line}" for line in harmful),
                ]
                or ["nothing that a listener would notice"]
            ),
            *_remark_lines(doubts),
        ],
    )
    if harmful:
        raise typer.Exit(PROBLEMS)


def _change_lines(changes: "FeedDiff", visible: "tuple[VisibleChange, ...]") -> Iterator[str]:
    yield from (f"new: {item.title}" for item in changes.new)
    yield from (f"removed: {item.title}" for item in changes.removed)
    for change in visible:
        yield f"{change.title or 'the show'}: {change.field} was “{change.old}” and is “{change.new}”"


def _host_lines(moves: "HostChanges") -> Iterator[str]:
    if moves.show_artwork:
        old, new = moves.show_artwork
        yield f"the show: its picture was {old} and is {new}; look whether it is the same"
    for files, count in (("audio", moves.audio), ("artwork", moves.artwork), ("chapters", moves.chapters)):
        if count:
            yield f"{format_count(count, 'episode')}: other host for the {files}, same guid"
    if moves.transcripts_closed:
        yield f"{format_count(moves.transcripts_closed, 'episode')}: the transcript is for subscribers now"


def _render_next_feed(session: CliSession) -> bytes:
    """Return the public feed as it would be written now."""
    from podcast_pipeline.feed.rss import render_unpaged
    from podcast_pipeline.pipeline.show_assets import build_show_assets

    catalog = session.context.catalog()
    if catalog is None:
        raise EpisodeError("catalog", "nothing was published yet; run `podcast publish`")
    return render_unpaged(build_show_assets(session.context, catalog).apply_to(catalog))


def _read_all_pages(session: CliSession, feed: str | None) -> bytes:
    """Return a feed from a file or a URL, or the published one with its archive pages."""
    from podcast_pipeline.feed.app_impact import merge_archive_pages
    from podcast_pipeline.remote_feeds.client import HttpClient
    from podcast_pipeline.remote_feeds.pages import read_feed, typed_source
    from podcast_pipeline.storage.published import read_archive

    if feed is None:
        return merge_archive_pages(_read_feed(session, None), read_archive(session.store))
    source = typed_source(feed)
    with HttpClient() as client:
        client.trust_hosts_like(source)
        old = read_feed(source, client)
    for about in old.remarks:
        session.output.warn(f"the old feed {about}")
    return old.body


def import_(
    context: typer.Context,
    feed: Annotated[str, typer.Argument(metavar="URL|FILE|-", help="The old feed.")],
    keep_audio: Annotated[
        bool, typer.Option("--keep-audio", help="Leave the audio at the old host.")
    ] = False,
    keep_audio_of: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ITEM",
            help="Leave the audio of one item there, by its title, guid or audio address; may be repeated.",
        ),
    ] = None,
    keep_missing: Annotated[
        bool,
        typer.Option("--keep-missing", help="Leave audio at the old host that cannot be fetched now."),
    ] = False,
    undated: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Date of the first item where no item has one; the others are dated a second apart.",
        ),
    ] = None,
) -> None:
    """Import a show from its old feed, each item with guid, date, notes and files; writes no feed.

    Audio that does not come this time holds up no other episode: exit code 3, and run it again.
    """
    from podcast_pipeline.remote_feeds.client import HttpClient
    from podcast_pipeline.remote_feeds.importer import import_feed
    from podcast_pipeline.remote_feeds.pages import typed_source

    session: CliSession = context.obj
    _ = session.store  # raises before anything is fetched if it is another show's
    with HttpClient() as client:
        result = import_feed(
            session.context,
            typed_source(feed),
            client,
            keep_audio=keep_audio,
            keep_audio_of=keep_audio_of or (),
            keep_missing=keep_missing,
            undated_at=session.parse_time(undated, "--undated") if undated else None,
        )
    count = len(result.added_slugs)
    session.output.result(
        {
            "entered": result.added_slugs,
            "known": result.known_count,
            "missing": [asdict(remark) for remark in result.missing],
            "remarks": [asdict(remark) for remark in result.remarks],
        },
        [
            *_remark_lines((*result.remarks, *result.missing)),
            f"{format_count(count, 'episode')} imported, {result.known_count} already known",
            *_next_lines(result),
        ],
    )
    warn_of_left_out_items(session)
    if result.missing or (result.remarks and not count and not result.known_count):
        raise typer.Exit(PROBLEMS)


def _next_lines(result: "ImportResult") -> Iterator[str]:
    if result.missing:
        yield (
            f"{format_count(len(result.missing), 'episode')} left for the next run: run the same command"
            " again, or leave the audio there with --keep-missing, or with --keep-audio-of one by one"
        )
    elif result.added_slugs:
        yield "next: `podcast feed diff` against the old feed, then `podcast rebuild`"


def warn_of_left_out_items(session: CliSession) -> None:
    """Print a line for each published episode that is in no feed, because its audio is none."""
    from podcast_pipeline.feed.untrusted.playable import left_out

    for line in left_out(session.context.catalog()):
        session.output.warn(line)


def warn_of_placeholders(session: CliSession) -> None:
    """Print one line where listeners see values of the sample show; none for a show on this machine only."""
    from podcast_pipeline.config.placeholders import is_trial, tell_placeholders
    from podcast_pipeline.pipeline.show_assets import show_placeholders

    found = () if is_trial(session.context.show) else show_placeholders(session.context)
    if found:
        session.output.warn(
            f"show.toml has placeholders: {tell_placeholders(found)}; put your own there, then run"
            " `podcast rebuild`"
        )


def _remark_lines(remarks: "Iterable[ImportRemark]") -> Iterator[str]:
    """Yield one line per kind of remark, with the first three titles."""
    titles: dict[str, list[str]] = defaultdict(list)
    for remark in remarks:
        titles[remark.about] += [remark.title] if remark.title else []
    for about, episodes in titles.items():
        if not episodes:
            yield about
            continue
        more = f" and {len(episodes) - 3} more" if len(episodes) > 3 else ""
        yield f"{format_count(len(episodes), 'episode')}: {about} ({', '.join(episodes[:3])}{more})"


def _check(session: CliSession, feed: str | None, newest: int) -> "tuple[FeedFinding, ...]":
    from podcast_pipeline.feed import conformance
    from podcast_pipeline.remote_feeds.check import check_url
    from podcast_pipeline.remote_feeds.client import HttpClient
    from podcast_pipeline.remote_feeds.pages import is_web_address, typed_source

    feed = feed and typed_source(feed)
    url = feed if feed and is_web_address(feed) else None
    if feed is None and session.store.remote:
        _read_feed(session, None)  # raises with the command that writes it, where there is none
        url = session.config.to_show(artwork_key=None).feed_url
    if url is None:
        return conformance.check_feed(_read_feed(session, feed), now=session.clock())
    with HttpClient() as client:
        return check_url(url, client, newest=newest, now=session.clock())


def _read_feed(session: CliSession, feed: str | None) -> bytes:
    """Return a feed from a file, or the published one."""
    from podcast_pipeline.remote_feeds.pages import read_feed_file
    from podcast_pipeline.storage.objects import FEED_KEY

    if feed is not None:
        return read_feed_file(feed)
    try:
        return session.store.get(FEED_KEY)[1]
    except NotFound as error:
        raise NotFound(FEED_KEY, _why_no_feed(session)) from error


def _why_no_feed(session: CliSession) -> str:
    """Return the reason for which there is no feed, and the command that writes one."""
    catalog = session.context.catalog()
    if catalog is None or not catalog.episodes:
        return "nothing was published yet; run `podcast publish`"
    return "no feed was written yet, but the catalog has episodes; run `podcast rebuild`"


def _finding_lines(findings: "Iterable[FeedFinding]") -> list[str]:
    """Return one line per finding; equal findings on several lines of the feed are merged."""
    line_numbers: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for finding in findings:
        key = (finding.severity, finding.rule, finding.message, finding.fix)
        line_numbers[key] += [finding.line] if finding.line else []
    return [
        f"{severity} {rule}{_format_line_numbers(numbers)}: {message}; {fix}"
        for (severity, rule, message, fix), numbers in line_numbers.items()
    ]


def _format_line_numbers(numbers: list[int]) -> str:
    if not numbers:
        return ""
    more = f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""
    return f" line {', '.join(str(number) for number in numbers[:3])}{more}"
