"""Keeps who was visited between answers, in memory, and exact in every snapshot.

Owns which quarters are kept and when they are read again: PostgreSQL says of every row which
transaction wrote it, and what another one wrote than in the snapshot of before is read anew. So an
answer is what it would be without this memory. What is kept, and counting, is `visited`'s.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from services.indicators import presence, read_store
from services.indicators.intervals import Integers
from services.indicators.presence import Present
from services.indicators.spans import Span
from services.indicators.visited import ROW, Days, Quarter, Rows, Visited, empty, exchanged
from shared.db.transaction import Tx
from shared.domain.days import day_date, quarter_number

_MOST_QUARTERS = 12
_MOST_IN_DAYS = 4
"""Days take five times as much: some 15 MB for a quarter of 600,000 visits."""


class VisitedMonths:
    """Keeps the quarters that were asked for last."""

    def __init__(self) -> None:
        self._months: OrderedDict[int, Quarter] = OrderedDict()
        self._days: OrderedDict[int, Days] = OrderedDict()
        self._reading = asyncio.Lock()

    async def of(self, tx: Tx, windows: Sequence[Span], schools: int) -> Visited:
        """The visits of these windows in the snapshot of `tx`; `schools`: how many there are.

        PostgreSQL only.
        """
        wanted = _quarters([(span.first, span.last) for span in windows])
        in_days = _quarters([run for span in windows for run in span.edges])
        async with self._reading:
            rows = await _rows(tx, wanted)
            quarters, days = [], []
            for number in wanted:
                mine = rows[rows["quarter"] == number]
                quarters.append(await self._quarter(tx, number, mine, schools))
                if number in in_days:
                    days.append(await self._in_days(tx, number, mine))
            _forget(self._months, _MOST_QUARTERS)
            _forget(self._days, _MOST_IN_DAYS)
            return Visited(tuple(quarters), tuple(days))

    async def _quarter(self, tx: Tx, number: int, rows: Rows, schools: int) -> Quarter:
        held = self._months.get(number) or empty(number)
        if held.rows.tobytes() != rows.tobytes() or held.path.size < schools:
            paths, read = await _read(tx, number, held.rows, rows)
            size = read.path.size
            held = await read_store.off_loop(size, exchanged, held, rows, paths, read, schools)
        self._months[number] = held
        self._months.move_to_end(number)
        return held

    async def _in_days(self, tx: Tx, number: int, rows: Rows) -> Days:
        held = self._days.get(number) or Days.of(rows[:0], presence.join([], [], b""))
        if held.rows.tobytes() != rows.tobytes():
            paths, read = await _read(tx, number, held.rows, rows)
            held = await read_store.off_loop(read.path.size, held.renewed, rows, paths, read)
        self._days[number] = held
        self._days.move_to_end(number)
        return held


def _quarters(runs: Sequence[tuple[int, int]]) -> list[int]:
    """The quarters that lie in any run of days, in order."""
    found: set[int] = set()
    for first, last in runs:
        begin, end = (quarter_number(day_date(day)) for day in (first, last))
        found.update(range(begin, end + 1))
    return sorted(found)


def _forget(held: OrderedDict[int, Any], most: int) -> None:
    while len(held) > most:
        held.popitem(last=False)


async def _rows(tx: Tx, quarters: Sequence[int]) -> Rows:
    """Which rows there are, and which transaction wrote each, in the order of their keys."""
    row = await tx.fetch_one(
        "SELECT string_agg(int4send(quarter) || int4send(path) || int4send(slot) || xidsend(xmin), "
        "'') FROM presence WHERE quarter = ANY($1::integer[])",
        list(quarters),
    )
    rows: Rows = np.frombuffer(row[0] or b"", ROW)
    return rows[np.lexsort((rows["slot"], rows["path"], rows["quarter"]))]


async def _read(tx: Tx, number: int, before: Rows, now: Rows) -> tuple[Integers, Present]:
    """The paths of which a quarter has other rows now, and what is recorded there (or more)."""
    differing = np.setxor1d(before.view("S16"), now.view("S16"))
    paths = np.unique(differing.view(ROW)["path"].astype(np.int64))
    everything = paths.size * 2 > np.unique(now["path"]).size
    wanted = None if everything else paths.tolist()
    return paths, await read_store.presence_of(tx, wanted, number, number)
