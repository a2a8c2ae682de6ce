"""One consistent view for one answer: the register, the names, the version, how fresh it is.

Owns finding a unit or school by its id, the caller's scope, and the tree on a day. Sums are
`gather`'s, words are `directory`'s.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from services.indicators import directory
from services.indicators.catalogue import Definitions
from services.indicators.directory import Dated, Directory, SchoolRecord, Units
from services.indicators.estimates import Nights, in_force
from services.indicators.freshness import Freshness
from services.indicators.gather import Asked, View
from services.indicators.known import Past, Pasts
from services.indicators.register import Register
from services.indicators.registry_store import Registers
from services.indicators.resemblance import Alike
from services.indicators.spans import Span
from services.indicators.visited_memory import VisitedMonths
from shared.access import Principal
from shared.clients.calendar import CalendarClient
from shared.clients.figure_answers import AsOf, UnitName
from shared.clock import Clock, from_micros, micros, rfc3339
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.domain.codes import SCHOOL_PREFIX, canonical_unit
from shared.domain.days import day_date, day_number
from shared.domain.days import today as local_today
from shared.domain.school_years import SchoolYears
from shared.errors import invalid, not_found

_LOOKING_BACK = 2
_AHEAD = 60_000_000
"""Microseconds by which a caller's clock may be ahead of this one."""


@dataclass(frozen=True, slots=True)
class Place:
    """A unit or a school: its id as it is written, its integer, its name.

    Exactly one of `unit` and `school` is given.
    """

    unit_id: str
    named: UnitName
    unit: int | None = None
    school: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one answer is made from; `tx` is open as long as the snapshot is.

    Of a past instant (`known_at`, microseconds) are register, units and today: what was known then,
    on the day it was then. `present` and `present_day` are those of now: who may see what is never
    a matter of the past. `years` are given when the question names a school year.
    """

    tx: Tx
    register: Register
    units: Units
    today: date
    now: int
    as_of: int
    version: str
    look_back: int
    tree: "Tree"
    definitions: Definitions
    alike: Alike
    present: Register
    present_day: int
    visited: VisitedMonths
    known_at: int | None = None
    without_cells: bool = False
    years: SchoolYears | None = None

    @property
    def day(self) -> int:
        """Today's day number."""
        return day_number(self.today)

    @property
    def knows_until(self) -> int:
        """The instant (microseconds) whose knowledge this is: the one asked for, else `as_of`."""
        return self.as_of if self.known_at is None else self.known_at

    def freshness(self) -> AsOf:
        """How fresh an answer from this snapshot is."""
        asked = self.now if self.known_at is None else min(self.now, self.known_at)
        as_of = min(self.as_of, self.known_at or self.as_of)
        return {
            "as_of": rfc3339(as_of),
            "lag_seconds": max(0.0, round((asked - as_of) / 1_000_000, 3)),
            "version": self.version,
        }

    def asked(
        self, spans: tuple[Span, ...], view: View, received_until: int | None = None
    ) -> Asked:
        """A question to `gather`."""
        return Asked(
            self.register,
            spans,
            view,
            self.day,
            self.look_back,
            received_until,
            self.known_at,
            self.visited,
            None if self.known_at is None or self.without_cells else self.present,
        )

    async def schools(self, codes: Sequence[str]) -> dict[str, Dated[SchoolRecord]]:
        """The versions of these schools by canonical code, as far as they are known."""
        return await directory.schools(self.tx, codes, self.known_at)

    async def find(self, unit_id: str, principal: Principal) -> Place:
        """The unit or school of this id; raises Problem 404 when absent or out of scope."""
        place = await self._find(unit_id)
        if place is None or not self.admits(principal, place):
            raise not_found("unit")
        return place

    async def _find(self, unit_id: str) -> Place | None:
        if not unit_id.startswith(SCHOOL_PREFIX):
            dated = self.units.get(unit_id)
            number = self.register.unit_index.get(unit_id)
            if dated is None or number is None:
                return None
            return Place(unit_id, dated.on(self.day).short(), unit=number)
        code = canonical_unit(unit_id)[len(SCHOOL_PREFIX) :]
        school = self.register.school_index.get(code)
        if school is None:
            return None
        found = (await self.schools([code])).get(code)
        if found is None:
            return None
        named = found.on(self.day).short()
        return Place(named["unit_id"], named, school=school)

    def admits(self, principal: Principal, place: Place) -> bool:
        """Whether the place lies in the caller's units on today's tree."""
        if principal.units is None:
            return True
        above = _above(self.present, place, self.present_day)
        ids = {canonical_unit(place.unit_id), *above}
        return not ids.isdisjoint(map(canonical_unit, principal.units))

    def parents(self, place: Place) -> list[str]:
        """The ids of the units above, nearest first, as the tree stands on the snapshot's day."""
        return _above(self.register, place, self.day)

    def below(self, unit: int, day: int, *, gone: bool = False) -> list[int]:
        """The units directly under a unit on a day, by name; `gone`: those that ended as well."""
        names = self.units
        ids = self.register.unit_ids

        def order(child: int) -> tuple[str, str]:
            return names[ids[child]].on(day).name, ids[child]

        found = self.tree.children(self.register, day).get(unit, [])
        known = (child for child in found if ids[child] in names)
        return sorted((child for child in known if gone or not self.gone(child, day)), key=order)

    def gone(self, unit: int, day: int) -> bool:
        """Whether a unit had ended before a day and no school was left under it."""
        last = self.units[self.register.unit_ids[unit]].on(day).valid_to
        if last is None or last >= day_date(day).isoformat():
            return False
        return self.register.schools_under(unit, day).size == 0

    def direct_schools(self, unit: int, day: int) -> list[int]:
        """The schools whose own unit (cluster) this is on a day."""
        register = self.register
        own = register.path_units[:, 0] == unit
        if not own.any():
            return []
        schools = register.known_schools()
        at = register.segment_at(schools, np.full(schools.size, day, np.int32))
        found: list[int] = schools[own[register.seg_path[at]]].tolist()
        return found

    def unit_place(self, unit: int) -> Place:
        """The place of a unit of the register."""
        unit_id = self.register.unit_ids[unit]
        return Place(unit_id, self.units[unit_id].on(self.day).short(), unit=unit)

    async def school_places(self, schools: list[int]) -> list[Place]:
        """The places of schools of the register, by name."""
        if not schools:
            return []
        codes = [self.register.school_codes[school] for school in schools]
        found = await self.schools(codes)
        places = []
        for school, code in zip(schools, codes, strict=True):
            if code in found:
                named = found[code].on(self.day).short()
                places.append(Place(named["unit_id"], named, school=school))
        return sorted(places, key=lambda place: (place.named["name"], place.unit_id))


