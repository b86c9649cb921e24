"""The store checks of `podcast doctor`, on good stores and on stores with one fault."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from podcast_pipeline.storage import Store
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.s3.bucket_policy import bucket_policy
from podcast_pipeline.storage.s3.store import S3Store
from podcast_pipeline.storage.self_test import run_self_test
from tests.support.s3 import S3Server

NAMES = [
    "put",
    "put only if absent",
    "put only if unchanged",
    "ranged read",
    "list",
    "anybody reads public/",
    "nobody reads private/",
    "nobody lists",
    "delete",
]


def _failed(store: Store) -> dict[str, str]:
    return {check.name: check.advice for check in run_self_test(store) if not check.ok}


@pytest.fixture(params=["local", "s3", "s3 by URL", "s3 without conditions"])
def good_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return LocalStore(tmp_path, base_url="")
    server: S3Server = request.getfixturevalue("s3_server")
    settings = server.fresh_bucket(
        unsigned_reads=request.param != "s3 by URL",
        conditional_writes=request.param != "s3 without conditions",
    )
    return S3Store(settings, session=server.session)


def test_a_good_store_passes_and_keeps_nothing(good_store: Store) -> None:
    """Every check passes in a store that is set up as it should, and the probe is gone afterwards."""
    assert [(check.name, check.ok, check.advice) for check in run_self_test(good_store)] == [
        (name, True, "") for name in NAMES
    ]
    assert [*good_store.list("public/"), *good_store.list("private/")] == []


def _open_everything(bucket: str) -> dict[str, Any]:
    policy = bucket_policy(bucket)
    policy["Statement"][0]["Resource"] = f"arn:aws:s3:::{bucket}/*"
    return policy


def _let_list(bucket: str) -> dict[str, Any]:
    policy = bucket_policy(bucket)
    may_list = {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}", "Sid": "AnybodyLists"}
    return {**policy, "Statement": [*policy["Statement"], policy["Statement"][0] | may_list]}


@pytest.mark.parametrize(
    ("policy", "failing"),
    [(_open_everything, "nobody reads private/"), (_let_list, "nobody lists")],
)
def test_a_policy_that_opens_too_much_is_found(
    s3_server: S3Server, s3_store: S3Store, policy: Any, failing: str
) -> None:
    """A bucket whose private half, or whose list, is open to anybody fails exactly that check."""
    bucket = s3_store.settings.public_bucket
    s3_server.admin.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(bucket)))
    failed = _failed(s3_store)
    assert list(failed) == [failing]
    assert "set the bucket policy" in failed[failing]


def test_a_missing_policy_is_found(s3_server: S3Server, s3_store: S3Store) -> None:
    """If public/ cannot be read without credentials, that one check fails, with a fix."""
    s3_server.admin.delete_bucket_policy(Bucket=s3_store.settings.public_bucket)
    (failed,) = _failed(s3_store).items()
    assert failed[0] == "anybody reads public/"
    assert "set the bucket policy that `podcast doctor --policy` prints" in failed[1]


def test_a_store_that_ignores_conditions_is_found(s3_store: S3Store) -> None:
    """A store that ignores preconditions would lose an episode of two publishers."""
    strip = ("If-None-Match", "If-Match")

    def ignore(params: dict[str, Any], **_: object) -> None:
        for name in strip:
            params["headers"].pop(name, None)

    s3_store.client.meta.events.register("before-call.s3.PutObject", ignore)
    failed = _failed(s3_store)
    assert list(failed) == ["put only if absent", "put only if unchanged"]
    assert all("storage.conditional_writes = false" in advice for advice in failed.values())


def test_credentials_that_may_not_write_are_found_first(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the put fails, it is the only check."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "readkey")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "readsecret")
    settings = replace(s3_server.fresh_bucket(), public_bucket="pod", private_bucket="pod")
    checks = run_self_test(S3Store(settings))
    assert [(check.name, check.ok) for check in checks] == [("put", False)]
    assert "not allowed with these credentials" in checks[0].advice
