"""The pages on which visits are looked at and decided about: one visit, and the review queue.

Owns addresses, filters and what is said after a form was sent. Who may see and decide what is left
to `visits` and, in the caller's own name, to ingest.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.reports.finder import Finder
from services.reports.formats.form import sections
from services.reports.formats.html import Pages
from services.reports.formats.links import visit_link
from services.reports.forms import credential, form_token, read_form
from services.reports.pages import HTML, Text, page_lang
from services.reports.texts import words_of
from services.reports.visits import Visits
from shared.access import Principal
from shared.domain.codes import school_unit
from shared.errors import Problem
from shared.security import require

Reader = Annotated[Principal, Depends(require("visits:read"))]
Reviewer = Annotated[Principal, Depends(require("visits:review"))]
Cursor = Annotated[str | None, Query(max_length=600)]
FILTERS = ("state", "unit", "flag", "school", "monitor", "source", "from", "to", "replied")
STATES = ("open", "cleared", "released", "excluded", "all")
DECISIONS = ("exclude", "include", "release")
ROLES = ("school", "officer", "monitor", "community", "other")


def router(visits: Visits, finder: Finder, pages: Pages) -> APIRouter:
    """`/visits/{visit_id}` with its two forms, and `/reviews`."""
    routes = APIRouter(tags=["pages"], include_in_schema=False)
    _visit(routes, visits, pages)
    _queue(routes, visits, finder, pages)
    return routes


def _visit(routes: APIRouter, visits: Visits, pages: Pages) -> None:
    async def shown(
        request: Request,
        caller: Principal,
        visit_id: str,
        source: str | None,
        refused: Problem | None = None,
    ) -> Response:
        lang = page_lang(request)
        found = await visits.one(visit_id, source, caller, credential(request))
        content = pages.render(
            "visit.html",
            lang,
            visit_link(found.record),
            principal=caller,
            v=found,
            form=sections(found.form),
            token=form_token(request),
            refused=refused,
            done=request.query_params.get("done"),
            decisions=DECISIONS if caller.has("visits:review") else (),
            roles=ROLES,
        )
        status = 200 if refused is None else refused.status
        return Response(content, status_code=status, media_type=HTML)

    async def done(
        act: Callable[[str, str | None, dict[str, str], dict[str, str]], Awaitable[object]],
        what: str,
        request: Request,
        caller: Principal,
        visit_id: str,
        source: str | None,
    ) -> Response:
        """Do what a form asks in the caller's name, then the visit again, or what was refused."""
        fields = await read_form(request)
        try:
            await act(visit_id, source, fields, credential(request))
        except Problem as refused:
            if refused.status not in {409, 410, 422}:
                raise
            return await shown(request, caller, visit_id, source, refused)
        asked = {"source": source or "", "done": what, "lang": page_lang(request)}
        address = f"/visits/{quote(visit_id, safe='')}?{urlencode(asked)}#{what}"
        return RedirectResponse(address, status_code=303)

    @routes.get("/visits/{visit_id}")
    async def visit(
        request: Request, caller: Reader, visit_id: str, source: Text = None
    ) -> Response:
        """A visit: what was found, its flags, its history, the replies, and the decision."""
        return await shown(request, caller, visit_id, source)

    @routes.post("/visits/{visit_id}/decision")
    async def decide(
        request: Request, caller: Reviewer, visit_id: str, source: Text = None
    ) -> Response:
        """Exclude, include or release the visit in the caller's name."""
        return await done(visits.decide, "decision", request, caller, visit_id, source)

    @routes.post("/visits/{visit_id}/reply")
    async def reply(
        request: Request, caller: Reader, visit_id: str, source: Text = None
    ) -> Response:
        """Answer to the visit in the caller's name."""
        return await done(visits.reply, "replies", request, caller, visit_id, source)


def _queue(routes: APIRouter, visits: Visits, finder: Finder, pages: Pages) -> None:
    @routes.get("/reviews")
    async def queue(request: Request, caller: Reviewer, after: Cursor = None) -> Response:
        """Visits that somebody should look at, by filters."""
        lang = page_lang(request)
        given = request.query_params
        asked = {name: given.get(name, "").strip()[:100] for name in FILTERS}
        asked["state"] = asked["state"] or "open"
        refused, reviews, following = None, [], None
        try:
            page = await visits.queue({**asked, "after": after}, credential(request))
            reviews = page.document["reviews"]
            following = page.following
        except Problem as problem:
            if problem.status not in {404, 422}:
                raise
            refused = problem
        names = await finder.places({school_unit(each["school_code"]) for each in reviews})
        decided = [each["decisions"][-1]["actor"] for each in reviews if each["decisions"]]
        kept = {name: value for name, value in asked.items() if value}
        content = pages.render(
            "reviews.html",
            lang,
            f"/reviews?{urlencode(kept)}",
            principal=caller,
            reviews=reviews,
            names=names,
            actors=await visits.actors(decided),
            asked=asked,
            refused=refused,
            states=STATES,
            flags=words_of(lang, "flag"),
            units=await finder.large_units(caller),
            following=None
            if following is None
            else "/reviews?" + urlencode(kept | {"after": following["after"], "lang": lang}),
            first=None if after is None else "/reviews?" + urlencode(kept | {"lang": lang}),
        )
        status = 200 if refused is None else refused.status
        return Response(content, status_code=status, media_type=HTML)