def _above(register: Register, place: Place, day: int) -> list[str]:
    """The ids of the units above a place on a day, nearest first."""
    if place.school is not None:
        chain = register.chain(place.school, day)
    else:
        chain = chain_on(register, place.unit_id, day)[1:]
    return [register.unit_ids[unit] for unit in chain]


def chain_on(register: Register, unit_id: str, day: int) -> tuple[int, ...]:
    """The unit and those above it on a day, as the register's integers."""
    timeline = register.timelines.get(unit_id)
    if not timeline:
        return ()
    place = bisect_right(timeline, day, key=lambda held: held[0]) - 1
    return timeline[max(place, 0)][1]


class Tree:
    """Who is directly under whom on a day; a few days of the newest register are remembered."""

    def __init__(self) -> None:
        self._register: Register | None = None
        self._days: dict[int, Mapping[int, list[int]]] = {}

    def children(self, register: Register, day: int) -> Mapping[int, list[int]]:
        """The children of every unit on a day."""
        if register is not self._register or len(self._days) > 64:
            self._register, self._days = register, {}
        found = self._days.get(day)
        if found is None:
            made: dict[int, list[int]] = {}
            for unit_id in register.timelines:
                chain = chain_on(register, unit_id, day)
                if len(chain) > 1:
                    made.setdefault(chain[1], []).append(chain[0])
            found = self._days[day] = made
        return found


