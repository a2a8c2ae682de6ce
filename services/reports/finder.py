"""Finding a unit: by name, by level, or from the top of the tree down.

Owns what the home page lists, and that nothing outside the caller's units is listed. Names come
from this service's copy of the register, as it stands today.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from services.reports import store
from services.reports.figures import Place
from shared.access import Principal
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.domain.codes import canonical_school_code, canonical_unit
from shared.domain.days import day_number

MOST_FOUND = 50
_MOST_TOPS = 4
_MOST_BELOW = 2_000


@dataclass(frozen=True, slots=True)
class Found:
    """Units found, and whether there were more."""

    places: tuple[Place, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A unit with the units directly below it, schools left out."""

    place: Place
    below: tuple[Place, ...]


class Finder:
    """Answers the home page's questions."""

    def __init__(self, database: Database, today: Callable[[], date]) -> None:
        self._database = database
        self._today = today

    @property
    def _day(self) -> int:
        return day_number(self._today())

    async def version(self) -> int:
        """Changes with every change of the register."""
        async with self._database.reading() as tx:
            return await store.newest_version(tx)

    async def named(self, query: str, principal: Principal) -> Found:
        """Units and schools whose name, alias or code holds `query`; 01001 also finds 1001."""
        part = canonical_school_code(query)
        async with self._database.reading() as tx:
            scope = await self._scope(tx, principal)
            found = await store.find(tx, self._day, MOST_FOUND + 1, part=part, scope=scope)
        return _cut(found, MOST_FOUND)

    async def of_level(self, level: str, principal: Principal) -> Found:
        """Units of one level, by name."""
        async with self._database.reading() as tx:
            scope = await self._scope(tx, principal)
            found = await store.find(tx, self._day, _MOST_BELOW + 1, level=level, scope=scope)
        return _cut(found, _MOST_BELOW)

    async def tops(self, principal: Principal) -> list[Place]:
        """Where the caller's view begins: the roots of the tree, or the caller's own units."""
        async with self._database.reading() as tx:
            if principal.units is None:
                return await store.roots(tx, self._day, _MOST_TOPS)
            own = [canonical_unit(unit) for unit in principal.units]
            return await store.named(tx, self._day, own, _MOST_TOPS)

    async def tree(self) -> list[Place]:
        """All units of today's tree by name, schools left out."""
        async with self._database.reading() as tx:
            return await store.tree(tx, self._day)

    async def places(self, unit_ids: Iterable[str]) -> dict[str, Place]:
        """Units and schools by id, those that this service's copy knows."""
        ids = sorted(canonical_unit(unit_id) for unit_id in unit_ids)
        async with self._database.reading() as tx:
            found = await store.named(tx, self._day, ids, len(ids)) if ids else []
        return {place.unit_id: place for place in found}

    async def large_units(self, principal: Principal) -> list[Place]:
        """The caller's units that have units below them, from the top down: for a choice."""
        async with self._database.reading() as tx:
            tree = await store.tree(tx, self._day)
            scope = await self._scope(tx, principal)
        below: dict[str | None, list[Place]] = {}
        for place in tree:
            below.setdefault(place.parent_id, []).append(place)
        own = None if scope is None else set(scope)
        ordered: list[Place] = []
        pending = list(reversed(below.get(None, [])))
        while pending:
            place = pending.pop()
            pending += reversed(below.get(place.unit_id, []))
            if place.unit_id in below and (own is None or place.unit_id in own):
                ordered.append(place)
        return ordered

    async def branches(self, unit_id: str) -> list[Branch]:
        """The units under a unit, and theirs without schools."""
        async with self._database.reading() as tx:
            children = await store.find(tx, self._day, _MOST_BELOW, parents=[unit_id])
            units = [child.unit_id for child in children if child.level != "school"]
            below: dict[str | None, list[Place]] = {}
            for place in await store.find(tx, self._day, _MOST_BELOW, parents=units):
                if place.level != "school":
                    below.setdefault(place.parent_id, []).append(place)
        return [Branch(child, tuple(below.get(child.unit_id, ()))) for child in children]

    async def _scope(self, tx: Tx, principal: Principal) -> list[str] | None:
        if principal.units is None:
            return None
        return await store.under(tx, self._day, [canonical_unit(u) for u in principal.units])


def _cut(found: Sequence[Place], most: int) -> Found:
    return Found(tuple(found[:most]), len(found) > most)
