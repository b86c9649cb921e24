"""What a store's error codes mean to a person. Pure: codes and names in, one of our errors out."""

from typing import NamedTuple

from podcast_pipeline.errors import Denied, NotFound, PreconditionFailed, StoreError


class ErrorMapping(NamedTuple):
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

ERRORS_BY_CODE = {
    "NoSuchKey": ErrorMapping(NotFound, "there is no such object"),
    "NotFound": ErrorMapping(NotFound, "there is no such object"),
    "NoSuchBucket": ErrorMapping(
        StoreError, "the bucket does not exist; make it, or correct [storage] in show.toml"
    ),
    "PermanentRedirect": ErrorMapping(StoreError, _REGION),
    "AuthorizationHeaderMalformed": ErrorMapping(StoreError, _REGION),
    "AccessDenied": ErrorMapping(Denied, "is not allowed with these credentials; check their rights"),
    "AllAccessDisabled": ErrorMapping(Denied, "is not allowed with these credentials; check their rights"),
    "InvalidAccessKeyId": ErrorMapping(Denied, f"the store {_CREDENTIALS}"),
    "SignatureDoesNotMatch": ErrorMapping(Denied, f"the store {_CREDENTIALS}"),
    "ExpiredToken": ErrorMapping(Denied, f"the store {_EXPIRED}"),
    "ExpiredTokenException": ErrorMapping(Denied, f"the store {_EXPIRED}"),
    "TokenRefreshRequired": ErrorMapping(Denied, f"the store {_EXPIRED}"),
    "RequestTimeTooSkewed": ErrorMapping(Denied, "this machine's clock is wrong; set it and run again"),
    "RequestExpired": ErrorMapping(Denied, "this machine's clock is wrong; set it and run again"),
    "PreconditionFailed": ErrorMapping(PreconditionFailed, _CHANGED),
    "ConditionalRequestConflict": ErrorMapping(PreconditionFailed, _CHANGED),
    "NoSuchUpload": ErrorMapping(PreconditionFailed, "its upload was ended by somebody else; run again"),
    "NotImplemented": ErrorMapping(
        StoreError, "needs what this store cannot do; name its preset in [storage], see docs/storage.md"
    ),
    "QuotaExceeded": ErrorMapping(StoreError, _FULL),
    "InsufficientStorage": ErrorMapping(StoreError, _FULL),
    "XMinioStorageFull": ErrorMapping(StoreError, _FULL),
    "EntityTooLarge": ErrorMapping(StoreError, "is larger than this store allows"),
    "BadDigest": ErrorMapping(StoreError, "arrived damaged; run again"),
    "SlowDown": ErrorMapping(StoreError, _BUSY),
    # what botocore raises before, or instead of, an answer; by class name
    "NoCredentialsError": ErrorMapping(
        Denied, "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    ),
    "PartialCredentialsError": ErrorMapping(Denied, "the credentials are incomplete; set key id and secret"),
    "ProfileNotFound": ErrorMapping(Denied, "AWS_PROFILE names a profile that is not there"),
    "EndpointConnectionError": ErrorMapping(
        StoreError, "the store cannot be reached; check the network and storage.endpoint_url"
    ),
    "SSLError": ErrorMapping(
        StoreError, "the store's certificate is not trusted; check storage.endpoint_url, or set AWS_CA_BUNDLE"
    ),
    "ConnectTimeoutError": ErrorMapping(
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
        ErrorMapping(StoreError, _LOST),
    ),
    "ResponseParserError": ErrorMapping(StoreError, "the answer is not S3's; check storage.endpoint_url"),
}

ERRORS_BY_STATUS = {
    401: ERRORS_BY_CODE["InvalidAccessKeyId"],
    403: ERRORS_BY_CODE["AccessDenied"],
    404: ERRORS_BY_CODE["NotFound"],
    409: ERRORS_BY_CODE["ConditionalRequestConflict"],
    412: ERRORS_BY_CODE["PreconditionFailed"],
    429: ERRORS_BY_CODE["SlowDown"],
    501: ERRORS_BY_CODE["NotImplemented"],
    507: ERRORS_BY_CODE["InsufficientStorage"],
}


def error_from_response(subject: str, code: str, status: int) -> StoreError:
    """Return our error for an S3 error code; an unknown one is told by its HTTP status.

    Args:
        subject: the key.
        code: what the XML says, or the status again where there is no body (HEAD).
    """
    meaning = ERRORS_BY_CODE.get(code) or ERRORS_BY_STATUS.get(status)
    if meaning is None and status >= 500:
        meaning = ErrorMapping(StoreError, _BUSY)
    kind, message = meaning or ErrorMapping(StoreError, "was refused; see docs/storage.md")
    return kind(subject, f"{message} ({code})" if meaning is None else message)


def error_from_exception(subject: str, exception_name: str) -> StoreError:
    """Return our error for a request that got no (whole) answer; `name` is the exception's class."""
    kind, message = ERRORS_BY_CODE.get(
        exception_name, ErrorMapping(StoreError, f"failed in botocore ({exception_name})")
    )
    return kind(subject, message)
