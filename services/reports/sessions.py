"""Signing in and out: by a link in a mail, or with a key, to a session that is never wider.

Owns the cookie and the pages; links are made by `sign_in`, keys and sessions themselves are kept by
`shared.access`.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import RedirectResponse

from services.reports.formats.html import Pages
from services.reports.forms import read_form
from services.reports.pages import HTML, page_lang
from services.reports.sign_in import LINK_MINUTES, SignIn
from shared.access import SESSION_HOURS, Access, Principal
from shared.errors import Problem
from shared.security import SESSION_COOKIE, public

_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}")
_MOST_FORM = 8 * 1024
_NEVER_KEPT = {"Cache-Control": "no-store"}
Token = Annotated[str, Path(max_length=100)]


@dataclass(frozen=True, slots=True)
class Door:
    """What the routes work with; `secure` keeps the cookie to TLS."""

    pages: Pages
    access: Access
    sign_in: SignIn
    secure: bool

    async def page(
        self,
        request: Request,
        *,
        status: int = 200,
        wrong: Literal["key", "email", "link"] | None = None,
        asked: bool = False,
    ) -> Response:
        """The page with both ways in; says who is signed in."""
        who = await _who(request, self.access)
        content = self.pages.render(
            "sign_in.html",
            page_lang(request),
            "/sign-in",
            principal=who,
            name=None if who is None else who.name,
            wrong=wrong,
            asked=asked,
            minutes=LINK_MINUTES,
        )
        return Response(content, status_code=status, media_type=HTML, headers=_NEVER_KEPT)

    def signed_in(self, request: Request, token: str) -> Response:
        """On to the first page, with the session's cookie."""
        response = RedirectResponse(f"/?lang={page_lang(request)}", status_code=303)
        response.set_cookie(
            SESSION_COOKIE,
            token,
            max_age=SESSION_HOURS * 3600,
            path="/",
            httponly=True,
            samesite="strict",
            secure=self.secure,
        )
        return response


def router(door: Door) -> APIRouter:
    """`/sign-in`, its links and `/sign-out`."""
    routes = APIRouter(tags=["pages"], include_in_schema=False)
    _keys(routes, door)
    _links(routes, door)
    return routes


def _keys(routes: APIRouter, door: Door) -> None:
    @routes.get("/sign-in", dependencies=[Depends(public("signing in"))])
    async def sign_in_page(request: Request) -> Response:
        """The forms for an address and for a key; says who is signed in."""
        return await door.page(request)

    @routes.post("/sign-in", dependencies=[Depends(public("signing in"))])
    async def sign_in_by_key(request: Request) -> Response:
        """Exchange a key for a session of the same units."""
        key = (await read_form(request, token=False, most=_MOST_FORM)).get("key", "")
        try:
            token = await door.access.start_session(key)
        except Problem as problem:
            if problem.status != 401:
                raise
            return await door.page(request, status=401, wrong="key")
        return door.signed_in(request, token)

    @routes.post("/sign-out", dependencies=[Depends(public("signing out"))])
    async def sign_out(request: Request) -> Response:
        """End the session."""
        await read_form(request, token=False, most=_MOST_FORM)
        token = request.cookies.get(SESSION_COOKIE)
        if token:
            await door.sign_in.end(token)
        response = RedirectResponse(f"/sign-in?lang={page_lang(request)}", status_code=303)
        response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")
        return response


def _links(routes: APIRouter, door: Door) -> None:
    @routes.post("/sign-in/mail", dependencies=[Depends(public("signing in"))])
    async def ask_for_link(request: Request) -> Response:
        """Mail a link to the address, if anybody has it: the answer is the same for all."""
        email = (await read_form(request, token=False, most=_MOST_FORM)).get("email", "")
        if not _ADDRESS.fullmatch(email):
            return await door.page(request, status=422, wrong="email")
        await door.sign_in.ask(email)
        return await door.page(request, asked=True)

    @routes.get("/sign-in/link/{token}", dependencies=[Depends(public("a link is a secret"))])
    async def link_page(request: Request, token: Token) -> Response:
        """A button; opening the link changes nothing, because programs open links too."""
        lang, good = page_lang(request), await door.sign_in.good(token)
        content = door.pages.render(
            "sign_in_link.html", lang, f"/sign-in/link/{token}", token=token, good=good
        )
        status = 200 if good else 410
        return Response(content, status_code=status, media_type=HTML, headers=_NEVER_KEPT)

    @routes.post("/sign-in/link/{token}", dependencies=[Depends(public("a link is a secret"))])
    async def use_link(request: Request, token: Token) -> Response:
        """Use the link, once."""
        await read_form(request, token=False, most=_MOST_FORM)
        session = await door.sign_in.use(token)
        if session is None:
            return await door.page(request, status=410, wrong="link")
        return door.signed_in(request, session)


async def _who(request: Request, access: Access) -> Principal | None:
    """Who is signed in in this browser."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    try:
        return await access.session(token)
    except Problem:
        return None
