"""Who may call a route: declared on the route, refused by default.

Every route declares exactly one need with `require` or `public`; an application with an undeclared
route does not start. Which units a caller may see is enforced by the service that knows the tree.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount, Route
from starlette.types import Scope

from shared.access import ANONYMOUS, Access, Principal, unauthenticated
from shared.errors import Problem
from shared.queries import refuse_unnamed

SESSION_COOKIE = "rtsm_session"
LIMIT_FIELDS = "rtsm.limit_fields"
_FRAMEWORK = {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}


def bearer(header: str | None) -> str | None:
    """The key in an Authorization header, or None."""
    if header is None:
        return None
    kind, _, key = header.partition(" ")
    return key.strip() if kind.lower() == "bearer" else None


async def caller(request: Request) -> Principal | None:
    """Who is asking, by key or by session; None when nobody says; raises Problem 401."""
    access: Access = request.app.state.platform.access
    header = request.headers.get("authorization")
    if header is not None:
        key = bearer(header)
        if key is None:
            raise unauthenticated()
        return await access.authenticate(key)
    token = request.cookies.get(SESSION_COOKIE)
    return await access.session(token) if token else None


async def counted(scope: Scope, access: Access, principal: Principal) -> None:
    """Count a request against its key's limit, once; raises Problem 429 when that is used up.

    The limit's header fields are left in the request's scope: every answer carries them.
    """
    if principal.limit is None or LIMIT_FIELDS in scope:
        return
    standing = await access.limits.count(principal.line, principal.limit)
    scope[LIMIT_FIELDS] = standing.fields()
    if not standing.admitted:
        raise standing.problem()


def require(scope: str, *, within_units: bool = False) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency that admits callers who hold `scope`, and says who they are.

    With `public_read` set, `cards:read` admits everybody. What needs `admin` is the whole
    deployment's, and closed to keys of some units, unless the route keeps them `within_units`
    itself, as those of every other scope do. Raises Problem 401, 403 or 429, and for a GET with
    parameters that its route does not name, 422: a stranger is told nothing but 401. Open routes
    are called by other people's programs and mails, which add parameters of their own.
    """

    async def admitted(request: Request) -> Principal:
        principal = await let_in(request)
        refuse_unnamed(request)
        return principal

    async def let_in(request: Request) -> Principal:
        principal = await caller(request)
        if principal is None:
            if scope == "cards:read" and request.app.state.platform.settings.public_read:
                return ANONYMOUS
            raise unauthenticated()
        await counted(request.scope, request.app.state.platform.access, principal)
        principal.need(scope)
        if scope == "admin" and principal.units is not None and not within_units:
            raise Problem(403, "outside_your_units", "This needs a key of the whole deployment.")
        return principal

    admitted.need = scope  # type: ignore[attr-defined]
    return admitted


def public(reason: str) -> Callable[[], Awaitable[None]]:
    """A dependency that marks a route as open to everybody, with the reason."""

    async def admitted() -> None:
        return None

    admitted.need = f"public: {reason}"  # type: ignore[attr-defined]
    return admitted


def needs_of(route: Any) -> list[str]:
    """What a route declares, found in its dependencies or on its ASGI endpoint."""
    if isinstance(route, APIRoute):
        pending, found = list(route.dependant.dependencies), []
        while pending:
            dependency = pending.pop()
            pending += dependency.dependencies
            need = getattr(dependency.call, "need", None)
            if need is not None:
                found.append(str(need))
        return found
    need = getattr(getattr(route, "endpoint", getattr(route, "app", None)), "need", None)
    return [] if need is None else [str(need)]


def declared_routes(app: FastAPI) -> list[Any]:
    """Every route of an application, those of included routers too."""
    return [context.original_route for context in iter_route_contexts(app.routes)]


def refuse_undeclared(app: FastAPI) -> None:
    """Raise RuntimeError when any route lacks a declared need: nothing is open by oversight."""
    for route in declared_routes(app):
        path = getattr(route, "path", "")
        if path in _FRAMEWORK and isinstance(route, Route):
            continue
        if isinstance(route, Mount) and getattr(route.app, "need", None):
            continue
        if len(set(needs_of(route))) != 1:
            raise RuntimeError(f"{path} must declare exactly one need, has {needs_of(route)}")
