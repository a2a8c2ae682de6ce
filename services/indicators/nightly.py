"""Every night: how alike the answers of one school were over the last year (04 §6).

Owns when an estimate is due, which schools it is made from, and the writing of its rows. One
instance writes a night; the others find it done. Reading is `estimates`', the arithmetic
`resemblance`'s.

A night is recorded as a visit is: at an instant that is chosen under the journal's lock and
committed before the lock is let go of, so that no answer had been given for it.
"""

import asyncio
import zlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import structlog

from services.indicators import read_store
from services.indicators.catalogue import Definitions, Indicator
from services.indicators.contributions import whole_pieces
from services.indicators.estimates import clustered, last_night
from services.indicators.figures import MILLION, parts_of
from services.indicators.gather import each_school
from services.indicators.intervals import Integers
from services.indicators.lasting import Lasting
from services.indicators.register import Register
from services.indicators.registry_store import Registers
from services.indicators.resemblance import Estimate, estimate
from services.indicators.spans import Span
from services.indicators.sums import sum_by
from services.indicators.visits import Visits
from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.domain.days import day_date, local_day
from shared.journal import journal

MOST_SCHOOLS = 4_000
"""Schools drawn for an estimate: the error of an ICC from so many is a few percent of it."""
DAYS = 365
_AT_ONCE = 250
_NIGHT = range(2, 5)
_LATE_DAYS = 2
_LOOK_SECONDS = 60.0
_LOG = structlog.get_logger("rtsm.indicators.nightly")
_TABLE = "definition_resemblances"
_COLUMNS = ("night", "indicator", "definition", "icc", "cv2", "schools", "answers", "recorded")


@dataclass(frozen=True, slots=True)
class Row:
    """One night's numbers for one definition; `found` None: too little to estimate from."""

    indicator: str
    definition: int
    found: Estimate | None


def sample(register: Register, day: int, most: int = MOST_SCHOOLS) -> list[int]:
    """At most `most` schools of the register, drawn anew each day, the same for whoever draws."""
    schools: list[int] = register.known_schools().tolist()
    if len(schools) <= most:
        return schools
    codes = register.school_codes
    schools.sort(key=lambda school: (zlib.crc32(f"{day}:{codes[school]}".encode()), school))
    return sorted(schools[:most])


async def measure(
    tx: Tx, register: Register, definitions: Definitions, day: int, look_back: int
) -> list[Row]:
    """Estimate every version of the clustered indicators from the year that ends with `day`.

    A few hundred schools are read at a time, so memory stays bounded in any country.
    """
    chosen = await asyncio.to_thread(sample, register, day)
    span = Span.of(day_date(day - DAYS + 1), day_date(day), day_date(day))
    placed = await asyncio.to_thread(each_school, register)
    entries = clustered(definitions)
    lines = [definitions.lines_of(entry.code, entry.version)[0] for entry in entries]
    parts: list[Integers] = []
    for begin in range(0, len(chosen), _AT_ONCE):
        schools = chosen[begin : begin + _AT_ONCE]
        first = min(span.first, day - look_back + 1)
        visits = await read_store.visits_of(tx, schools, first, day)
        parts.append(
            await asyncio.to_thread(
                _by_school, definitions, visits, placed, span, look_back, lines, schools
            )
        )
    if not parts:
        return [Row(entry.code, entry.version, None) for entry in entries]
    return await asyncio.to_thread(_estimated, np.concatenate(parts), entries)


def _estimated(rows: Integers, entries: Sequence[Indicator]) -> list[Row]:
    return [
        Row(entry.code, entry.version, estimate(rows[:, at, 0], rows[:, at, 1], rows[:, at, 2]))
        for at, entry in enumerate(entries)
    ]


