"""The REST API for the newsroom's own programs.

    GET   /api/openapi.json    its description
    …     /api/v1/…            the operations of `web.api.operations`, each with a key of its scope

No cookie is read or set, and no other site's page may read an answer. Logs have ids and no address.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from podcast_pipeline.audience.api.keys import ApiKey, ApiKeys
from podcast_pipeline.audience.api.requests import ApiRequests, Outcome, RequestDiffers, RequestUnderWay
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import Show
from podcast_pipeline.web.api.models import SubscriberFacts, WrongField
from podcast_pipeline.web.api.openapi import LONGEST_IDEMPOTENCY_KEY, PREFIX, openapi_document
from podcast_pipeline.web.api.operations import NO_SUCH_SUBSCRIBER, OPERATIONS, ApiCall, Operation
from podcast_pipeline.web.api.problems import ApiProblem
from podcast_pipeline.web.rate_limit import API_GUESS_LIMIT, API_LIMIT, RateLimiter
from podcast_pipeline.web.request_body import BodyTooLarge, read_body
from podcast_pipeline.web.threads import Purpose, run_with_database

LOG = logging.getLogger("podcast_pipeline.web")
MAX_BODY_BYTES = 64 * 1024
NO_STORE = {"cache-control": "no-store"}
BUSY = {"retry-after": "30"}


@dataclass(frozen=True)
class ApiRoutes:
    """The endpoints of the REST API."""

    subscribers: Subscribers
    rate_limiter: RateLimiter
    clock: Callable[[], datetime]
    show: Show
    plan_ids: tuple[str, ...]
    grace_days: int

    def routes(self) -> list[Route]:
        """Return the routes: one for each path, whose 405 then lists all of its methods."""
        paths: dict[str, dict[str, Operation]] = {}
        for operation in OPERATIONS:
            paths.setdefault(PREFIX + operation.path, {})[operation.method] = operation
        described = Route("/api/openapi.json", self.describe, methods=["GET"])
        return [
            described,
            *(Route(path, self._endpoint(each), methods=[*each]) for path, each in paths.items()),
        ]

    def describe(self, _: Request) -> Response:
        """Return the OpenAPI document."""
        return JSONResponse(openapi_document(title=self.show.title, site_url=self.show.site_url))

    @cached_property
    def _keys(self) -> ApiKeys:
        return ApiKeys(self.subscribers.engine, show_id=self.subscribers.show_id)

    @cached_property
    def _requests(self) -> ApiRequests:
        people = self.subscribers
        return ApiRequests(people.engine, people.show_id, people.secret_key)

    def _endpoint(self, by_method: dict[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            return await self._handle(by_method[method], request)

        return endpoint

    async def _handle(self, operation: Operation, request: Request) -> Response:
        """Answer a request: first the key, then its scope, then the body."""
        key = await self._authenticate(request)
        self.rate_limiter.count_holder(key.id, API_LIMIT)
        if operation.scope not in key.scopes:
            raise ApiProblem(403, f"this key has no scope {operation.scope}")
        try:
            body = await read_body(request, max_bytes=MAX_BODY_BYTES)
        except BodyTooLarge as error:
            raise ApiProblem(413, f"the body has more than {MAX_BODY_BYTES} bytes") from error
        purpose: Purpose = "write" if operation.scope == "subscribers:write" else "read"
        return await run_with_database(purpose, self._answer, operation, request, key, body)

    async def _authenticate(self, request: Request) -> ApiKey:
        self.rate_limiter.check(request, API_GUESS_LIMIT)
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        key = None
        if scheme.lower() == "bearer":
            key = await run_with_database("write", lambda: self._keys.find(text.strip(), now=self.clock()))
        if key is None:
            self.rate_limiter.count(request, API_GUESS_LIMIT)
            raise ApiProblem(401, "give a key that is not revoked", headers={"www-authenticate": "Bearer"})
        return key

    def _answer(self, operation: Operation, request: Request, key: ApiKey, body: bytes) -> Response:
        now = self.clock()
        given = _read_body(operation, body) if operation.has_body else _read_query(operation, request)
        call = ApiCall(
            self.subscribers, self.plan_ids, self.grace_days, key, now, given, _subscriber_id(request)
        )
        name = request.headers.get("idempotency-key")
        try:
            if name is None or operation.method == "GET":
                found = operation.handler(call)
            else:
                found = self._once(name, operation, request, call, body)
        except SubscriberError as error:
            raise _problem_of(error) from error
        return _facts(found, call) if isinstance(found, Outcome) else _json(found, 200)

    def _once(
        self, name: str, operation: Operation, request: Request, call: ApiCall, body: bytes
    ) -> BaseModel | Outcome:
        if not (name.isascii() and name.isprintable() and 0 < len(name) <= LONGEST_IDEMPOTENCY_KEY):
            raise _wrong("Idempotency-Key", f"is not of 1 to {LONGEST_IDEMPOTENCY_KEY} printable characters")
        text = f"{request.method} {request.url.path}\n".encode() + body

        def work() -> Outcome:
            outcome = operation.handler(call)
            assert isinstance(outcome, Outcome)
            return outcome

        try:
            return self._requests.once(call.key, name, text, work, now=call.now)
        except RequestDiffers as error:
            raise _wrong("Idempotency-Key", "was another request's; take a new one") from error
        except RequestUnderWay as error:
            raise ApiProblem(409, "the same request is being carried out; ask again in a minute") from error


def _read_body(operation: Operation, body: bytes) -> Any:
    try:
        return operation.takes.model_validate_json(body or b"{}")
    except ValidationError as error:
        if any(each["type"] == "json_invalid" for each in error.errors(include_input=False)):
            raise ApiProblem(400, "the body is not JSON") from error
        raise _wrong_fields(error, "#/") from error


def _read_query(operation: Operation, request: Request) -> Any:
    try:
        return operation.takes.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise _wrong_fields(error, "") from error


def _wrong_fields(error: ValidationError, root: str) -> ApiProblem:
    """Return the problem of a validation: names of fields and what is wrong, no value."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    errors = tuple(
        WrongField(pointer=root + "/".join(map(str, each["loc"])), detail=each["msg"]) for each in found
    )
    return ApiProblem(422, "a field is wrong", errors=errors)


