"""Reading the register: dated records of units and schools, page by page.

Owns filters, paging and entity tags; a key of some units reads what stands under them today.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from services.ingest import documents
from services.ingest.drafts import Drafter
from services.ingest.exchange import json_answer, next_link
from services.ingest.intake import refresh
from services.ingest.registry.reading import FIRST, Cursor, records, version
from shared.access import Principal
from shared.db.engine import Database
from shared.domain.codes import canonical_school_code, canonical_unit
from shared.domain.days import day_number
from shared.errors import invalid
from shared.queries import Day
from shared.security import require

Reader = Annotated[Principal, Depends(require("registry:read"))]
Limit = Annotated[int, Query(ge=1, le=2000)]
After = Annotated[str | None, Query(max_length=600)]
Record = dict[str, Any]
_EVERYTHING = 1_000_000
_LAST_DAY = 2**31 - 1


class Pages:
    """Answers questions about the register."""

    def __init__(self, database: Database, drafter: Drafter) -> None:
        self._database = database
        self._drafter = drafter

    def add(self, routes: APIRouter) -> None:
        """Add the addresses that read."""

        @routes.get(
            "/v1/units",
            responses=documents.answers(
                {200: ("A page", {"units": [documents.UNIT_EXAMPLE]})}, 422
            ),
        )
        async def get_units(
            request: Request,
            caller: Reader,
            q: Annotated[str | None, Query(max_length=100, description="part of a name")] = None,
            level: Annotated[str | None, Query(max_length=100)] = None,
            on: Annotated[Day | None, Query(description="only what holds on this day")] = None,
            after: After = None,
            limit: Limit = 500,
        ) -> Response:
            """List the dated records of units; with `q`, `level` or `on`, one record of each."""
            ids = self._units(caller)
            if q is None and level is None and on is None:
                return await self._page(request, "units", after, limit, ids)
            day = on or self._drafter.stamps.today(self._drafter.zone)
            async with self._database.reading() as tx:
                found, _ = await records(tx, "units", FIRST, _EVERYTHING, ids)
            wanted = [unit for unit in _standing(found, day) if _fits(unit, q, level)]
            return _sliced(request, wanted, after, limit)

        @routes.get(
            "/v1/schools",
            responses=documents.answers(
                {200: ("A page", {"schools": [documents.SCHOOL_EXAMPLE]})}, 422
            ),
        )
        async def get_schools(
            request: Request,
            caller: Reader,
            school: Annotated[str | None, Query(max_length=100)] = None,
            unit_id: Annotated[
                str | None, Query(max_length=110, description="today under it")
            ] = None,
            after: After = None,
            limit: Limit = 500,
        ) -> Response:
            """List the dated records of schools."""
            ids = self._schools(caller, school, unit_id)
            return await self._page(request, "schools", after, limit, ids)

    def _today(self) -> int:
        return day_number(self._drafter.stamps.today(self._drafter.zone))

    def _units(self, caller: Principal) -> list[str] | None:
        if caller.units is None:
            return None
        register, units, today = self._drafter.register, caller.units, self._today()
        return [unit for unit in register.parents if register.under(unit, units, today)]

    def _schools(
        self, caller: Principal, school: str | None, unit_id: str | None
    ) -> list[str] | None:
        chosen: set[str] | None = None
        for units in (caller.units, None if unit_id is None else [canonical_unit(unit_id)]):
            if units is not None:
                under = set(self._drafter.register.schools_under(units, self._today()))
                chosen = under if chosen is None else chosen & under
        if school is not None:
            # No code holds U+0000, and PostgreSQL takes no text that does.
            one = {canonical_school_code(school)} if "\x00" not in school else set()
            chosen = one if chosen is None else chosen & one
        return None if chosen is None else sorted(chosen)

    async def _page(
        self,
        request: Request,
        table: str,
        after: str | None,
        limit: int,
        ids: Sequence[str] | None,
    ) -> Response:
        async with self._database.reading() as tx:
            await refresh(tx, self._drafter)
            tag = f'"{await version(tx)}"'
            if request.headers.get("if-none-match") == tag:
                return Response(status_code=304, headers={"ETag": tag})
            found, onward = await records(tx, table, cursor_of(after), limit, ids)
        answer = json_answer({table: found}, ETag=tag)
        if onward is not None:
            answer.headers["Link"] = next_link(request, written(onward))
        return answer


def _standing(found: Sequence[Record], day: date) -> list[Record]:
    """The record of each unit that holds on a day; the first also holds before its own."""
    standing: dict[str, Record] = {}
    for record in found:
        if record["unit_id"] not in standing or record["valid_from"] <= day.isoformat():
            standing[record["unit_id"]] = record
    return list(standing.values())


def _fits(unit: Record, q: str | None, level: str | None) -> bool:
    if level is not None and unit["level"] != level:
        return False
    if q is None:
        return True
    names = [unit["unit_id"], unit["name"], *unit["names"].values(), *unit["aliases"]]
    return any(q.casefold() in name.casefold() for name in names)


def _sliced(request: Request, wanted: Sequence[Record], after: str | None, limit: int) -> Response:
    last = cursor_of(after)[0]
    rest = [unit for unit in wanted if unit["unit_id"] > last]
    answer = json_answer({"units": rest[:limit]})
    if len(rest) > limit:
        onward = written((rest[limit - 1]["unit_id"], 0))
        answer.headers["Link"] = next_link(request, onward)
    return answer


def written(cursor: Cursor) -> str:
    """A cursor as callers see it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def cursor_of(text: str | None, most: int = _LAST_DAY) -> Cursor:
    """What a cursor means, its number within +-`most`; raises Problem 422."""
    if text is None:
        return FIRST
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        identity, number = msgspec.json.decode(raw, type=tuple[str, int])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise invalid("/query/after", "invalid_cursor", "This is no cursor of ours.") from None
    if "\x00" in identity or abs(number) > most:
        raise invalid("/query/after", "invalid_cursor", "This is no cursor of ours.")
    return identity, number
