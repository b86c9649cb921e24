"""`podcast doctor`: what is installed, reachable and writable, and what to do where it is not."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

import typer

from podcast_pipeline.cli import DONE, PROBLEMS, os_error_message
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import PodcastError

SUPPORTED = ((3, 11), (3, 14))
"""First Python that is supported, and first that is not."""


@dataclass(frozen=True)
class DoctorFinding:
    """One thing that was looked at; `ok` None is advice only."""

    name: str
    ok: bool | None
    said: str


def doctor(
    context: typer.Context,
    policy: Annotated[
        bool, typer.Option("--policy", help="Print the bucket's policy, CORS and lifecycle rules instead.")
    ] = False,
) -> None:
    """Look at everything a publication needs and say what to do; exit 3 when something is wrong."""
    session: CliSession = context.obj
    if policy:
        _print_policy(session)
        return
    findings = [finding for name, look in CHECKS for finding in _run_check(name, look, session)]
    marks = {True: "ok  ", False: "BAD ", None: "note"}
    session.output.result(
        {"findings": [vars(finding) for finding in findings]},
        (f"{marks[finding.ok]} {finding.name}: {finding.said}" for finding in findings),
    )
    sys.exit(PROBLEMS if any(finding.ok is False for finding in findings) else DONE)


def _run_check(
    name: str, look: Callable[[CliSession], Iterator[DoctorFinding]], session: CliSession
) -> Iterator[DoctorFinding]:
    try:
        yield from look(session)
    except PodcastError as error:
        yield DoctorFinding(name, False, str(error))
    except OSError as error:
        yield DoctorFinding(name, False, os_error_message(error))


def _python(_: CliSession) -> Iterator[DoctorFinding]:
    here, (first, after) = sys.version_info[:2], SUPPORTED
    said = f"{here[0]}.{here[1]}; supported are {first[0]}.{first[1]} to {after[0]}.{after[1] - 1}"
    yield DoctorFinding("python", first <= here < after, said)


def _ffmpeg(_: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.audio.ffmpeg import find_ffmpeg

    yield DoctorFinding("ffmpeg", True, str(find_ffmpeg()))


def _weights(session: CliSession) -> Iterator[DoctorFinding]:
    """Find the weights as a transcription would, without loading an engine."""
    from podcast_pipeline import transcription
    from podcast_pipeline.transcription import hub, weights

    settings = session.transcription
    yield DoctorFinding("engine", True, transcription.choose_engine(settings.engine))
    found = weights.find_weights(settings.model, cache=session.cache_folder, hub=hub.fetch_from_hub)
    yield DoctorFinding("weights", True, f"{settings.model}, SHA-256 {found.sha256[:16]}…")


def _show(session: CliSession) -> Iterator[DoctorFinding]:
    yield DoctorFinding("show", True, f"{session.config.show.title} ({session.config.folder})")


def _folder(session: CliSession) -> Iterator[DoctorFinding]:
    folder = session.config.folder
    said = "can be written" if os.access(folder, os.W_OK) else "cannot be written; give yourself the right to"
    yield DoctorFinding("folder", os.access(folder, os.W_OK), f"{folder} {said}")


def _categories(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.feed.categories import suggest_category_fix

    for category in session.config.show.categories:
        fix = suggest_category_fix(category)
        said = f"“{category}” is not one of Apple's, so directories file the show nowhere; {fix}"
        yield DoctorFinding("category", None if fix else True, said if fix else category)


def _artwork(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.audio import artwork

    config = session.config
    art = artwork.load_artwork(config.folder / config.show.artwork)
    yield DoctorFinding("artwork", None if art.advice else True, art.advice or config.show.artwork)


def _jingles(session: CliSession) -> Iterator[DoctorFinding]:
    config = session.config
    for name, file in (("audio.intro", config.audio.intro), ("audio.outro", config.audio.outro)):
        if file is not None:
            is_there = (config.folder / file).is_file()
            yield DoctorFinding(
                name, is_there, file if is_there else f"{file} is missing; put it beside show.toml"
            )


def _urls(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.pipeline.ping import is_local_host

    show = session.config.to_show(artwork_key=None)
    for name, url in (("urls.site", show.site_url), ("urls.media", show.media_url)):
        parts = urlsplit(url)
        if is_local_host(parts.hostname or ""):
            yield DoctorFinding(name, None, f"{url} is reached from this machine only; fine for a trial")
        elif parts.scheme != "https":
            yield DoctorFinding(
                name, False, f"{url} is not https; apps refuse it and links are read on the way"
            )
        else:
            yield DoctorFinding(name, True, url)
    if session.config.storage.kind == "s3" and show.media_url == f"{show.site_url}/public":
        said = "is not set, so apps would ask the site for audio; set it to the bucket's public address"
        yield DoctorFinding("urls.media", False, said)


def _database(session: CliSession) -> Iterator[DoctorFinding]:
    yield DoctorFinding("database", True, session.database.dialect.name)


def _secret_key(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.audience.subscribers.repository import may_create_secret_key

    given = session.config.secret_key
    path = session.config.state_folder / "secret_key"
    if given or path.is_file():
        session.subscribers.verify_secret_key()
        yield DoctorFinding("secret key", True, "PODCAST_SECRET_KEY" if given else str(path))
        if not given and path.stat().st_mode & 0o077:
            yield DoctorFinding("secret key", None, f"others on this machine may read it; chmod 600 {path}")
    elif may_create_secret_key(session.database):
        yield DoctorFinding("secret key", True, "will be made with the first subscriber")
    else:
        yield DoctorFinding("secret key", False, f"{path} is missing; put it back, or set PODCAST_SECRET_KEY")


def _mail(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.audience.mail import SmtpMailer

    smtp = SmtpMailer.from_config(session.config)
    if smtp is None:
        yield DoctorFinding("mail", None, "no [mail]: nobody can sign in by mail or be told of transcripts")
        return
    smtp.check()
    yield DoctorFinding("mail", True, f"{smtp.server_label} lets us in")


def _store(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.storage.self_test import run_self_test

    for check in run_self_test(session.store):
        yield DoctorFinding(f"store: {check.name}", check.ok, check.advice or "works")


def _publisher(session: CliSession) -> Iterator[DoctorFinding]:
    """Say who decides between two publishers."""
    from podcast_pipeline.storage.s3.presets import has_conditional_writes

    session.publisher_lock()
    if has_conditional_writes(session.config):
        yield DoctorFinding("two publishers", True, "the store decides who was first")
    elif session.config.storage.single_publisher:
        said = "show.toml says that there is one only; a second would undo what the first did"
        yield DoctorFinding("two publishers", None, said)
    else:
        with session.publisher_lock()():
            yield DoctorFinding("two publishers", True, "a lease in PostgreSQL decides")


CHECKS: tuple[tuple[str, Callable[[CliSession], Iterator[DoctorFinding]]], ...] = (
    ("python", _python),
    ("ffmpeg", _ffmpeg),
    ("weights", _weights),
    ("show", _show),
    ("folder", _folder),
    ("categories", _categories),
    ("artwork", _artwork),
    ("jingles", _jingles),
    ("urls", _urls),
    ("database", _database),
    ("secret key", _secret_key),
    ("mail", _mail),
    ("store", _store),
    ("two publishers", _publisher),
)


def _print_policy(session: CliSession) -> None:
    from podcast_pipeline.storage.s3 import bucket_policy

    storage = session.config.storage
    rules = {
        "policy": bucket_policy.bucket_policy(storage.public_bucket or "BUCKET", storage.prefix),
        "cors": bucket_policy.cors_rules(),
        "lifecycle": bucket_policy.lifecycle_rules(storage.prefix),
    }
    session.output.result(rules, [json.dumps(rules, indent=2)])
