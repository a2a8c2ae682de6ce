"""The pages of the register: a unit with its map, and a school with its visits and history.

Owns addresses and parameters; what the pages hold is decided in `register` and `schools`.
"""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.reports.formats.html import Pages
from services.reports.formats.links import register_link
from services.reports.forms import credential
from services.reports.pages import HTML, Text, page_lang
from services.reports.register import Register
from services.reports.schools import Schools
from shared.access import Principal
from shared.domain.codes import SCHOOL_PREFIX, canonical_unit
from shared.security import require

Reader = Annotated[Principal, Depends(require("cards:read"))]
Number = Annotated[int, Query(ge=1, le=100_000)]


def router(register: Register, schools: Schools, pages: Pages) -> APIRouter:
    """`/register`, `/register/{unit_id}` and `/schools/{school_code}`."""
    routes = APIRouter(tags=["pages"], include_in_schema=False)

    def link(lang: str) -> dict[str, Any]:
        return {"link": lambda unit_id, **query: register_link(unit_id, **query, lang=lang)}

    @routes.get("/register")
    async def top(request: Request, principal: Reader, q: Text = None) -> Response:
        """Where the register begins, or what a search finds in it."""
        lang, query = page_lang(request), (q or "").strip()
        tops = await register.tops(principal)
        if not query and len(tops) == 1:
            address = register_link(tops[0].unit_id, lang=request.query_params.get("lang") or "")
            return RedirectResponse(address, status_code=303)
        found = await register.search(query, principal) if query else None
        alike: list[dict[str, Any]] = []
        if found is not None and not found.places:
            alike = await register.candidates(query, principal, credential(request))
        path = "/register" + (f"?{urlencode({'q': query})}" if query else "")
        content = pages.render(
            "register_top.html",
            lang,
            path,
            principal=principal,
            tops=tops,
            query=query,
            found=found,
            alike=alike,
            **link(lang),
        )
        return Response(content, media_type=HTML)

    @routes.get("/register/{unit_id:segments}")
    async def unit(request: Request, principal: Reader, unit_id: str, page: Number = 1) -> Response:
        """A unit: its dates, what is below it, its schools and their map."""
        lang = page_lang(request)
        if unit_id.startswith(SCHOOL_PREFIX):
            return RedirectResponse(register_link(canonical_unit(unit_id)), status_code=308)
        found = await register.unit(
            canonical_unit(unit_id), principal, credential(request), page, lang
        )
        content = pages.render(
            "register.html",
            lang,
            register_link(found.unit["unit_id"], page=page if page > 1 else ""),
            principal=principal,
            v=found,
            query="",
            **link(lang),
        )
        return Response(content, media_type=HTML)

    @routes.get("/schools/{school_code:segments}")
    async def school(
        request: Request,
        principal: Reader,
        school_code: str,
        page: Number = 1,
    ) -> Response:
        """A school: what the register says of it, since when, and its visits."""
        lang = page_lang(request)
        found = await schools.page(school_code, principal, credential(request), page)
        address = register_link(f"{SCHOOL_PREFIX}{found.code}", page=page if page > 1 else "")
        content = pages.render(
            "school.html",
            lang,
            address,
            principal=principal,
            v=found,
            **link(lang),
        )
        return Response(content, media_type=HTML)

    return routes
