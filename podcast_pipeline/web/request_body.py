"""The body of a request, of bounded size."""

from starlette.requests import Request


class BodyTooLarge(Exception):
    """A request has a larger body than its endpoint takes."""


async def read_body(request: Request, *, max_bytes: int) -> bytes:
    """Return the body; raises BodyTooLarge before all of it is read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise BodyTooLarge
    return bytes(body)
