"""The routes of report cards: JSON and HTML under /v1, the unit's page, and the static files.

Owns query parameters and headers of cards; what a card holds is decided in `cards`.
"""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request, Response

from services.reports.cards import Answer, Asked, Cards
from services.reports.formats.html import Pages
from services.reports.formats.view import SORTS, Order
from services.reports.listening import LISTENING
from services.reports.negotiation import FORMS, form_of, lang_of
from services.reports.schemas import CardDocument
from shared.access import Principal
from shared.clients.figure_answers import View
from shared.domain.codes import canonical_unit
from shared.errors import invalid, not_found
from shared.queries import read_instant
from shared.security import public, require

_YEAR = 31_536_000
Text = Annotated[str | None, Query(max_length=100)]
_KNOWN_AT = "only what had been recorded by this instant, register and targets included"
_CARD_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": CardDocument,
        "description": "The card",
        "content": {"text/html": {"schema": {"type": "string"}}},
    },
    304: {"description": "The caller has this card already"},
}


def view_of(asked: str | None) -> View:
    """The view asked for; raises Problem 422."""
    if asked not in {None, "", "as_was", "restated"}:
        raise invalid("/query/view", "invalid_view", "The view is as_was or restated.")
    return cast("View", asked or "as_was")


def sort_of(asked: str | None) -> str:
    """The column by which children are ordered; raises Problem 422."""
    if asked not in {None, "", *SORTS}:
        raise invalid("/query/sort", "invalid_sort", f"Sort by one of {', '.join(SORTS)}.")
    return asked or "name"


def order_of(asked: str | None, sort: str) -> Order:
    """The direction of the order: weakest first, visits and names from the least."""
    if asked not in {None, "", "asc", "desc"}:
        raise invalid("/query/order", "invalid_order", "The order is asc or desc.")
    return cast("Order", asked or "asc") if sort else "asc"


def as_response(answer: Answer, form: str) -> Response:
    """The bytes with their headers, or 304; a page of a card may run its own script."""
    headers = {"ETag": answer.etag, "Vary": "Accept, Accept-Language, Authorization, Cookie"}
    if form == "html":
        headers["Content-Security-Policy"] = LISTENING
    if answer.content is None:
        return Response(status_code=304, headers=headers)
    return Response(answer.content, media_type=FORMS[form], headers=headers)


def router(cards: Cards, pages: Pages) -> APIRouter:
    """`/v1/cards/{unit_id}`, `/units/{unit_id}` and `/static/{name}`."""
    routes = APIRouter()

    async def card(
        request: Request,
        principal: Principal,
        form: str,
        unit_id: str,
        period: str | None,
        ending: str | None,
        view: str | None,
        known_at: str | None,
        lang: str | None,
        sort: str | None,
        order: str | None,
    ) -> Response:
        column = sort_of(sort)
        asked = Asked(
            unit_id=canonical_unit(unit_id),
            period=period or None,
            ending=ending or None,
            view=view_of(view),
            known_at=read_instant(known_at or None, "/query/known_at"),
            lang=lang_of(lang, request.headers.get("accept-language", ""), form),
            form=form,
            sort=column,
            order=order_of(order, column),
        )
        return as_response(
            await cards.answer(asked, principal, request.headers.get("if-none-match")), form
        )

    @routes.get(
        "/v1/cards/{unit_id:segments}",
        tags=["cards"],
        summary="A unit's report card",
        responses=_CARD_ANSWERS,
        response_class=Response,
    )
    async def card_of(
        request: Request,
        principal: Annotated[Principal, Depends(require("cards:read"))],
        unit_id: str,
        period: Text = None,
        ending: Text = None,
        view: Text = None,
        known_at: Annotated[str | None, Query(max_length=100, description=_KNOWN_AT)] = None,
        lang: Text = None,
        format: Text = None,  # noqa: A002 - the wire's name
        sort: Text = None,
        order: Text = None,
    ) -> Response:
        """The figures of a unit with parent, previous period, target, rank, trend and children."""
        form = form_of(format, request.headers.get("accept", ""))
        return await card(
            request, principal, form, unit_id, period, ending, view, known_at, lang, sort, order
        )

    @routes.get("/units/{unit_id:segments}", tags=["pages"], include_in_schema=False)
    async def unit_page(
        request: Request,
        principal: Annotated[Principal, Depends(require("cards:read"))],
        unit_id: str,
        period: Text = None,
        ending: Text = None,
        view: Text = None,
        known_at: Annotated[str | None, Query(max_length=100, description=_KNOWN_AT)] = None,
        lang: Text = None,
        sort: Text = None,
        order: Text = None,
    ) -> Response:
        """The card as a page."""
        return await card(
            request, principal, "html", unit_id, period, ending, view, known_at, lang, sort, order
        )

    @routes.get(
        "/static/{name}",
        tags=["pages"],
        include_in_schema=False,
        dependencies=[Depends(public("style sheets, fonts and one script"))],
    )
    async def static(name: str) -> Response:
        """A style sheet, picture or font; its name changes with its content."""
        file = pages.static_files.get(name)
        if file is None:
            raise not_found("file")
        headers = {"Cache-Control": f"public, max-age={_YEAR}, immutable"}
        return Response(file.content, media_type=file.media_type, headers=headers)

    return routes