def _by_school(
    definitions: Definitions,
    visits: Visits,
    placed: Register,
    span: Span,
    look_back: int,
    lines: Sequence[int],
    schools: Sequence[int],
) -> Integers:
    """(schools, lines, 3): numerator, denominator and answering visits of each school."""
    pieces = whole_pieces(visits, placed, look_back)
    inside = (pieces.flow.day >= span.first) & (pieces.flow.day <= span.last)
    flow, flow_school = pieces.flow.values(visits)[inside], pieces.flow.path[inside]
    standing = pieces.stock.on(span.state_on)
    stock, stock_school = standing.values(visits), standing.path
    found = np.zeros((len(schools), len(lines), 3), np.int64)
    order = np.array(schools, np.int64)
    for at, line in enumerate(lines):
        is_flow = definitions.of(line).basis == "flow"
        rows, school = (flow, flow_school) if is_flow else (stock, stock_school)
        numerator, denominator, answered = parts_of(definitions, line, rows)
        values = np.stack([numerator, denominator, answered.astype(np.int64)], axis=1)[answered]
        place = np.searchsorted(order, school[answered].astype(np.int64))
        found[:, at] = sum_by(place.astype(np.int64), values, len(schools))
    return found


class Nightly:
    """Makes each night's estimate once, in whichever instance comes first."""

    def __init__(
        self,
        database: Database,
        ledger: Database,
        registers: Registers,
        definitions: Definitions,
        clock: Clock,
        zone: ZoneInfo,
        look_back: int,
    ) -> None:
        """`ledger` is the database with the journal of what the figures are made from."""
        self._database = database
        self._ledger = ledger
        self._registers = registers
        self._definitions = definitions
        self._clock = clock
        self._zone = zone
        self._look_back = look_back
        self._estimating = Lasting("the night's estimate")
        self.trouble = self._estimating.trouble

    async def run(self) -> None:
        """Look every minute whether an estimate is due, until cancelled."""
        while True:
            await self._estimating.attempt(self.drain)
            await asyncio.sleep(_LOOK_SECONDS)

    async def drain(self) -> int:
        """Make the estimate if it is due; how many were made."""
        night = await self._due()
        return 0 if night is None else await self.make(night)

    async def _due(self) -> int | None:
        """Tonight's day between 2 and 5 o'clock, or at any hour when the nights were missed."""
        now = self._clock.now()
        today = local_day(micros(now), self._zone)
        async with self._database.reading() as tx:
            newest, _ = await last_night(tx)
        if now.astimezone(self._zone).hour in _NIGHT:
            return today if newest is None or newest < today else None
        return today if newest is not None and newest <= today - _LATE_DAYS else None

    async def make(self, night: int) -> int:
        """Estimate from the year that ended the day before `night`, and keep it."""
        async with self._database.reading() as tx:
            register = await self._registers.current(tx)
            rows = await measure(tx, register, self._definitions, night - 1, self._look_back)
        # Entered last and left last: the journal is held no longer than a commit takes.
        async with AsyncExitStack() as ordered, self._database.transaction() as tx:
            await tx.lock("indicators.resemblances")
            held, before = await last_night(tx)
            if held is not None and held >= night:
                return 0
            ledger = await ordered.enter_async_context(self._ledger.transaction())
            chosen = await journal.instant(ledger, lambda: micros(self._clock.now()))
            recorded = max(chosen, before + 1)
            await tx.insert_rows(_TABLE, _COLUMNS, [_stored(night, row, recorded) for row in rows])
        made = {
            f"{row.indicator}:{row.definition}": row.found.resemblance.icc
            for row in rows
            if row.found is not None
        }
        _LOG.info("estimated", night=day_date(night).isoformat(), icc=made)
        return len(rows)


def _stored(night: int, row: Row, recorded: int) -> tuple[Any, ...]:
    key = (night, row.indicator, row.definition)
    if row.found is None:
        return (*key, None, None, 0, 0, recorded)
    alike = row.found.resemblance
    icc, cv2 = (round(value * MILLION) for value in (alike.icc, alike.cv2))
    return (*key, icc, cv2, row.found.schools, row.found.answers, recorded)
