"""The differences between S3 providers, and the settings that result from show.toml. Pure."""

from dataclasses import dataclass
from typing import Literal

from podcast_pipeline.config import Config, StorageTable
from podcast_pipeline.errors import ConfigError

Checksums = Literal["when_required", "when_supported"]


@dataclass(frozen=True)
class Preset:
    """The properties of an S3 provider.

    Attributes:
        region: for signatures, unless show.toml sets one.
        path_style: whether the bucket is in the path of a URL, not in its host.
        checksums: when botocore sends and checks its own; over TLS these become a trailer that many stores
            reject or store as Content-Encoding, so only AWS has `when_supported`.
        conditional_writes: whether If-None-Match and If-Match on a PUT are obeyed.
        one_bucket: whether a policy can allow anonymous reads by prefix, so that `public/` and `private/`
            may share a bucket.
        unsigned_reads: whether the S3 endpoint answers unsigned requests; else `public/` is read by URL.
        source: the documentation, or the measurement.
    """

    region: str
    path_style: bool
    checksums: Checksums
    conditional_writes: bool
    one_bucket: bool
    unsigned_reads: bool
    source: str


PRESETS = {
    "aws": Preset(
        region="us-east-1",
        path_style=False,
        checksums="when_supported",
        conditional_writes=True,
        one_bucket=True,
        unsigned_reads=True,
        source="docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
    ),
    "r2": Preset(
        region="auto",
        path_style=True,
        checksums="when_required",
        conditional_writes=True,
        one_bucket=False,
        unsigned_reads=False,
        source="developers.cloudflare.com/r2/api/s3/api and /r2/api/s3/extensions",
    ),
    "b2": Preset(
        region="us-west-004",
        path_style=True,
        checksums="when_required",
        conditional_writes=False,
        one_bucket=False,
        unsigned_reads=True,
        source="backblaze.com/docs/cloud-storage-s3-compatible-api",
    ),
    "minio": Preset(
        region="us-east-1",
        path_style=True,
        checksums="when_required",
        conditional_writes=True,
        one_bucket=True,
        unsigned_reads=True,
        source="docs.min.io/community/minio-object-store/reference/s3-api-compatibility.html",
    ),
    "ceph": Preset(
        region="us-east-1",
        path_style=True,
        checksums="when_required",
        conditional_writes=False,
        one_bucket=True,
        unsigned_reads=True,
        source="radosgw 16.2 rejects even the right If-Match; for a newer one set conditional_writes = true",
    ),
    "seaweedfs": Preset(
        region="us-east-1",
        path_style=True,
        checksums="when_required",
        conditional_writes=True,
        one_bucket=True,
        unsigned_reads=True,
        source="tested with weed 4.48, see docs/evidence/storage.md",
    ),
}


@dataclass(frozen=True)
class S3Settings:
    """The buckets and the client's options; the credentials come from boto3's usual chain.

    Attributes:
        base_url: address of `public/`, without a trailing slash.
        prefix: precedes `public/` and `private/`, "" or "name".
        attempts, connect_timeout_s, read_timeout_s: limit the time of one request, with its retries.
    """

    public_bucket: str
    private_bucket: str
    base_url: str
    prefix: str = ""
    endpoint_url: str | None = None
    region: str = "us-east-1"
    path_style: bool = False
    checksums: Checksums = "when_required"
    conditional_writes: bool = True
    unsigned_reads: bool = True
    attempts: int = 6
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 20.0

    def bucket_and_name(self, key: str) -> tuple[str, str]:
        """Return the bucket of a key or key prefix, and its name in the bucket."""
        bucket = self.public_bucket if key.startswith("public/") else self.private_bucket
        return bucket, f"{self.prefix}/{key}" if self.prefix else key


def s3_settings(config: Config) -> S3Settings:
    """Return the settings of [storage], completed by the preset.

    Raises:
        ConfigError: the bucket or the endpoint is missing, or the provider needs two buckets.
    """
    table = config.storage
    name = _preset_name(table)
    preset = PRESETS[name]
    _check(config, name, preset)
    return S3Settings(
        public_bucket=table.public_bucket,
        private_bucket=table.private_bucket or table.public_bucket,
        base_url=config.media_url,
        prefix=table.prefix,
        endpoint_url=table.endpoint_url,
        region=table.region or preset.region,
        path_style=preset.path_style if table.path_style is None else table.path_style,
        checksums=table.checksums or preset.checksums,
        conditional_writes=has_conditional_writes(config),
        unsigned_reads=preset.unsigned_reads,
    )


def has_conditional_writes(config: Config) -> bool:
    """Return whether the store supports conditional writes; without these a publisher needs a lease."""
    table = config.storage
    if table.kind == "local":
        return True
    if table.conditional_writes is not None:
        return table.conditional_writes
    return PRESETS[_preset_name(table)].conditional_writes


def _preset_name(table: StorageTable) -> str:
    """Return the configured preset, else `aws`, or `minio` if there is an endpoint of one's own."""
    return table.preset or ("aws" if table.endpoint_url is None else "minio")


def _check(config: Config, name: str, preset: Preset) -> None:
    table = config.storage
    where = f"{config.folder / 'show.toml'} [storage]"
    if not table.public_bucket:
        raise ConfigError(where, 'kind = "s3" needs public_bucket = "…"')
    if name != "aws" and table.endpoint_url is None:
        raise ConfigError(where, f'preset = "{name}" needs endpoint_url = "https://…"')
    if not preset.one_bucket and table.private_bucket in ("", table.public_bucket):
        raise ConfigError(
            where,
            f'preset = "{name}" has no policy by prefix, so private objects would be public; '
            "create a second, closed bucket and set it as private_bucket",
        )
