"""The page of the named lists: which schools stand behind a unit's figures.

Owns its address, what is chosen on it and the links out of it; who is on a list is the indicators'
to say, within the caller's units.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response

from services.reports.cards import Cards
from services.reports.formats.html import Pages
from services.reports.formats.links import card_link, list_link, register_link
from services.reports.listening import LISTENING, Heard, of_list
from services.reports.pages import HTML, Text, page_lang
from services.reports.register_pages import Reader
from shared.access import Principal
from shared.clients.figure_answers import UnitDetail
from shared.clients.list_answers import ListAnswer, ListSize, ListSizes
from shared.clients.lists import ListsClient
from shared.domain.codes import canonical_unit

MONTHS = ("1", "2", "3", "6", "12", "24")
_FIRST = "schools_closed"
_BY_MONTHS = "not_visited"
_PAGE = "100"
# What the page and the unit's card are asked alike.
_OF_CARDS = {"period", "ending", "view", "known_at"}


@dataclass(frozen=True, slots=True)
class ListPage:
    """What the page shows: the unit, all lists with their sizes, and one of them."""

    unit: UnitDetail
    sizes: ListSizes
    chosen: ListSize
    page: ListAnswer
    heard: Heard | None


class Lists:
    """Answers the questions of the page."""

    def __init__(self, client: ListsClient, cards: Cards) -> None:
        self._client = client
        self._cards = cards

    async def page(
        self, unit_id: str, principal: Principal, name: str, asked: Mapping[str, str], cursor: str
    ) -> ListPage:
        """One list of a unit; raises Problem 404 outside the caller's units, 422 for nonsense."""
        unit = await self._cards.unit_for(unit_id, principal)
        window = {key: value for key, value in asked.items() if key != "months"}
        own = asked if name == _BY_MONTHS else window
        paged = {**own, "limit": _PAGE, **({"cursor": cursor} if cursor else {})}
        sizes, page = await asyncio.gather(
            self._client.sizes(unit["unit_id"], asked),
            self._client.one(unit["unit_id"], name, paged),
        )
        chosen = next(each for each in sizes["lists"] if each["list"] == page["list"])
        heard = of_list(sizes, page, self._cards.look_back)
        return ListPage(unit, sizes, chosen, page, heard)


def router(lists: Lists, pages: Pages) -> APIRouter:
    """`/lists/{unit_id}`."""
    routes = APIRouter(tags=["pages"], include_in_schema=False)

    @routes.get("/lists/{unit_id:segments}")
    async def list_page(
        request: Request,
        principal: Reader,
        unit_id: str,
        name: Annotated[str | None, Query(alias="list", max_length=100)] = None,
        period: Text = None,
        ending: Text = None,
        months: Text = None,
        view: Text = None,
        known_at: Text = None,
        cursor: Annotated[str | None, Query(max_length=2000)] = None,
    ) -> Response:
        """The schools on one of a unit's lists, and the sizes of the others."""
        lang = page_lang(request)
        given = {
            "period": period,
            "ending": ending,
            "months": months,
            "view": view,
            "known_at": known_at,
        }
        asked = {key: value for key, value in given.items() if value}
        found = await lists.page(
            canonical_unit(unit_id), principal, name or _FIRST, asked, cursor or ""
        )
        own = found.unit["unit_id"]

        def link(**changed: str) -> str:
            return list_link(own, {"list": name or _FIRST, **asked, **changed, "lang": lang})

        kept = {"list": name, **asked, "cursor": cursor}
        content = pages.render(
            "lists.html",
            lang,
            list_link(own, {key: value for key, value in kept.items() if value}),
            principal=principal,
            v=found,
            heard=found.heard,
            asked=asked,
            months=MONTHS,
            by_months=_BY_MONTHS,
            action=list_link(own, {}),
            known_at=found.page["known_at"],
            state_on=date.fromisoformat(found.page["state_on"]),
            further=bool(cursor),
            may_read_visits=principal.has("visits:read"),
            list_link=link,
            now_link=link(known_at=""),
            card=card_link(own, **{key: asked[key] for key in _OF_CARDS & asked.keys()}, lang=lang),
            csv_link=csv_link(own, found.page["list"], asked),
            link=lambda unit, **query: register_link(unit, **query, lang=lang),
        )
        headers = {} if found.heard is None else {"Content-Security-Policy": LISTENING}
        return Response(content, media_type=HTML, headers=headers)

    return routes


def csv_link(unit_id: str, name: str, asked: Mapping[str, str]) -> str:
    """The address of a list as CSV."""
    kept = {key: value for key, value in asked.items() if key != "months" or name == _BY_MONTHS}
    return f"/v1/units/{quote(unit_id, safe='')}/lists/{name}?" + urlencode(
        {**kept, "format": "csv"}
    )
