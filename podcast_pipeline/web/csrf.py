"""Forms: what was posted, and that it was our own page that posted it."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from podcast_pipeline.access import Deny
from podcast_pipeline.web.authorization import AccessDenied

FormFields = dict[str, str]

LONGEST_FORM_BYTES = 10_000
MOST_FIELDS = 20
NOT_OURS = Deny(403, "this form is too old; go back, load the page again, and send it once more")


def csrf_token(cookie: str) -> str:
    """Return what a page of this cookie's browser puts into its forms; it tells nothing of the cookie."""
    return hashlib.sha256(b"form:" + cookie.encode()).hexdigest()


def verify_csrf_token(fields: FormFields, cookie: str) -> None:
    """Raise Refused unless the form came from a page that we gave to this very browser."""
    given = fields.get("seal", "").encode()
    if not cookie or not hmac.compare_digest(given, csrf_token(cookie).encode()):
        raise AccessDenied(NOT_OURS)


def form_endpoint(
    handler: Callable[[Request, FormFields], Response],
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that reads a small form and then works outside the event loop."""

    async def endpoint(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_FORM_BYTES:
                raise AccessDenied(NOT_OURS)
        return await run_in_threadpool(handler, request, _fields(body.decode("utf-8", "replace")))

    return endpoint


def _fields(body: str) -> FormFields:
    try:
        return dict(parse_qsl(body, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise AccessDenied(NOT_OURS) from error
