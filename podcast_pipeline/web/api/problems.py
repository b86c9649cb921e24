"""Answers of the REST API that refuse a request, as problem details (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

from podcast_pipeline.web.api.models import Problem, WrongField

API_PATH = "/api/"
NO_HEADERS: Mapping[str, str] = {}


class ProblemResponse(JSONResponse):
    """Problem details."""

    media_type = "application/problem+json"


class ApiProblem(Exception):
    """A request is refused.

    Args:
        detail: one line for the program's author, without a value of the request.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: tuple[WrongField, ...] = (),
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        super().__init__(status)
        self.status, self.detail, self.errors, self.headers = status, detail, errors, headers

    def response(self) -> ProblemResponse:
        """Return the answer."""
        return problem_response(self.status, self.detail, errors=self.errors, headers=self.headers)


def problem_response(
    status: int,
    detail: str,
    *,
    errors: tuple[WrongField, ...] = (),
    headers: Mapping[str, str] = NO_HEADERS,
) -> ProblemResponse:
    """Return problem details of a status."""
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)
    all_headers = {**headers, "cache-control": "no-store"}
    return ProblemResponse(problem.model_dump(mode="json"), status, all_headers)
