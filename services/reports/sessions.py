"""Signing in and out: a key is exchanged once for a session of the same units.

Owns the cookie; keys and sessions themselves are kept by `shared.access`.
"""

from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from services.reports.formats.html import Pages
from services.reports.pages import page_lang
from shared.access import SESSION_HOURS, Access
from shared.errors import Problem
from shared.security import SESSION_COOKIE, public

_HTML = "text/html; charset=utf-8"
_MOST_FORM = 8 * 1024


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small form; raises Problem 413, and 403 when another site posted it."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Problem(403, "foreign_form", "This form was not sent from this site.")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_FORM:
            raise Problem(413, "too_large", "The form is too large.")
    fields = parse_qs(body.decode("utf-8", errors="replace"), max_num_fields=20)
    return {name: values[-1].strip() for name, values in fields.items()}


def router(pages: Pages, access: Access, *, secure: bool) -> APIRouter:
    """`/sign-in` and `/sign-out`; `secure` keeps the cookie to TLS."""
    routes = APIRouter(tags=["pages"], include_in_schema=False)

    def page(request: Request, *, status: int = 200, **values: Any) -> Response:
        content = pages.render("sign_in.html", page_lang(request), "/sign-in", **values)
        return Response(content, status_code=status, media_type=_HTML)

    @routes.get("/sign-in", dependencies=[Depends(public("signing in"))])
    async def sign_in_page(request: Request) -> Response:
        """The form for a key; says who is signed in."""
        token = request.cookies.get(SESSION_COOKIE)
        name = None
        if token:
            try:
                name = (await access.session(token)).name
            except Problem:
                name = None
        return page(request, name=name, wrong=False)

    @routes.post("/sign-in", dependencies=[Depends(public("signing in"))])
    async def sign_in(request: Request) -> Response:
        """Exchange a key for a session of the same units."""
        key = (await _form(request)).get("key", "")
        try:
            token = await access.start_session(key)
        except Problem as problem:
            if problem.status != 401:
                raise
            return page(request, status=401, name=None, wrong=True)
        response = RedirectResponse(f"/?lang={page_lang(request)}", status_code=303)
        response.set_cookie(
            SESSION_COOKIE,
            token,
            max_age=SESSION_HOURS * 3600,
            path="/",
            httponly=True,
            samesite="strict",
            secure=secure,
        )
        return response

    @routes.post("/sign-out", dependencies=[Depends(public("signing out"))])
    async def sign_out(request: Request) -> Response:
        """End the session."""
        await _form(request)
        token = request.cookies.get(SESSION_COOKIE)
        if token:
            await access.end_session(token)
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")
        return response

    return routes
