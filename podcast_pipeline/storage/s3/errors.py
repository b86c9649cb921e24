"""Translate the error codes of S3 and the exceptions of botocore into our errors. Pure."""

from typing import NamedTuple

from podcast_pipeline.errors import Denied, NotFound, PreconditionFailed, StoreError


class ErrorMapping(NamedTuple):
    """The class and the message of our error."""

    kind: type[StoreError]
    message: str


_CREDENTIALS = "rejects these credentials; check AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_DENIED = (
    "access is not allowed with these credentials, or there is no such bucket (some stores answer alike);"
    " check its name in [storage], and the permissions"
)
_REGION = "the bucket is in another region; set storage.region"
_EXPIRED = "the credentials have expired; get new ones and run again"
_CHANGED = "was changed after it was read; read it again"
_FULL = "the store is full; free some space and run again"
_BUSY = "the store is overloaded or broken; run again in a few minutes"
_REFUSED = "the store refused the request; see docs/how-to/storage.md"
_LOST = "the connection broke or stalled; check the network and run again"

ERRORS_BY_CODE = {
    "NoSuchKey": ErrorMapping(NotFound, "there is no such object"),
    "NotFound": ErrorMapping(NotFound, "there is no such object"),
    "NoSuchBucket": ErrorMapping(
        StoreError, "the bucket does not exist; create it, or correct [storage] in show.toml"
    ),
    "PermanentRedirect": ErrorMapping(StoreError, _REGION),
    "AuthorizationHeaderMalformed": ErrorMapping(StoreError, _REGION),
    "AccessDenied": ErrorMapping(Denied, _DENIED),
    "AllAccessDisabled": ErrorMapping(Denied, _DENIED),
    "InvalidAccessKeyId": ErrorMapping(Denied, f"the store {_CREDENTIALS}"),
    "SignatureDoesNotMatch": ErrorMapping(Denied, f"the store {_CREDENTIALS}"),
    "ExpiredToken": ErrorMapping(Denied, _EXPIRED),
    "ExpiredTokenException": ErrorMapping(Denied, _EXPIRED),
    "TokenRefreshRequired": ErrorMapping(Denied, _EXPIRED),
    "RequestTimeTooSkewed": ErrorMapping(Denied, "this machine's clock is wrong; set it and run again"),
    "RequestExpired": ErrorMapping(Denied, "this machine's clock is wrong; set it and run again"),
    "PreconditionFailed": ErrorMapping(PreconditionFailed, _CHANGED),
    "ConditionalRequestConflict": ErrorMapping(PreconditionFailed, _CHANGED),
    "NoSuchUpload": ErrorMapping(PreconditionFailed, "the upload was aborted by another process; run again"),
    "NotImplemented": ErrorMapping(
        StoreError,
        "the store does not support this request; set its preset in [storage], see docs/how-to/storage.md",
    ),
    "QuotaExceeded": ErrorMapping(StoreError, _FULL),
    "InsufficientStorage": ErrorMapping(StoreError, _FULL),
    "XMinioStorageFull": ErrorMapping(StoreError, _FULL),
    "EntityTooLarge": ErrorMapping(
        StoreError, "is larger than this store allows; check the limits of the provider"
    ),
    "BadDigest": ErrorMapping(StoreError, "was damaged in transit; run again"),
    "SlowDown": ErrorMapping(StoreError, _BUSY),
    # exceptions of botocore before, or instead of, a response; by class name
    "NoCredentialsError": ErrorMapping(
        Denied, "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    ),
    "PartialCredentialsError": ErrorMapping(
        Denied, "the credentials are incomplete; set both key id and secret"
    ),
    "ProfileNotFound": ErrorMapping(Denied, "the profile in AWS_PROFILE does not exist; correct AWS_PROFILE"),
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
    "ResponseParserError": ErrorMapping(
        StoreError, "the response is not from S3; check storage.endpoint_url"
    ),
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
    """Return our error for an S3 error code, or for the HTTP status if the code is unknown.

    Args:
        subject: the key.
        code: from the XML, or the status if there is no body (HEAD).
    """
    mapping = ERRORS_BY_CODE.get(code) or ERRORS_BY_STATUS.get(status)
    if mapping is None and status >= 500:
        mapping = ErrorMapping(StoreError, _BUSY)
    kind, message = mapping or ErrorMapping(StoreError, _REFUSED)
    return kind(subject, f"{message} ({code})" if mapping is None else message)


def error_from_exception(subject: str, exception_name: str) -> StoreError:
    """Return our error for a request without a (complete) response, by the name of the exception's class."""
    kind, message = ERRORS_BY_CODE.get(
        exception_name, ErrorMapping(StoreError, f"the request failed in botocore ({exception_name})")
    )
    return kind(subject, message)
