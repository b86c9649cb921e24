"""`podcast doctor`: check installation, settings, storage and services, and print the remedies."""

import json
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from podcast_pipeline.cli import os_error_message
from podcast_pipeline.cli.doctor import installation, services, show_files
from podcast_pipeline.cli.doctor.finding import Check, DoctorFinding
from podcast_pipeline.cli.exit_codes import DONE, PROBLEMS
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import PodcastError

CHECKS = {**installation.CHECKS, **show_files.CHECKS, **services.CHECKS}
POLICY_COMMANDS = {
    "policy": ("put-bucket-policy", "--policy"),
    "cors": ("put-bucket-cors", "--cors-configuration"),
    "lifecycle": ("put-bucket-lifecycle-configuration", "--lifecycle-configuration"),
}
"""A document of --policy -> the command of AWS's command line that takes it, and its option."""


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
    findings = [finding for name, check in CHECKS.items() for finding in _run_check(name, check, session)]
    marks = {True: "ok  ", False: "BAD ", None: "note"}
    session.output.result(
        {"findings": [vars(finding) for finding in findings]},
        (f"{marks[finding.ok]} {finding.name}: {finding.said}" for finding in findings),
    )
    sys.exit(PROBLEMS if any(finding.ok is False for finding in findings) else DONE)


def _run_check(name: str, check: Check, session: CliSession) -> Iterator[DoctorFinding]:
    try:
        yield from check(session)
    except PodcastError as error:
        yield DoctorFinding(name, False, str(error))
    except OSError as error:
        yield DoctorFinding(name, False, os_error_message(error))


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
