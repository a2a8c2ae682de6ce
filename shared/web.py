"""The edge of every service: problems as answers, strict bodies, limits, security headers.

Owns what all routes share. Nothing here echoes input, shows a traceback or names the server.
"""

from collections.abc import Callable, Coroutine, Mapping
from functools import reduce
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.db.errors import Transient
from shared.errors import FieldError, Problem
from shared.security import LIMIT_FIELDS
from shared.segments import segmented
from shared.strict_json import parse, pointer_to

_LOG = structlog.get_logger("rtsm.web")
PROBLEM_TYPE = "application/problem+json"
SINGLE_LIMIT = 256 * 1024
# The registry, rules and targets come in arrays.
ARRAY_LIMIT = 4 * 1024 * 1024
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""The content security policy of every answer that has none of its own: no script runs."""
_POLICY = (b"content-security-policy", POLICY.encode())
_PRIVATE = (b"cache-control", b"private, no-cache")


def problem_response(problem: Problem, instance: str | None = None) -> Response:
    """A Problem as problem+json."""
    return JSONResponse(
        problem.document(instance),
        status_code=problem.status,
        headers=problem.headers,
        media_type=PROBLEM_TYPE,
    )


class StrictRequest(Request):
    """A request whose JSON body means one thing."""

    async def body(self) -> bytes:
        """The body, bounded; raises Problem 413 beyond the limit."""
        if not hasattr(self, "_body"):
            pieces, size = [], 0
            async for piece in self.stream():
                size += len(piece)
                if size > ARRAY_LIMIT:
                    raise too_large(ARRAY_LIMIT)
                pieces.append(piece)
            self._body = b"".join(pieces)
        return self._body

    async def json(self) -> Any:
        """The body as a value; raises Problem 400 or 422."""
        return parse(await self.body())


class StrictRoute(APIRoute):
    """A route that reads bodies strictly: give it to a router as `route_class`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler so that it sees a StrictRequest."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if self.body_field is not None and kind != "application/json":
                raise Problem(415, "unsupported_media_type", "Send application/json.")
            return await handler(StrictRequest(request.scope, request.receive))

        return strict


def too_large(limit: int) -> Problem:
    """The 413 with its limit in bytes."""
    return Problem(
        413, "too_large", f"The body is larger than {limit} bytes.", headers={"Connection": "close"}
    )


_PLACES = {"query": "/query", "path": "/path", "header": "/header", "cookie": "/cookie"}


def _field(error: dict[str, Any]) -> FieldError:
    """A validation error without the input that caused it."""
    place, *rest = [str(part) for part in error["loc"]] or ["body"]
    pointer = reduce(pointer_to, rest, _PLACES.get(place, ""))
    code = {"extra_forbidden": "unknown_key", "missing": "missing"}.get(
        error["type"], error["type"]
    )
    return FieldError(pointer, code, str(error["msg"]))


async def _answer(request: Request, problem: Problem) -> Response:
    render = getattr(request.app.state, "problem_page", None)
    if render is not None and "text/html" in request.headers.get("accept", ""):
        rendered: Response | None = await render(request, problem)
        if rendered is not None:
            return rendered
    return problem_response(problem, request.url.path)


def _allowing(request: Request, headers: dict[str, str]) -> dict[str, str]:
    """The headers with every method of the path in Allow, where the framework tells one route's."""
    if "Allow" in headers:
        methods: set[str] = set()
        for context in iter_route_contexts(request.app.routes):
            route = context.original_route
            if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
                methods |= route.methods or set()
        headers["Allow"] = ", ".join(sorted(methods)) or headers["Allow"]
    return headers


def _of_transient(error: Transient) -> Problem:
    _LOG.warning("store is away", error=str(error))
    return Problem(
        503,
        "store_unavailable",
        "The database does not answer just now; nothing was lost. Please try again.",
        headers={"Retry-After": "3"},
    )


def install_problems(app: FastAPI) -> None:
    """Answer every failure with a problem: ours, the framework's and the unforeseen."""

    async def refused(request: Request, error: Exception) -> Response:
        return await _answer(request, error)  # type: ignore[arg-type]

    async def invalid(request: Request, error: Exception) -> Response:
        fields = [_field(item) for item in error.errors()]  # type: ignore[attr-defined]
        first = fields[0]
        return await _answer(request, Problem(422, "invalid", first.detail, errors=fields[:50]))

    async def framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
        codes = {404: "not_found", 405: "method_not_allowed", 400: "bad_request"}
        details = {404: "There is nothing here.", 405: "This method is not possible here."}
        return await _answer(
            request,
            Problem(
                error.status_code,
                codes.get(error.status_code, "http_error"),
                details.get(error.status_code, "The request cannot be answered."),
                headers=_allowing(request, dict(error.headers or {})),
            ),
        )

    async def transient(request: Request, error: Exception) -> Response:
        return await _answer(request, _of_transient(error))  # type: ignore[arg-type]

    async def gone(request: Request, _: Exception) -> Response:  # nobody is left to read it
        return await _answer(request, Problem(400, "cut_off", "The body was cut off."))

    async def unforeseen(request: Request, error: Exception) -> Response:
        return await _answer(request, _unforeseen(request.url.path, error))

    app.add_exception_handler(Problem, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(Transient, transient)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, unforeseen)


class Application(FastAPI):
    """The framework's application behind our edge: security headers on every answer.

    A request whose (method, path) is in `direct` goes straight to that application, past all of
    the framework's layers: the same address is a declared and documented route as well, and the
    application answers its own Problems.
    """

    def __init__(
        self, direct: Mapping[tuple[str, str], ASGIApp] | None = None, **given: Any
    ) -> None:
        super().__init__(**given)
        self.direct = dict(direct or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `send` that completes the headers."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope = segmented(scope)
        started = False

        async def completed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = message["headers"]
                names = [name for name, _ in headers]
                headers += _SECURITY
                headers += scope.get(LIMIT_FIELDS, ())
                if b"content-security-policy" not in names:
                    headers.append(_POLICY)
                # Answers with credentials are never stored.
                if b"cache-control" not in names:
                    headers.append(_PRIVATE)
            await send(message)

        direct = self.direct.get((scope["method"], scope["path"]))
        if direct is None:
            await super().__call__(scope, receive, completed)
            return
        try:
            await direct(scope, receive, completed)
        except Exception as error:
            if started:
                raise
            await problem_response(_unforeseen(scope["path"], error))(scope, receive, completed)


def _unforeseen(path: str, error: Exception) -> Problem:
    _LOG.error("unforeseen error", path=path, exc_info=error)
    return Problem(500, "internal", "Something went wrong here; it has been logged.")