def _wrong(pointer: str, detail: str) -> ApiProblem:
    return ApiProblem(422, "a header is wrong", errors=(WrongField(pointer=pointer, detail=detail),))


def _subscriber_id(request: Request) -> UUID | None:
    """Return the id in the path; 404 for one that is none."""
    text = request.path_params.get("id")
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise ApiProblem(404, NO_SUCH_SUBSCRIBER) from error


def _problem_of(error: SubscriberError) -> ApiProblem:
    """Return the problem of an error, whose text may have an address: it is neither answered nor logged."""
    if error.subject == "secret key":
        LOG.error("api: the secret key did not make the current links; see `podcast doctor`")
        return ApiProblem(503, "the server is not set up", headers=BUSY)
    if "@" in error.subject or error.subject == "subscriber":
        return ApiProblem(409, "the subscriber was changed or erased meanwhile; look again")
    LOG.error("api: %s", error)
    return ApiProblem(503, "the database is busy", headers=BUSY)


def _facts(outcome: Outcome, call: ApiCall) -> Response:
    """Return the answer of an outcome, with the subscriber as they are now."""
    if outcome.subscriber_id is None:
        return Response(status_code=outcome.status, headers=NO_STORE)
    found = call.people.get(outcome.subscriber_id)
    if found is None:
        raise ApiProblem(404, NO_SUCH_SUBSCRIBER)
    return _json(SubscriberFacts.of(found, call.now), outcome.status)


def _json(answer: BaseModel, status: int) -> Response:
    return JSONResponse(answer.model_dump(mode="json"), status, NO_STORE)
