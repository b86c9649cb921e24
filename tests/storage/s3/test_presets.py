"""Settings and store of [storage], and the rules of a bucket."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from podcast_pipeline.config import Config, ShowTable, StorageTable, UrlsTable
from podcast_pipeline.errors import ConfigError
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.open import open_store
from podcast_pipeline.storage.s3.bucket_policy import bucket_policy, cors_rules, lifecycle_rules
from podcast_pipeline.storage.s3.presets import PRESETS, has_conditional_writes, s3_settings
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.paths import ROOT
from tests.support.s3 import S3Server

ENDPOINT = "https://s3.example.net"


def _config(folder: Path, **storage: Any) -> Config:
    show = ShowTable(
        id=UUID(int=1),
        guid=UUID(int=2),
        title="Two Cities",
        description="A show",
        author="A newsroom",
        owner_email="desk@example.org",
        categories=("News",),
    )
    urls = UrlsTable(site="https://show.example.org", media="https://media.example.org/public")
    return Config(folder=folder, show=show, urls=urls, storage=StorageTable(**storage))


def test_local_is_the_default_and_lies_beside_show_toml(tmp_path: Path) -> None:
    """Without [storage] objects are in .podcast/store, under the prefix where there is one."""
    store = open_store(_config(tmp_path, prefix="one"))
    assert isinstance(store, LocalStore)
    store.put("public/x", b"x", content_type="text/plain", cache_control="")
    assert (tmp_path / ".podcast" / "store" / "one" / "public" / "x").read_bytes() == b"x"
    assert store.url("public/x") == "https://media.example.org/public/x"


def test_s3_opens_and_works(s3_server: S3Server, tmp_path: Path) -> None:
    """A [storage] table for SeaweedFS gives a store that writes and reads."""
    bucket = s3_server.fresh_bucket().public_bucket
    store = open_store(
        _config(tmp_path, kind="s3", preset="seaweedfs", public_bucket=bucket, endpoint_url=s3_server.url)
    )
    assert isinstance(store, S3Store)
    info = store.put("private/x", b"x", content_type="text/plain", cache_control="no-cache")
    assert store.get("private/x") == (info, b"x")
    assert store.url("public/x") == "https://media.example.org/public/x"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_completes_the_settings(tmp_path: Path, name: str) -> None:
    """Region, path style and checksums come from the preset, and two buckets satisfy every provider."""
    config = _config(
        tmp_path, kind="s3", preset=name, public_bucket="open", private_bucket="closed", endpoint_url=ENDPOINT
    )
    settings, preset = s3_settings(config), PRESETS[name]
    assert (settings.region, settings.path_style) == (preset.region, preset.path_style)
    assert (settings.checksums, settings.conditional_writes) == (preset.checksums, preset.conditional_writes)
    assert settings.bucket_and_name("public/x") == ("open", "public/x")
    assert settings.bucket_and_name("private/x") == ("closed", "private/x")
    assert preset.source


def test_show_toml_overrides_the_preset(tmp_path: Path) -> None:
    """Every setting of a preset can be overridden."""
    settings_table: dict[str, Any] = {"region": "eu-1", "path_style": False, "checksums": "when_supported"}
    config = _config(
        tmp_path,
        kind="s3",
        preset="ceph",
        public_bucket="pod",
        endpoint_url=ENDPOINT,
        **settings_table,
        conditional_writes=True,
    )
    settings = s3_settings(config)
    assert {name: getattr(settings, name) for name in settings_table} == settings_table
    assert settings.conditional_writes
    assert has_conditional_writes(config)


def test_without_preset_an_endpoint_is_a_server_of_ones_own(tmp_path: Path) -> None:
    """No endpoint means AWS; an endpoint means path style and no checksums in trailers."""
    aws = s3_settings(_config(tmp_path, kind="s3", public_bucket="pod"))
    own = s3_settings(_config(tmp_path, kind="s3", public_bucket="pod", endpoint_url=ENDPOINT))
    assert (aws.path_style, aws.checksums) == (False, "when_supported")
    assert (own.path_style, own.checksums) == (True, "when_required")


@pytest.mark.parametrize("name", ["r2", "b2"])
@pytest.mark.parametrize("private", ["", "pod"])
def test_one_bucket_is_refused_where_no_policy_by_prefix_exists(
    tmp_path: Path, name: str, private: str
) -> None:
    """R2 and B2 open a whole bucket or none, so a single bucket would make the private objects public."""
    config = _config(
        tmp_path, kind="s3", preset=name, public_bucket="pod", private_bucket=private, endpoint_url=ENDPOINT
    )
    with pytest.raises(ConfigError, match="second, closed bucket"):
        s3_settings(config)


@pytest.mark.parametrize(
    ("storage", "line"),
    [
        ({}, "needs public_bucket"),
        ({"public_bucket": "pod", "preset": "minio"}, 'preset = "minio" needs endpoint_url'),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, storage: dict[str, Any], line: str) -> None:
    """A bucket, and outside of AWS an endpoint, must be named."""
    with pytest.raises(ConfigError, match=rf"show\.toml \[storage\]: .*{line}"):
        s3_settings(_config(tmp_path, kind="s3", **storage))


def test_who_decides_races(tmp_path: Path) -> None:
    """A folder and AWS decide about conditions themselves, B2 does not."""
    b2 = {"preset": "b2", "public_bucket": "a", "private_bucket": "b", "endpoint_url": ENDPOINT}
    assert has_conditional_writes(_config(tmp_path))
    assert has_conditional_writes(_config(tmp_path, kind="s3", public_bucket="pod"))
    assert not has_conditional_writes(_config(tmp_path, kind="s3", **b2))


def test_nothing_loads_boto3_in_vain(tmp_path: Path) -> None:
    """Opening a local store imports neither boto3 nor botocore."""
    script = (
        "import sys, podcast_pipeline.storage.open, podcast_pipeline.storage.self_test, "
        "podcast_pipeline.storage.local; print({'boto3', 'botocore'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_docs_show_the_rules_of_the_code() -> None:
    """docs/how-to/storage.md contains the policy, CORS and lifecycle rules of the code."""
    text = (ROOT / "docs" / "how-to" / "storage.md").read_text(encoding="utf-8")
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    assert shown == [bucket_policy("my-show"), cors_rules(), lifecycle_rules()]
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(PRESETS)


@pytest.mark.parametrize(("prefix", "before"), [("", ""), ("shows/one", "shows/one/")])
def test_the_policy_opens_reading_of_public_only(prefix: str, before: str) -> None:
    """Anybody may get objects under public/; no other action and no other key is named."""
    (statement,) = bucket_policy("pod", prefix)["Statement"]
    assert statement["Action"] == "s3:GetObject"
    assert statement["Resource"] == f"arn:aws:s3:::pod/{before}public/*"


def test_cors_never_allows_credentials() -> None:
    """Any web page may GET and HEAD public objects."""
    (rule,) = cors_rules()["CORSRules"]
    assert (rule["AllowedMethods"], rule["AllowedOrigins"]) == (["GET", "HEAD"], ["*"])


def test_a_real_server_accepts_the_rules(s3_server: S3Server) -> None:
    """Policy, CORS and lifecycle are accepted and come back as they were set; a browser gets the header."""
    settings = s3_server.fresh_bucket()
    bucket: Any = settings.public_bucket
    rules: Any = lifecycle_rules("shows/one")
    s3_server.admin.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=rules)
    (rule,) = s3_server.admin.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert s3_server.admin.get_bucket_cors(Bucket=bucket)["CORSRules"] == cors_rules()["CORSRules"]
