"""The pages around the cards: home with search and tree, and help with problems.

Cards are left to `routes`, sessions to `sessions`. The rendering of a refusal for people is offered
to the application as `problem_page`.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from services.reports.formats.html import Pages
from services.reports.home import Home
from services.reports.negotiation import lang_of
from services.reports.sign_in import LINK_MINUTES
from services.reports.texts.problems import EN, explained
from shared.access import Principal
from shared.errors import Problem, not_found
from shared.security import SESSION_COOKIE, public, require

HTML = "text/html; charset=utf-8"
Text = Annotated[str | None, Query(max_length=100)]
ProblemPage = Callable[[Request, Problem], Awaitable[Response]]


def page_lang(request: Request) -> str:
    """The language of a page; an unknown one is English here, where refusing helps nobody."""
    asked = request.query_params.get("lang")
    accept = request.headers.get("accept-language", "")
    return lang_of(asked if asked in {"en", "ur"} else None, accept)


def problem_page(pages: Pages) -> ProblemPage:
    """What renders a refusal as a page, with its status and headers; 401 offers to sign in."""

    async def render(request: Request, problem: Problem) -> Response:
        lang = page_lang(request)
        if problem.status == 401:
            content = pages.render(
                "sign_in.html",
                lang,
                "/sign-in",
                name=None,
                wrong=None,
                asked=False,
                minutes=LINK_MINUTES,
            )
        else:
            content = pages.render(
                "problem.html",
                lang,
                "/",
                status=problem.status,
                code=problem.code,
                explained=explained(problem.code, lang),
                detail=problem.detail,
                errors=problem.errors,
                retryable=problem.retryable,
            )
        response = Response(
            content, status_code=problem.status, media_type=HTML, headers=problem.headers
        )
        if problem.status == 401 and request.cookies.get(SESSION_COOKIE):
            # A session that ended would otherwise shut its owner out of what is open to all.
            response.delete_cookie(SESSION_COOKIE, path="/")
        elif problem.status == 401 and request.headers.get("sec-fetch-site") == "cross-site":
            # Who follows a link from a mail comes without the cookie; asking again brings it.
            response.headers["Refresh"] = "0"
        return response

    return render


def router(home: Home, pages: Pages) -> APIRouter:
    """`/` and `/problems/{code}`."""
    routes = APIRouter(tags=["pages"], include_in_schema=False)

    @routes.get("/")
    async def home_page(
        request: Request,
        principal: Annotated[Principal, Depends(require("cards:read"))],
        q: Text = None,
        level: Text = None,
    ) -> Response:
        """Where a unit is found."""
        query, wanted = (q or "").strip(), (level or "").strip()
        asked = {"q": query, "level": wanted}
        path = "/?" + urlencode({name: value for name, value in asked.items() if value})
        content = await home.page(page_lang(request), path.rstrip("?"), query, wanted, principal)
        etag = f'W/"{hashlib.sha256(content).hexdigest()[:40]}"'
        headers = {"ETag": etag, "Vary": "Accept-Language, Authorization, Cookie"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=HTML, headers=headers)

    @routes.get("/problems/{code}", dependencies=[Depends(public("help pages"))])
    async def problem_help(request: Request, code: str) -> Response:
        """What a problem's code means."""
        if code not in EN and not (code.isascii() and code.replace("_", "").isalnum()):
            raise not_found("page")
        if len(code) > 60:
            raise not_found("page")
        lang = page_lang(request)
        content = pages.render(
            "help.html", lang, f"/problems/{code}", code=code, explained=explained(code, lang)
        )
        return Response(content, media_type=HTML)

    return routes
