"""What a store's error codes mean to a person. Pure: codes and names in, one of our errors out."""

from typing import NamedTuple

from podcast_pipeline.errors import Conflict, Denied, NotFound, StoreError


class Meaning(NamedTuple):
    """The kind of error, and what to say."""

    kind: type[StoreError]
    message: str


_CREDENTIALS = "refuses these credentials; check AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_REGION = "the bucket is in another region; set storage.region"
_EXPIRED = "says the credentials have expired; get new ones and run again"
_CHANGED = "was changed since it was read; read again"
_FULL = "cannot be stored, the store is full; make room and run again"
_BUSY = "failed because the store is overloaded or broken; run again in a few minutes"
_LOST = "failed because the connection broke or stalled; check the network and run again"

MEANINGS = {
    "NoSuchKey": Meaning(NotFound, "there is no such object"),
    "NotFound": Meaning(NotFound, "there is no such object"),
    "NoSuchBucket": Meaning(
        StoreError, "the bucket does not exist; make it, or correct [storage] in show.toml"
    ),
    "PermanentRedirect": Meaning(StoreError, _REGION),
    "AuthorizationHeaderMalformed": Meaning(StoreError, _REGION),
    "AccessDenied": Meaning(Denied, "is not allowed with these credentials; check their rights"),
    "AllAccessDisabled": Meaning(Denied, "is not allowed with these credentials; check their rights"),
    "InvalidAccessKeyId": Meaning(Denied, f"the store {_CREDENTIALS}"),
    "SignatureDoesNotMatch": Meaning(Denied, f"the store {_CREDENTIALS}"),
    "ExpiredToken": Meaning(Denied, f"the store {_EXPIRED}"),
    "ExpiredTokenException": Meaning(Denied, f"the store {_EXPIRED}"),
    "TokenRefreshRequired": Meaning(Denied, f"the store {_EXPIRED}"),
    "RequestTimeTooSkewed": Meaning(Denied, "this machine's clock is wrong; set it and run again"),
    "RequestExpired": Meaning(Denied, "this machine's clock is wrong; set it and run again"),
    "PreconditionFailed": Meaning(Conflict, _CHANGED),
    "ConditionalRequestConflict": Meaning(Conflict, _CHANGED),
    "NoSuchUpload": Meaning(Conflict, "its upload was ended by somebody else; run again"),
    "NotImplemented": Meaning(
        StoreError, "needs what this store cannot do; name its preset in [storage], see docs/storage.md"
    ),
    "QuotaExceeded": Meaning(StoreError, _FULL),
    "InsufficientStorage": Meaning(StoreError, _FULL),
    "XMinioStorageFull": Meaning(StoreError, _FULL),
    "EntityTooLarge": Meaning(StoreError, "is larger than this store allows"),
    "BadDigest": Meaning(StoreError, "arrived damaged; run again"),
    "SlowDown": Meaning(StoreError, _BUSY),
    # what botocore raises before, or instead of, an answer; by class name
    "NoCredentialsError": Meaning(
        Denied, "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    ),
    "PartialCredentialsError": Meaning(Denied, "the credentials are incomplete; set key id and secret"),
    "ProfileNotFound": Meaning(Denied, "AWS_PROFILE names a profile that is not there"),
    "EndpointConnectionError": Meaning(
        StoreError, "the store cannot be reached; check the network and storage.endpoint_url"
    ),
    "SSLError": Meaning(
        StoreError, "the store's certificate is not trusted; check storage.endpoint_url, or set AWS_CA_BUNDLE"
    ),
    "ConnectTimeoutError": Meaning(
        StoreError, "the store cannot be reached; check the network and storage.endpoint_url"
    ),
    **dict.fromkeys(
        (
            "ConnectionClosedError",
            "HTTPClientError",
            "IncompleteReadError",
            "ReadTimeoutError",
            "ResponseStreamingError",
        ),
        Meaning(StoreError, _LOST),
    ),
    "ResponseParserError": Meaning(StoreError, "the answer is not S3's; check storage.endpoint_url"),
}

STATUSES = {
    401: MEANINGS["InvalidAccessKeyId"],
    403: MEANINGS["AccessDenied"],
    404: MEANINGS["NotFound"],
    409: MEANINGS["ConditionalRequestConflict"],
    412: MEANINGS["PreconditionFailed"],
    429: MEANINGS["SlowDown"],
    501: MEANINGS["NotImplemented"],
    507: MEANINGS["InsufficientStorage"],
}


def from_answer(subject: str, code: str, status: int) -> StoreError:
    """Return our error for an S3 error code; an unknown one is told by its HTTP status.

    Args:
        subject: the key.
        code: what the XML says, or the status again where there is no body (HEAD).
    """
    meaning = MEANINGS.get(code) or STATUSES.get(status)
    if meaning is None and status >= 500:
        meaning = Meaning(StoreError, _BUSY)
    kind, message = meaning or Meaning(StoreError, "was refused; see docs/storage.md")
    return kind(subject, f"{message} ({code})" if meaning is None else message)


def from_failure(subject: str, name: str) -> StoreError:
    """Return our error for a request that got no (whole) answer; `name` is the exception's class."""
    kind, message = MEANINGS.get(name, Meaning(StoreError, f"failed in botocore ({name})"))
    return kind(subject, message)
