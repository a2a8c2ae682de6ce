"""Finding a unit: by name, by level, or from the top of the tree down.

Owns what the home page lists and that nothing outside the caller's units is listed; names come from
the indicators service.
"""

import asyncio
from dataclasses import dataclass

from services.reports.cards import within
from services.reports.figures import Place
from shared.access import Principal
from shared.clients import figure_answers as wire
from shared.clients.indicators import IndicatorsClient
from shared.errors import Problem

MOST_FOUND = 50
# A unit with more children than this is listed without its grandchildren.
_WIDE = 15


@dataclass(frozen=True, slots=True)
class Found:
    """Units found, and whether there were more."""

    places: tuple[Place, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A unit with the units directly below it."""

    place: Place
    below: tuple[Place, ...]


def place_of(unit: wire.Unit) -> Place:
    """A unit of a list as a place."""
    return Place(
        unit["unit_id"], unit["name"], unit["level"], dict(unit["names"] or {}), unit["parent_id"]
    )


class Finder:
    """Answers the home page's questions."""

    def __init__(self, indicators: IndicatorsClient) -> None:
        self._indicators = indicators

    async def named(self, query: str, principal: Principal) -> Found:
        """Units and schools whose name, alias or code holds `query`."""
        return await self._visible((await self._indicators.units(q=query))["units"], principal)

    async def of_level(self, level: str, principal: Principal) -> Found:
        """Units of one level."""
        return await self._visible((await self._indicators.units(level=level))["units"], principal)

    async def _visible(self, units: list[wire.Unit], principal: Principal) -> Found:
        if principal.units is None:
            shown = units
        else:
            details = await asyncio.gather(
                *(self._indicators.unit(unit["unit_id"]) for unit in units)
            )
            shown = [
                unit
                for unit, detail in zip(units, details, strict=True)
                if within(principal, detail)
            ]
        places = sorted((place_of(unit) for unit in shown), key=lambda place: place.name.casefold())
        return Found(tuple(places[:MOST_FOUND]), len(places) > MOST_FOUND)

    async def tops(self, principal: Principal) -> list[wire.Unit]:
        """Where the caller's view begins: the roots of the tree, or the caller's own units."""
        if principal.units is not None:
            answers = await asyncio.gather(
                *(self._indicators.unit(unit_id) for unit_id in sorted(principal.units)),
                return_exceptions=True,
            )
            found: list[wire.Unit] = []
            for answer in answers:
                if isinstance(answer, Problem) and answer.status == 404:
                    continue
                if isinstance(answer, BaseException):
                    raise answer
                found.append(answer)
            return found
        units = (await self._indicators.units())["units"]
        roots = [unit for unit in units if unit["parent_id"] is None]
        if roots or not units:
            return roots
        # The first page of a large register may hold no root: go up from any unit.
        detail = await self._indicators.unit(units[0]["unit_id"])
        top = await self._indicators.unit(detail["chain"][-1]["unit_id"])
        return [top]

    async def branches(self, unit_id: str) -> list[Branch]:
        """The units under a unit and theirs: two levels of the tree, without schools."""
        children = (await self._indicators.children(unit_id))["children"]
        if len(children) > _WIDE or any(child["level"] == "school" for child in children):
            return [Branch(place_of(child), ()) for child in children]
        below = await asyncio.gather(
            *(self._indicators.children(child["unit_id"]) for child in children)
        )
        return [
            Branch(
                place_of(child),
                tuple(place_of(unit) for unit in answer["children"] if unit["level"] != "school"),
            )
            for child, answer in zip(children, below, strict=True)
        ]
