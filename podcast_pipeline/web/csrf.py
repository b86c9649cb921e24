"""HTML forms: read the posted fields and check the CSRF token (cross-site request forgery)."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from podcast_pipeline.access import Deny
from podcast_pipeline.web.authorization import AccessDenied
from podcast_pipeline.web.threads import run_with_database

FormFields = dict[str, str]

MAX_FORM_BYTES = 10_000
MAX_FIELDS = 20
FORM_REJECTED = Deny(403, "this form is too old; go back, load the page again, and send it once more")


def csrf_token(cookie: str) -> str:
    """Return the CSRF token for the forms of pages sent with this cookie; a one-way hash of the cookie.

    The forms send it in the hidden field `seal`.
    """
    return hashlib.sha256(b"form:" + cookie.encode()).hexdigest()


def verify_csrf_token(fields: FormFields, cookie: str) -> None:
    """Raise AccessDenied unless the form carries the CSRF token of this browser's cookie."""
    token = fields.get("seal", "").encode()
    if not cookie or not hmac.compare_digest(token, csrf_token(cookie).encode()):
        raise AccessDenied(FORM_REJECTED)


def form_endpoint(
    handler: Callable[[Request, FormFields], Response],
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that reads a form of at most MAX_FORM_BYTES.

    Its handler runs in a thread for writing.
    """

    async def endpoint(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                raise AccessDenied(FORM_REJECTED)
        return await run_with_database("write", handler, request, _fields(body.decode("utf-8", "replace")))

    return endpoint


def _fields(body: str) -> FormFields:
    try:
        return dict(parse_qsl(body, max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise AccessDenied(FORM_REJECTED) from error
