"""`podcast doctor`: what is installed, reachable and writable, and what to do where it is not."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

import typer

from podcast_pipeline.cli import DONE, PROBLEMS, failure
from podcast_pipeline.cli.session import Session
from podcast_pipeline.errors import PodcastError

SUPPORTED = ((3, 11), (3, 14))
"""First Python that is supported, and first that is not."""


@dataclass(frozen=True)
class Finding:
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
    session: Session = context.obj
    if policy:
        _print_policy(session)
        return
    findings = [finding for name, look in LOOKS for finding in _try(name, look, session)]
    marks = {True: "ok  ", False: "BAD ", None: "note"}
    session.output.result(
        {"findings": [vars(finding) for finding in findings]},
        (f"{marks[finding.ok]} {finding.name}: {finding.said}" for finding in findings),
    )
    sys.exit(PROBLEMS if any(finding.ok is False for finding in findings) else DONE)


def _try(name: str, look: Callable[[Session], Iterator[Finding]], session: Session) -> Iterator[Finding]:
    try:
        yield from look(session)
    except PodcastError as error:
        yield Finding(name, False, str(error))
    except OSError as error:
        yield Finding(name, False, failure(error))


def _python(_: Session) -> Iterator[Finding]:
    here, (first, after) = sys.version_info[:2], SUPPORTED
    said = f"{here[0]}.{here[1]}; supported are {first[0]}.{first[1]} to {after[0]}.{after[1] - 1}"
    yield Finding("python", first <= here < after, said)


def _ffmpeg(_: Session) -> Iterator[Finding]:
    from podcast_pipeline.audio.ffmpeg import find

    yield Finding("ffmpeg", True, str(find()))


def _weights(session: Session) -> Iterator[Finding]:
    """Find the weights as a transcription would, without loading an engine."""
    from podcast_pipeline import transcription
    from podcast_pipeline.transcription import hub, weights

    settings = session.transcription
    yield Finding("engine", True, transcription.choose(settings.engine))
    found = weights.find(settings.model, cache=session.cache_folder, hub=hub.fetch)
    yield Finding("weights", True, f"{settings.model}, SHA-256 {found.sha256[:16]}…")


def _show(session: Session) -> Iterator[Finding]:
    yield Finding("show", True, f"{session.config.show.title} ({session.config.folder})")


def _folder(session: Session) -> Iterator[Finding]:
    folder = session.config.folder
    said = "can be written" if os.access(folder, os.W_OK) else "cannot be written; give yourself the right to"
    yield Finding("folder", os.access(folder, os.W_OK), f"{folder} {said}")


def _categories(session: Session) -> Iterator[Finding]:
    from podcast_pipeline.feed.categories import correction

    for category in session.config.show.categories:
        fix = correction(category)
        said = f"“{category}” is not one of Apple's, so directories file the show nowhere; {fix}"
        yield Finding("category", None if fix else True, said if fix else category)


def _artwork(session: Session) -> Iterator[Finding]:
    from podcast_pipeline.audio import artwork

    config = session.config
    art = artwork.check(config.folder / config.show.artwork)
    yield Finding("artwork", None if art.advice else True, art.advice or config.show.artwork)


def _jingles(session: Session) -> Iterator[Finding]:
    config = session.config
    for name, file in (("audio.intro", config.audio.intro), ("audio.outro", config.audio.outro)):
        if file is not None:
            is_there = (config.folder / file).is_file()
            yield Finding(name, is_there, file if is_there else f"{file} is missing; put it beside show.toml")


def _urls(session: Session) -> Iterator[Finding]:
    show = session.config.to_show(artwork_key=None)
    for name, url in (("urls.site", show.site_url), ("urls.media", show.media_url)):
        parts = urlsplit(url)
        if _is_local(parts.hostname or ""):
            yield Finding(name, None, f"{url} is reached from this machine only; fine for a trial")
        elif parts.scheme != "https":
            yield Finding(name, False, f"{url} is not https; apps refuse it and links are read on the way")
        else:
            yield Finding(name, True, url)
    if session.config.storage.kind == "s3" and show.media_url == f"{show.site_url}/public":
        said = "is not set, so apps would ask the site for audio; set it to the bucket's public address"
        yield Finding("urls.media", False, said)


def _database(session: Session) -> Iterator[Finding]:
    yield Finding("database", True, session.database.dialect.name)


def _secret_key(session: Session) -> Iterator[Finding]:
    from podcast_pipeline.audience.subscribers.repository import may_mint_key

    given = session.config.secret_key
    path = session.config.state_folder / "secret_key"
    if given or path.is_file():
        session.subscribers.require_key()
        yield Finding("secret key", True, "PODCAST_SECRET_KEY" if given else str(path))
        if not given and path.stat().st_mode & 0o077:
            yield Finding("secret key", None, f"others on this machine may read it; chmod 600 {path}")
    elif may_mint_key(session.database):
        yield Finding("secret key", True, "will be made with the first subscriber")
    else:
        yield Finding("secret key", False, f"{path} is missing; put it back, or set PODCAST_SECRET_KEY")


def _mail(session: Session) -> Iterator[Finding]:
    from podcast_pipeline.audience.mail import Smtp

    smtp = Smtp.from_config(session.config)
    if smtp is None:
        yield Finding("mail", None, "no [mail]: nobody can sign in by mail or be told of transcripts")
        return
    smtp.check()
    yield Finding("mail", True, f"{smtp.subject} lets us in")


def _store(session: Session) -> Iterator[Finding]:
    from podcast_pipeline.storage.self_test import probe

    for check in probe(session.store):
        yield Finding(f"store: {check.name}", check.ok, check.advice or "works")


def _publisher(session: Session) -> Iterator[Finding]:
    """Say who decides between two publishers."""
    from podcast_pipeline.storage.s3.presets import conditional_writes

    session.alone()
    if conditional_writes(session.config):
        yield Finding("two publishers", True, "the store decides who was first")
    elif session.config.storage.single_publisher:
        said = "show.toml says that there is one only; a second would undo what the first did"
        yield Finding("two publishers", None, said)
    else:
        with session.alone()():
            yield Finding("two publishers", True, "a lease in PostgreSQL decides")


LOOKS: tuple[tuple[str, Callable[[Session], Iterator[Finding]]], ...] = (
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


def _print_policy(session: Session) -> None:
    from podcast_pipeline.storage.s3 import bucket_policy

    storage = session.config.storage
    rules = {
        "policy": bucket_policy.bucket_policy(storage.public_bucket or "BUCKET", storage.prefix),
        "cors": bucket_policy.cors_rules(),
        "lifecycle": bucket_policy.lifecycle_rules(storage.prefix),
    }
    session.output.result(rules, [json.dumps(rules, indent=2)])


def _is_local(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host
