"""Commands on feeds: check any, say what a change would do, move a show in."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.exit_codes import PROBLEMS
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import EpisodeError

if TYPE_CHECKING:
    from podcast_pipeline.feed.app_impact import FeedDiff
    from podcast_pipeline.feed.conformance import FeedFinding
    from podcast_pipeline.feed.parse import ImportRemark
    from podcast_pipeline.feed.visible_changes import HostChanges, VisibleChange

Which = Annotated[
    str | None,
    typer.Argument(metavar="[FILE|URL]", help="A feed.", show_default="the published feed"),
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    feed = typer.Typer(help="Feeds: ours and anybody's.", no_args_is_help=True)
    for command in (check, diff, import_):
        feed.command(name=command.__name__.rstrip("_"))(command)
    app.add_typer(feed, name="feed")


def check(
    context: typer.Context,
    feed: Which = None,
    newest: Annotated[
        int, typer.Option(help="Of how many items the files are asked for.", min=0, max=10000)
    ] = 5,
) -> None:
    """Say which rules a feed breaks; of a URL also how its host answers. Exit 3 on errors."""
    session: CliSession = context.obj
    findings = _checked(session, feed, newest)
    errors = sum(finding.severity == "error" for finding in findings)
    session.output.result(
        {
            "errors": errors,
            "warnings": len(findings) - errors,
            "findings": [asdict(finding) for finding in findings],
        },
        [*_lines(findings), f"{_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')}"],
    )
    if errors:
        raise typer.Exit(PROBLEMS)


def diff(context: typer.Context, feed: Which = None) -> None:
    """Say what listeners would notice if the feed were written now. Exit 3 where apps would do harm."""
    from podcast_pipeline.feed import app_impact, visible_changes

    session: CliSession = context.obj
    old, new = _whole(session, feed), _upcoming(session)
    changes = app_impact.diff_feeds(old, new)
    noticed, moves = visible_changes.compare_feeds(old, new)
    if feed is not None:
        changes = app_impact.without_host_changes(changes)
    locked = app_impact.harmful_changes(changes)
    session.output.result(
        {
            "new": [{"guid": item.guid, "title": item.title} for item in changes.new],
            "removed": [{"guid": item.guid, "title": item.title} for item in changes.removed],
            "changed": [asdict(one) for one in noticed],
            "moved": asdict(moves),
            "locked": locked,
        },
        [*_told(changes, noticed), *_moved(moves), *(f"apps: {line}" for line in locked)]
        or ["nothing that a listener would notice"],
    )
    if locked:
        raise typer.Exit(PROBLEMS)


def _told(changes: "FeedDiff", noticed: "tuple[VisibleChange, ...]") -> Iterator[str]:
    yield from (f"new: {item.title}" for item in changes.new)
    yield from (f"gone: {item.title}" for item in changes.removed)
    for one in noticed:
        yield f"{one.title or 'the show'}: {one.field} was “{one.old}” and is “{one.new}”"


def _moved(moves: "HostChanges") -> Iterator[str]:
    for what, count in (("audio", moves.audio), ("artwork", moves.artwork), ("chapters", moves.chapters)):
        if count:
            yield f"{_count(count, 'episode')}: other host for the {what}, same guid"
    if moves.transcripts_closed:
        yield f"{_count(moves.transcripts_closed, 'episode')}: the transcript is for subscribers now"


def _upcoming(session: CliSession) -> bytes:
    """Return the public feed as it would be written now."""
    from podcast_pipeline.feed.rss import render_unpaged
    from podcast_pipeline.pipeline.show_assets import build_show_assets

    catalog = session.context.catalog()
    if catalog is None:
        raise EpisodeError("catalog", "nothing was published yet; run `podcast publish`")
    return render_unpaged(build_show_assets(session.context, catalog).apply_to(catalog))


def _whole(session: CliSession, feed: str | None) -> bytes:
    """Return the bytes of a feed wherever it is."""
    from podcast_pipeline.feed.app_impact import merge_archive_pages
    from podcast_pipeline.feed.conformance.document import MAX_FEED_BYTES
    from podcast_pipeline.remote_feeds.client import HttpClient
    from podcast_pipeline.storage.published import read_archive

    if feed is None:
        return merge_archive_pages(_bytes(session, None), read_archive(session.store))
    if not _is_url(feed):
        return _bytes(session, feed)
    with HttpClient() as web:
        return web.get(feed, limit_bytes=MAX_FEED_BYTES).body


def import_(
    context: typer.Context,
    feed: Annotated[str, typer.Argument(metavar="URL|FILE", help="The old feed.")],
    keep_audio: Annotated[bool, typer.Option("--keep-audio", help="Leave the audio where it is.")] = False,
) -> None:
    """Take a show over: every item with its guid, date, notes and files. Writes no feed."""
    from podcast_pipeline.remote_feeds.client import HttpClient
    from podcast_pipeline.remote_feeds.importer import import_feed

    session: CliSession = context.obj
    with HttpClient() as web:
        moved = import_feed(session.context, feed, web, keep_audio=keep_audio)
    session.output.result(
        {
            "entered": moved.added_slugs,
            "known": moved.known_count,
            "remarks": [asdict(remark) for remark in moved.remarks],
        },
        [
            *_remarked(moved.remarks),
            f"{_count(len(moved.added_slugs), 'episode')} entered, {moved.known_count} known already",
            *(
                ["now `podcast feed diff` against the old feed, then `podcast rebuild`"]
                * bool(moved.added_slugs)
            ),
        ],
    )


def _remarked(remarks: "Iterable[ImportRemark]") -> Iterator[str]:
    """Yield a line per kind of remark, with the titles of the first."""
    titles: dict[str, list[str]] = defaultdict(list)
    for remark in remarks:
        titles[remark.about] += [remark.title] if remark.title else []
    for about, found in titles.items():
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        yield f"{_count(len(found), 'episode')}: {about} ({', '.join(found[:3])}{more})" if found else about


def _checked(session: CliSession, feed: str | None, newest: int) -> "tuple[FeedFinding, ...]":
    from podcast_pipeline.feed import conformance
    from podcast_pipeline.remote_feeds.check import check_url
    from podcast_pipeline.remote_feeds.client import HttpClient

    url = feed if feed and _is_url(feed) else None
    if feed is None and session.store.remote:
        url = session.config.to_show(artwork_key=None).feed_url
    if url is None:
        return conformance.check_feed(_bytes(session, feed))
    with HttpClient() as web:
        return check_url(url, web, newest=newest)


def _is_url(name: str) -> bool:
    return name.startswith(("http://", "https://"))


def _bytes(session: CliSession, feed: str | None) -> bytes:
    """Return a file's bytes, or those of the published feed."""
    from podcast_pipeline.storage.objects import FEED_KEY

    if feed is not None:
        return Path(feed).read_bytes()
    return session.store.get(FEED_KEY)[1]


def _lines(findings: "Iterable[FeedFinding]") -> list[str]:
    """Return a line per finding; the same at other lines of the feed is said once."""
    places: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for finding in findings:
        same = (finding.severity, finding.rule, finding.message, finding.fix)
        places[same] += [finding.line] if finding.line else []
    return [
        f"{severity} {rule}{_where(lines)}: {message}; {fix}"
        for (severity, rule, message, fix), lines in places.items()
    ]


def _where(lines: list[int]) -> str:
    if not lines:
        return ""
    more = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
    return f" line {', '.join(str(line) for line in lines[:3])}{more}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
