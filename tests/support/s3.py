"""A real S3 server for the whole test run, and a fresh bucket for each test."""

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from boto3.session import Session

from podcast_pipeline.storage.s3.bucket_policy import bucket_policy, cors_rules
from podcast_pipeline.storage.s3.presets import S3Settings
from podcast_pipeline.storage.s3.store import S3Store, open_client
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

START = ROOT / "scripts" / "start_s3.sh"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testkey", "AWS_SECRET_ACCESS_KEY": "testsecret"}
READY_S = 120  # a busy machine needs more than half a minute
OPENSSL = (
    *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost"),
    *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
)


@dataclass(frozen=True)
class S3Server:
    """A running SeaweedFS; `certificate` verifies the TLS certificate of `tls_url`."""

    url: str
    tls_url: str
    certificate: Path

    @cached_property
    def admin(self) -> "S3Client":
        """A client with the admin's rights."""
        return open_client(self.session, S3Settings("", "", "", endpoint_url=self.url, path_style=True))

    @cached_property
    def session(self) -> Session:
        """A session with the admin's keys."""
        return Session()

    def fresh_bucket(self, **changes: object) -> S3Settings:
        """Create a bucket with the policy and CORS rules of a show; return its settings with `changes`."""
        name = f"pod-{next(_numbers)}"
        base = f"{self.url}/{name}/public"
        settings = S3Settings(name, name, base, endpoint_url=self.url, path_style=True, attempts=4)
        self.admin.create_bucket(Bucket=name)
        self.admin.put_bucket_policy(Bucket=name, Policy=json.dumps(bucket_policy(name)))
        self.admin.put_bucket_cors(Bucket=name, CORSConfiguration=cors_rules())  # type: ignore[arg-type]
        return replace(settings, **changes)  # type: ignore[arg-type]


_numbers = count(1)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Run a server for the whole test run, with the admin's keys in the environment."""
    folder = tmp_path_factory.mktemp("s3")
    certificate, key = _certificate(folder)
    port = _free_port()
    tls = [f"-s3.port.https={port + 5}", f"-s3.cert.file={certificate}", f"-s3.key.file={key}"]
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("wb"))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        process = subprocess.Popen(
            [START, folder / "data", str(port), *tls],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "WEED": str(Path(sys.executable).with_name("weed"))},
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)
        _wait(process, f"http://127.0.0.1:{port}/healthz", folder / "log")
        yield S3Server(f"http://127.0.0.1:{port}", f"https://127.0.0.1:{port + 5}", certificate)


@pytest.fixture
def s3_store(s3_server: S3Server) -> S3Store:
    """A store in a bucket of its own."""
    return S3Store(s3_server.fresh_bucket(), session=s3_server.session)


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [*OPENSSL, "-out", certificate, "-keyout", key],
        check=True,
        capture_output=True,
    )
    return certificate, key


def _free_port() -> int:
    """Return a port such that it, the next five, and those six plus 10,000 are free."""
    while True:
        port = random.randrange(20000, 49000)
        if all(_is_free(port + offset + far) for offset in range(6) for far in (0, 10000)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    until = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with urlopen(url, timeout=1):  # noqa: S310 (our own server)
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(f"the S3 server did not start: {log.read_text(errors='replace')[-2000:]}")
