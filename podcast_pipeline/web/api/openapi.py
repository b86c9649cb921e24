"""The OpenAPI document of the REST API, made from its table and its models. Source: OpenAPI 3.1.0."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from podcast_pipeline.web.api.models import Problem
from podcast_pipeline.web.api.operations import OPERATIONS, Operation

VERSION = "1"
PREFIX = "/api/v1"
REFERENCE = "#/components/schemas/"
LONGEST_IDEMPOTENCY_KEY = 100

ALWAYS_REFUSED = (401, 403, 422, 429, 503)
REFUSED_WITH_ID = (404,)
REFUSED_BODIES = (400, 404, 409, 413)
UUID_SCHEMA = {"type": "string", "format": "uuid"}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request with the same key has the same outcome, for a day.",
    "schema": {"type": "string", "pattern": f"^[!-~]{{1,{LONGEST_IDEMPOTENCY_KEY}}}$"},
}
Schema = dict[str, Any]


def openapi_document(*, title: str, site_url: str) -> Schema:
    """Return the document of one show's API, in types that JSON can encode."""
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = _operation(operation)
    key = {"type": "http", "scheme": "bearer", "description": "A key, `pk_<id>.<secret>`."}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": VERSION},
        "servers": [{"url": site_url}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": {"key": key}},
    }


def _schemas() -> Schema:
    bodies = {each.takes for each in OPERATIONS if each.has_body}
    answers = {each.answers for each in OPERATIONS if each.answers} | {Problem}
    inputs: list[tuple[type[BaseModel], JsonSchemaMode]] = [(each, "validation") for each in _sorted(bodies)]
    outputs: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (each, "serialization") for each in _sorted(answers)
    ]
    _, schema = models_json_schema([*inputs, *outputs], ref_template=REFERENCE + "{model}")
    definitions: Schema = schema["$defs"]
    return definitions


def _sorted(models: set[type[BaseModel]]) -> list[type[BaseModel]]:
    return sorted(models, key=lambda each: each.__name__)


def _operation(operation: Operation) -> Schema:
    described: Schema = {
        "operationId": operation.name,
        "summary": f"{operation.summary}.",
        "description": f"Scope `{operation.scope}`.",
        "parameters": list(_parameters(operation)),
        "responses": {str(status): _response(operation, status) for status in _statuses(operation)},
    }
    if operation.has_body:
        body = {"application/json": {"schema": {"$ref": REFERENCE + operation.takes.__name__}}}
        described["requestBody"] = {"required": True, "content": body}
    return described


def _parameters(operation: Operation) -> Iterator[Schema]:
    if operation.has_id:
        yield {"name": "id", "in": "path", "required": True, "schema": UUID_SCHEMA}
    if operation.has_body or operation.method == "DELETE":
        yield IDEMPOTENCY_KEY
        return
    for name, schema in operation.takes.model_json_schema().get("properties", {}).items():
        yield {"name": name, "in": "query", "required": False, "schema": schema}


def _statuses(operation: Operation) -> list[int]:
    refused = {*ALWAYS_REFUSED}
    refused |= set(REFUSED_WITH_ID) if operation.has_id else set()
    refused |= set(REFUSED_BODIES) if operation.has_body or operation.method == "DELETE" else set()
    return sorted({*operation.statuses, *refused})


def _response(operation: Operation, status: int) -> Schema:
    response: Schema = {"description": HTTPStatus(status).phrase}
    if status >= 400:
        response["content"] = {"application/problem+json": {"schema": {"$ref": f"{REFERENCE}Problem"}}}
    elif operation.answers:
        schema = {"$ref": REFERENCE + operation.answers.__name__}
        response["content"] = {"application/json": {"schema": schema}}
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return response