class Snapshots:
    """Opens snapshots; keeps between them what a register change does not move."""

    def __init__(  # the parts of the read side, each given once
        self,
        database: Database,
        registers: Registers,
        clock: Clock,
        zone: ZoneInfo,
        look_back: int,
        fresh: Freshness,
        definitions: Definitions,
        calendar: CalendarClient,
    ) -> None:
        self._database = database
        self._registers = registers
        self._clock = clock
        self._zone = zone
        self._look_back = look_back
        self._fresh = fresh
        self._definitions = definitions
        self._calendar = calendar
        self._directory = Directory()
        self._nights = Nights()
        self._tree = Tree()
        self._visited = VisitedMonths()
        self._pasts = Pasts()
        self._past_tree = Tree()
        self._looking_back = asyncio.Semaphore(_LOOKING_BACK)

    async def warm(self) -> None:
        """Read the register and the names before the first caller has to wait for them."""
        async with self.open():
            return

    @asynccontextmanager
    async def open(
        self,
        known_at: int | None = None,
        periods: Sequence[str | None] = (),
        *,
        from_visits: bool = False,
        own_place: bool = False,
        without_cells: bool = False,
    ) -> AsyncIterator[Snapshot]:
        """One consistent view of everything, for one answer.

        With `known_at` (microseconds) of everything that had been recorded by then; raises Problem
        422 for an instant that is still to come. `periods` are those the question will name:
        for a school year the calendar is read. `from_visits`: it reads visits where others read
        cells, and waits for one of the few places for such answers, as all do that ask `known_at`.
        `own_place`: whoever asks bounds such answers itself, because they are long.
        `without_cells`: of a past instant everything is made of visits, nothing of the sums held.
        """
        years = await self._calendar.years_for(periods, known_at)
        # An answer that reads visits where others read cells must not take all readers.
        bounded = not own_place and (from_visits or known_at is not None)
        place = self._looking_back if bounded else nullcontext()
        if known_at is None:
            async with place, self._present() as snapshot:
                yield replace(snapshot, years=years)
            return
        if known_at > micros(self._clock.now()) + _AHEAD:
            detail = "What will be known at a time to come is not known yet."
            raise invalid("/query/known_at", "in_the_future", detail)
        async with place, self._present() as snapshot:
            past = await self._as_known(snapshot, known_at)
            yield replace(past, years=years, without_cells=without_cells)

    async def _as_known(self, now: Snapshot, known_at: int) -> Snapshot:
        """The same view without what was recorded after an instant."""
        past = await self._pasts.at(now.tx, Past(now.register, now.units), known_at)
        today = local_today(from_micros(known_at), self._zone)
        return replace(
            now,
            alike=await in_force(now.tx, known_at),
            register=past.register,
            units=past.units,
            today=today,
            version=f"{now.version}.{known_at}",
            tree=self._tree if past.register is now.register else self._past_tree,
            known_at=known_at,
        )

    @asynccontextmanager
    async def _present(self) -> AsyncIterator[Snapshot]:
        looked = await self._fresh.look()
        async with self._database.reading() as tx:
            register = await self._registers.current(tx)
            units = await self._directory.units(tx)
            as_of = await self._fresh.within(tx, looked)
            alike = await self._nights.at(tx, as_of)
            now = self._clock.now()
            today = local_today(now, self._zone)
            yield Snapshot(
                tx=tx,
                register=register,
                units=units,
                today=today,
                now=micros(now),
                as_of=as_of,
                version=(
                    f"{await _moved(tx)}.{self._definitions.version}"
                    f"-{self._definitions.wording}.{day_number(today)}.{alike.version or 0}"
                ),
                look_back=self._look_back,
                tree=self._tree,
                definitions=self._definitions,
                alike=alike,
                present=register,
                present_day=day_number(today),
                visited=self._visited,
            )


async def _moved(tx: Tx) -> str:
    """A text that changes with every fold: who changed the register last, and how far we came."""
    row = await tx.fetch_one(
        "SELECT (SELECT MAX(change) FROM register_state), (SELECT SUM(next) FROM positions), "
        "(SELECT MAX(seq) FROM journal)"
    )
    return "-".join(str(part or 0) for part in row)
