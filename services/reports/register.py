"""The register as people browse it: a unit, what is below it, its schools, and where they stand.

Owns what a page of the register holds. Names and the tree are this service's copy; a school's
attributes and the units' dates are asked from indicators; drawing is left to `formats.map`.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.reports.cards import Cards
from services.reports.figures import Place
from services.reports.finder import Finder, Found
from services.reports.formats.map import Map, Spot, drawn_map
from services.reports.past import Event, events, mentioned
from shared.access import Principal
from shared.clients import figure_answers as wire
from shared.clients.indicators import IndicatorsClient
from shared.clients.ingest import Credential, IngestClient, segment
from shared.clock import Clock
from shared.errors import Problem

SCHOOLS_A_PAGE = 100
# How many schools are kept in memory, for how long: turning a page asks for them again.
_MOST_KEPT = 60_000
_KEEP = timedelta(seconds=30)
_MOST_CANDIDATES = 8


@dataclass(frozen=True, slots=True)
class Below:
    """A unit directly below, and how many schools of each kind it has."""

    place: Place
    schools: int
    open: int
    with_point: int


@dataclass(frozen=True, slots=True)
class UnitPage:
    """What the page of a unit shows."""

    unit: wire.UnitDetail
    below: tuple[Below, ...]
    schools: tuple[wire.School, ...]
    total: int
    open: int
    with_point: int
    page: int
    pages: int
    map: Map | None
    past: tuple[Event, ...]
    named: Mapping[str, Place]


class Register:
    """Answers the questions of the register's pages."""

    def __init__(
        self,
        indicators: IndicatorsClient,
        ingest: IngestClient,
        cards: Cards,
        finder: Finder,
        clock: Clock,
    ) -> None:
        self._indicators = indicators
        self._ingest = ingest
        self._cards = cards
        self._finder = finder
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def tops(self, principal: Principal) -> list[Place]:
        """Where the caller's register begins."""
        return await self._finder.tops(principal)

    async def search(self, query: str, principal: Principal) -> Found:
        """Units and schools by part of a name, an alias or a code."""
        return await self._finder.named(query, principal)

    async def candidates(
        self, query: str, caller: Principal, own: Credential
    ) -> list[dict[str, Any]]:
        """Units whose names are like what was typed, for a person to choose from."""
        asked_as = None if caller.units is None else own
        if asked_as is not None and not caller.has("registry:read"):
            return []
        told = await self._ingest.get("/v1/units/candidates", {"name": query}, asked_as)
        found: list[dict[str, Any]] = told["candidates"]
        return found[:_MOST_CANDIDATES]

    async def unit(
        self, unit_id: str, principal: Principal, own: Credential, page: int, lang: str
    ) -> UnitPage:
        """A unit with what is below it; raises Problem 404 outside the caller's units."""
        unit = await self._cards.unit_for(unit_id, principal)
        schools, tree, (past, named) = await asyncio.gather(
            self._schools(unit["unit_id"]),
            self._finder.tree(),
            self._past(unit["unit_id"], principal, own),
        )
        children = [place for place in tree if place.parent_id == unit["unit_id"]]
        group_of = _groups(tree, children)
        made = await asyncio.to_thread(_map, schools, children, group_of, lang)
        ordered = sorted(schools, key=lambda s: (s["name"].casefold(), s["school_code"]))
        pages = max(1, -(-len(ordered) // SCHOOLS_A_PAGE))
        page = min(max(page, 1), pages)
        begin = (page - 1) * SCHOOLS_A_PAGE
        return UnitPage(
            unit=unit,
            below=_below(schools, children, group_of),
            schools=tuple(ordered[begin : begin + SCHOOLS_A_PAGE]),
            total=len(schools),
            open=sum(_is_open(school) for school in schools),
            with_point=sum(_has_point(school) for school in schools),
            page=page,
            pages=pages,
            map=made,
            past=past,
            named=named,
        )

    async def _past(
        self, unit_id: str, caller: Principal, own: Credential
    ) -> tuple[tuple[Event, ...], dict[str, Place]]:
        """What became of a unit, as far as the caller may know, and the units named there."""
        path = f"/v1/units/{segment(unit_id)}/history"
        asked_as = None if caller.units is None else own
        if asked_as is not None and not caller.has("registry:read"):
            return (), {}
        try:
            history = await self._ingest.get(path, {}, asked_as)
        except Problem as problem:
            if problem.status != 404:
                raise
            return (), {}
        lines = events(history)
        ids, told = mentioned(history, lines)
        places = await self._finder.places(ids)
        return lines, {
            unit: places.get(unit) or Place(unit, told.get(unit, unit), "") for unit in ids
        }

    async def _schools(self, unit_id: str) -> Sequence[wire.School]:
        """All schools under a unit today, at most half a minute old."""
        version, now = await self._finder.version(), self._clock.now()
        kept = self._kept.get(unit_id)
        if kept is None or kept.version != version or now - kept.at > _KEEP:
            found = [school async for school in self._indicators.every_school(unit_id)]
            kept = self._kept[unit_id] = _Kept(version, now, found)
            while sum(len(each.schools) for each in self._kept.values()) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return kept.schools


@dataclass(frozen=True, slots=True)
class _Kept:
    """A unit's schools as they were read."""

    version: int
    at: datetime
    schools: Sequence[wire.School]


def _is_open(school: wire.School) -> bool:
    return school["status"] == "open"


def _has_point(school: wire.School) -> bool:
    return school["lat"] is not None and school["lon"] is not None


def _groups(tree: Sequence[Place], children: Sequence[Place]) -> dict[str, str]:
    """Which of the children each unit below them belongs to."""
    under: dict[str | None, list[str]] = {}
    for place in tree:
        under.setdefault(place.parent_id, []).append(place.unit_id)
    group_of: dict[str, str] = {}
    for child in children:
        pending = [child.unit_id]
        while pending:
            unit_id = pending.pop()
            if unit_id not in group_of:
                group_of[unit_id] = child.unit_id
                pending += under.get(unit_id, [])
    return group_of


def _below(
    schools: Sequence[wire.School], children: Sequence[Place], group_of: dict[str, str]
) -> tuple[Below, ...]:
    groups = [(group_of.get(school["unit_id"] or "", ""), school) for school in schools]
    every = Counter(group for group, _ in groups)
    opened = Counter(group for group, school in groups if _is_open(school))
    placed = Counter(group for group, school in groups if _has_point(school))
    return tuple(
        Below(child, every[child.unit_id], opened[child.unit_id], placed[child.unit_id])
        for child in children
    )


def _map(
    schools: Sequence[wire.School],
    children: Sequence[Place],
    group_of: dict[str, str],
    lang: str,
) -> Map | None:
    spots = [
        Spot(
            school["school_code"],
            school["name"],
            school["lat"],
            school["lon"],
            _is_open(school),
            group_of.get(school["unit_id"] or "", ""),
        )
        for school in schools
        if school["lat"] is not None and school["lon"] is not None
    ]
    return drawn_map(spots, [(child.unit_id, child.called(lang)) for child in children])
