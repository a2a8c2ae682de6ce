"""Asking which unit or school a name means: `GET /v1/units/candidates` and of schools.

Owns the answers' form and who may see which; what is certain and what is near is `naming`'s.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.ingest import documents
from services.ingest.drafts import Drafter
from services.ingest.exchange import json_answer, tagged
from services.ingest.intake import refresh
from services.ingest.registry.book import Book, Records, entry_on
from services.ingest.registry.branches import Whose, by_path
from services.ingest.registry.naming import CODES, Match, Names, Resolution, anyone
from shared.access import Principal
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.domain.codes import SCHOOL_PREFIX, canonical_unit
from shared.domain.days import day_number
from shared.errors import invalid
from shared.queries import Day
from shared.security import require

Reader = Annotated[Principal, Depends(require("registry:read"))]
Name = Annotated[str, Query(min_length=1, max_length=300, description="as it is written")]
Most = Annotated[int, Query(ge=1, le=50)]
On = Annotated[Day | None, Query(description="as everything is called on this day")]
Under = Annotated[
    str | None, Query(min_length=1, max_length=110, description="only under this unit")
]
_UNIT_ANSWER = {
    "resolved": None,
    "ambiguous": False,
    "candidates": [
        {
            "unit_id": "PK-BA-JFB",
            "name": "Jaffarabad",
            "level": "district",
            "parent_id": "PK-BA-DIV-NASIRABAD",
            "path": ["Nasirabad Division", "Balochistan"],
            "matched": "Jaffarabad",
            "by": "name",
            "score": 0.84,
            "ended": False,
        }
    ],
}
_SCHOOL_ANSWER = {
    "resolved": None,
    "ambiguous": False,
    "candidates": [
        {
            "school_code": "01001",
            "name": "GBMIDS SASSAN MANNA",
            "unit_id": "CL-01",
            "path": ["Manna cluster", "Ziarat"],
            "matched": "GBMIDS SASSAN MANNA",
            "by": "name",
            "score": 0.93,
            "ended": False,
        }
    ],
}
Document = dict[str, Any]


class Lookup:
    """Resolves names of units and schools; also for imports, which ask with `unit_named`."""

    def __init__(self, database: Database, drafter: Drafter, units: Book, schools: Book) -> None:
        self._database = database
        self._drafter = drafter
        self.units = units
        self.schools = schools

    def add(self, routes: APIRouter) -> None:
        """Add the addresses of candidates."""

        @routes.get(
            "/v1/units/candidates",
            responses=documents.answers({200: ("What the name may mean", _UNIT_ANSWER)}, 422),
        )
        async def unit_candidates(
            request: Request,
            caller: Reader,
            name: Name,
            level: Annotated[str | None, Query(max_length=100)] = None,
            under: Under = None,
            on: On = None,
            limit: Most = 5,
        ) -> Response:
            """Which unit a name means for certain, and which it may mean; nothing is changed."""
            day = self._day(on)
            async with self._database.reading() as tx:
                await refresh(tx, self._drafter)
                found = await self._unit(tx, _seen(name), day, level, under, limit, caller)
                records = await self.units.records(tx)
            return tagged(
                request, _answer(found, lambda match: self._unit_told(records, match, day))
            )

        @routes.get(
            "/v1/schools/candidates",
            responses=documents.answers({200: ("What the name may mean", _SCHOOL_ANSWER)}, 422),
        )
        async def school_candidates(
            request: Request,
            caller: Reader,
            name: Name,
            unit_id: Under = None,
            on: On = None,
            limit: Most = 5,
        ) -> Response:
            """Which school a name or code means for certain, and which it may mean."""
            day = self._day(on)
            async with self._database.reading() as tx:
                await refresh(tx, self._drafter)
                names = await self.schools.names(tx, day)
                records = await self.schools.records(tx)
                units = await self.units.records(tx)
            fits = self._schools(day, unit_id, caller)
            # Tens of thousands of names: other requests go on meanwhile.
            found = await asyncio.to_thread(names.resolve, _seen(name), fits, anyone, limit)
            return tagged(
                request,
                _answer(found, lambda match: self._school_told(records, units, match, day)),
            )

    async def unit_named(
        self,
        tx: Tx,
        name: str,
        *,
        level: str | None = None,
        under: str | None = None,
        on: date | None = None,
        caller: Principal | None = None,
    ) -> Resolution:
        """Which unit a name in a file means; candidates are for the report, not to be taken.

        A candidate that was found by a code has the unit's name for what was `matched`. With a
        `caller`, only units that its key may see are told.
        """
        day = self._day(on)
        found = await self._unit(tx, name, day, level, under, 5, caller)
        records = await self.units.records(tx)
        return replace(
            found,
            candidates=tuple(
                replace(match, matched=entry_on(records, match.identity, day).name)
                if match.by in CODES
                else match
                for match in found.candidates
            ),
        )

    async def _unit(
        self,
        tx: Tx,
        name: str,
        day: int,
        level: str | None,
        under: str | None,
        limit: int,
        caller: Principal | None,
    ) -> Resolution:
        names: Names = await self.units.names(tx, day)
        records = await self.units.records(tx)
        below = self._fits(day, under, caller)

        def fits(unit_id: str) -> bool:
            wanted = level is None or entry_on(records, unit_id, day).level == level
            return wanted and below(unit_id)

        def stands(unit_id: str) -> bool:
            return not entry_on(records, unit_id, day).ended(day)

        found = names.resolve(name, fits, stands, limit)
        if found.match is not None or found.ambiguous:
            return found
        whose = Whose(fits, stands, self._drafter.register.under)
        return by_path(names, records, name, day, whose) or found

    def _day(self, on: date | None) -> int:
        return day_number(on or self._drafter.stamps.today(self._drafter.zone))

    def _schools(self, day: int, under: str | None, caller: Principal) -> Callable[[str], bool]:
        """Schools under the unit asked for on the day, and under the caller's units today."""
        asked = [([under], day)] if under is not None else []
        if caller.units is not None:
            asked.append((sorted(caller.units), self._day(None)))
        if not asked:
            return anyone
        found = [set(self._drafter.register.schools_under(units, on)) for units, on in asked]
        return set.intersection(*found).__contains__

    def _fits(self, day: int, under: str | None, caller: Principal | None) -> Callable[[str], bool]:
        """Who stands under the unit asked for on the day, and under the caller's units today."""
        register, today = self._drafter.register, self._day(None)
        own = caller.units if caller is not None else None
        asked = None if under is None else [canonical_unit(under)]

        def fits(unit_id: str) -> bool:
            if own is not None and not register.under(unit_id, own, today):
                return False
            return asked is None or register.under(unit_id, asked, day)

        return fits

    def _unit_told(self, records: Records, match: Match, day: int) -> Document:
        entry = entry_on(records, match.identity, day)
        return {
            "unit_id": match.identity,
            "name": entry.name,
            "level": entry.level,
            "parent_id": entry.parent_id,
            "path": self._path(records, match.identity, day),
            **_how(match),
            "ended": entry.ended(day),
        }

    def _school_told(self, schools: Records, units: Records, match: Match, day: int) -> Document:
        entry = entry_on(schools, match.identity, day)
        return {
            "school_code": entry.school_code,
            "name": entry.name,
            "unit_id": entry.unit_id,
            "path": self._path(units, SCHOOL_PREFIX + match.identity, day),
            **_how(match),
            "ended": entry.ended(day),
        }

    def _path(self, units: Records, unit_id: str, day: int) -> list[str]:
        """The names of the units above, nearest first, on a day."""
        above = self._drafter.register.chain(unit_id, day)[1:]
        return [entry_on(units, unit, day).name for unit in above if unit in units]


def _how(match: Match) -> Document:
    return {"matched": match.matched, "by": match.by, "score": match.score}


def _answer(found: Resolution, told: Callable[[Match], Document]) -> Response:
    return json_answer(
        {
            "resolved": None if found.match is None else told(found.match),
            "ambiguous": found.ambiguous,
            "candidates": [told(match) for match in found.candidates],
        }
    )


def _seen(name: str) -> str:
    if not name.strip() or "\x00" in name:
        raise invalid("/query/name", "empty", "A name is needed.")
    return name
