"""The OpenAPI 3.1 document of all services, completed to what partners may rely on.

Owns what every call has in common: a stable name, a sentence, the need of a key, the problems it
can answer with, and examples. The calls themselves are declared by the services.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from services.openapi_examples import ALSO, BODIES, HEADERS, NAMES, PARAMETERS, answers
from shared.security import SESSION_COOKIE, needs_of
from shared.service import Service
from shared.web import PROBLEM_TYPE

Document = dict[str, Any]
_METHODS = ("get", "put", "post", "delete", "patch")
_INSIDE = {"/v1/applied"}
"""Asked between services; the gateway answers 404 to anybody else."""
_TITLES = {
    400: ("BadRequest", "The request or its body cannot be read"),
    401: ("Unauthenticated", "No valid key"),
    403: ("Forbidden", "The key lacks the scope"),
    404: ("NotFound", "There is no such thing, or it is outside the key's units"),
    413: ("TooLarge", "More than is taken at once"),
    415: ("UnsupportedMediaType", "Another content type is expected"),
    422: ("Invalid", "A rule or the schema is broken; errors names the fields"),
    429: ("TooManyRequests", "More requests than the key may make; wait as Retry-After says"),
    500: ("Internal", "Something went wrong here; it has been logged"),
    503: ("Unavailable", "Not now; nothing was lost, wait as Retry-After says"),
}
_PROBLEM: Document = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "retryable"],
    "properties": {
        "type": {"type": "string", "description": "Address of a page that explains it"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "A sentence for a person"},
        "instance": {"type": "string", "description": "The path that was asked for"},
        "retryable": {"type": "boolean", "description": "Whether the same again may succeed"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer to the field"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_WAIT: Document = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "string"}}}
_INFO = """\
Visits come in by `POST /v1/visits`, figures go out by `GET /v1/units/{unit_id}/figures`, cards by
`GET /v1/cards/{unit_id}`. Every call but the open ones needs `Authorization: Bearer <key>`; the
scope it needs stands at the call. What is outside a key's units reads as 404. Every error is a
problem document. Lists are paged by the Link header."""


def document_of(services: Sequence[Service], common: Sequence[APIRouter]) -> Document:
    """The document of these services and of the calls that every process has."""
    app = FastAPI(
        title="RTSM",
        summary="Real Time School Monitoring",
        description=_INFO,
        version="1",
        openapi_url=None,
    )
    for router in (*common, *(service.router for service in services)):
        app.include_router(router)
    document: Document = app.openapi()
    needs = _needs(app)
    for path in _INSIDE & document["paths"].keys():
        del document["paths"][path]
    _shared_parts(document)
    names: set[str] = set()
    given = answers()
    for path, method, operation in operations(document):
        _name(operation, path, method, names)
        _say(operation)
        _secure(operation, needs[method, path])
        _problems(operation, needs[method, path], "{" in path)
        _examples(operation, given)
    cleaned: Document = _portable(document)
    return cleaned


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Every operation of a document with its path and its method in small letters."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _needs(app: FastAPI) -> dict[tuple[str, str], str]:
    """The need that each call declares."""
    return {
        (method.lower(), _template(context.path or route.path)): needs_of(route)[0]
        for context in iter_route_contexts(app.routes)
        if isinstance(route := context.original_route, APIRoute)
        for method in route.methods or ()
    }


def _template(path: str) -> str:
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def _shared_parts(document: Document) -> None:
    parts = document.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    parts["responses"] = {}
    for status, (name, text) in _TITLES.items():
        example = {
            "type": f"/problems/{_CODES[status]}",
            "title": text.split(";")[0],
            "status": status,
            "detail": f"{text}.",
            "retryable": status in {429, 503},
        }
        parts["responses"][name] = {
            "description": text,
            "content": {PROBLEM_TYPE: {"schema": _ref("schemas", "Problem"), "example": example}},
        }
        if status in {429, 503}:
            parts["responses"][name]["headers"] = _WAIT
    parts["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key"},
        "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
    }


_CODES = {
    400: "not_json",
    401: "unauthenticated",
    403: "scope_missing",
    404: "not_found",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    500: "internal",
    503: "store_unavailable",
}


def _ref(kind: str, name: str) -> Document:
    return {"$ref": f"#/components/{kind}/{name}"}


def _name(operation: Document, path: str, method: str, names: set[str]) -> None:
    """The name of the function behind it, with the method where two calls share one."""
    tail = re.sub(r"\W", "_", path)
    given = re.sub(rf"{re.escape(tail)}_\w+$", "", operation["operationId"])
    given = NAMES.get(given, given)
    name = given if given not in names else f"{given}_{method}"
    names.add(name)
    operation["operationId"] = name


def _say(operation: Document) -> None:
    """The first sentence as the summary, all of it as the description."""
    text = operation.get("description", "").strip()
    if text:
        first = re.split(r"(?<=[.;])\s", text.split("\n\n")[0].replace("\n", " "))[0]
        operation["summary"] = first.rstrip(".;")


def _secure(operation: Document, need: str) -> None:
    if need.startswith("public"):
        operation["security"] = []
    else:
        operation["security"] = [{"key": [need]}, {"session": [need]}]


def _problems(operation: Document, need: str, named: bool) -> None:
    """The problems that a call can answer with, beside those it declares itself."""
    told = operation["responses"]
    wanted = {429, 500, 503} | (set() if need.startswith("public") else {401, 403})
    if named or (operation.get("parameters") and not need.startswith("public")):
        wanted.add(404)
    if "requestBody" in operation:
        wanted |= {400, 413, 415, 422}
    if operation.get("parameters"):
        wanted.add(422)
    declared = told.get("422", {}).get("content", {})
    if "application/json" in declared:  # the framework's own, which is never sent
        del told["422"]
    for status in sorted(wanted):
        told.setdefault(str(status), _ref("responses", _TITLES[status][0]))
    for status, answer in told.items():
        if status >= "400" and "$ref" not in answer:
            content = answer.setdefault("content", {PROBLEM_TYPE: {}})
            if PROBLEM_TYPE in content:
                content[PROBLEM_TYPE]["schema"] = _ref("schemas", "Problem")


def _examples(operation: Document, given: Document) -> None:
    """Examples where the call itself has none."""
    name = operation["operationId"]
    if name in HEADERS:
        operation.setdefault("parameters", []).append(HEADERS[name])
    for parameter in operation.get("parameters", ()):
        known = PARAMETERS.get(f"{name}.{parameter['name']}", PARAMETERS.get(parameter["name"]))
        if known is not None and "example" not in parameter and "examples" not in parameter:
            parameter["example"] = known
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None and "example" not in body and name in BODIES:
        body["example"] = BODIES[name]
    for status, answer in operation["responses"].items():
        _media(answer, ALSO.get(name, ()) if status.startswith("2") else ())
        content = answer.get("content", {}).get("application/json")
        if content is not None and status.startswith("2"):
            if "example" not in content and name in given:
                content["example"] = given[name]
            if content.get("schema") in ({}, None):
                content["schema"] = {"type": "object"}


def _media(answer: Document, also: Sequence[str]) -> None:
    """Further types a call can answer with; what ends in +json is an object."""
    content = answer.get("content", {})
    for media in also:
        content.setdefault(media, {"schema": {"type": "string"}})
    for media, shown in content.items():
        if media.endswith("geo+json") and shown.get("schema") == {"type": "string"}:
            shown["schema"] = {"type": "object"}


def _portable(node: Any) -> Any:
    """Patterns as every dialect of regular expressions reads them."""
    if isinstance(node, dict):
        return {
            key: value.replace(r"\Z", "$")
            if key == "pattern" and isinstance(value, str)
            else _portable(value)
            for key, value in node.items()
        }
    return [_portable(item) for item in node] if isinstance(node, list) else node
