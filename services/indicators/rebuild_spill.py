"""Rows on their way from the journal to the cells, kept by part in the scratch database.

Owns the table of parted rows, the division of schools into parts and of parts into portions that
fit into memory: so a rebuild holds no more than a few portions, however long the journal is.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table

from services.indicators.rebuild_tasks import UNPLACED, Parted
from services.indicators.recount import in_order
from services.indicators.register import Ints, Register
from shared.db.engine import Database
from shared.db.tables import statements
from shared.db.transaction import Tx

_TABLES = MetaData()
_SPILL = Table(
    "spilt",
    _TABLES,
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("page", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)
VISITS_AT_ONCE = 10_000
"""A portion is of about so many visits."""
SMALL_PART = 5_000
"""Fewer visits are not divided, up to a few parts; from there on parts are larger."""
_LARGE_PART = 20_000
_FEW_PARTS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """Parts from `first` to `last` and their schools; none: the visits of unknown schools."""

    first: int
    last: int
    schools: Ints


class Spill:
    """Parted rows of a rebuild; `part_of`: the part of each school, of so many `parts`."""

    def __init__(self, scratch: Database, register: Register, events: int) -> None:
        schools = len(register.school_codes)
        most = max(min(_FEW_PARTS, events // SMALL_PART + 1), events // _LARGE_PART + 1)
        parts = max(1, min(most, schools))
        self._scratch = scratch
        self._order = _all_in_order(register)
        self.part_of: Ints = np.zeros(schools, np.int32)
        self.part_of[self._order] = np.arange(schools) * parts // max(schools, 1)
        self.parts = int(self.part_of.max(initial=-1)) + 1
        self._rows = [0] * (self.parts + UNPLACED)
        self._page = 0

    async def open(self) -> None:
        """Make the table."""
        async with self._scratch.transaction() as tx:
            for statement in statements(_TABLES, tx.dialect):
                await tx.execute(statement)
            if tx.dialect == "postgresql":
                # A crash of the server ends the rebuild, and nothing of it is kept.
                await tx.execute("ALTER TABLE spilt SET UNLOGGED")
                await tx.execute("ALTER TABLE spilt ALTER data SET STORAGE EXTERNAL")

    async def keep(self, parted: Parted) -> None:
        """Keep a page; pages come in the order of the journal."""
        self._page += 1
        for part, count, _ in parted.parts:
            self._rows[part] += count
        if parted.parts:
            rows = [(part, self._page, data) for part, _, data in parted.parts]
            async with self._scratch.transaction() as tx:
                await tx.insert_rows("spilt", ("part", "page", "data"), rows)

    def reading(self) -> AbstractAsyncContextManager[Tx]:
        """A snapshot to read pages in."""
        return self._scratch.reading()

    async def pages(self, tx: Tx, portion: Portion) -> list[bytes]:
        """The rows of a portion, in the order of the journal."""
        rows = await tx.fetch(
            "SELECT data FROM spilt WHERE part BETWEEN $1 AND $2 ORDER BY page, part",
            portion.first,
            portion.last,
        )
        return [row[0] for row in rows]

    def portions(self) -> list[Portion]:
        """Portions of schools in an order in which those of one path follow each other."""
        return self._grouped(0, self.parts)

    def unplaced(self) -> list[Portion]:
        """Portions of the visits whose school nobody knows."""
        return self._grouped(self.parts, self.parts + UNPLACED)

    def days_of(self, portion: Portion) -> tuple[int, int]:
        """Of a portion of unknown schools, the first and the last of their days' last bits."""
        return portion.first - self.parts, portion.last - self.parts

    def _grouped(self, begin: int, end: int) -> list[Portion]:
        found: list[tuple[int, int]] = []
        rows = 0
        for part in range(begin, end):
            if found and rows + self._rows[part] <= VISITS_AT_ONCE:
                found[-1] = (found[-1][0], part)
                rows += self._rows[part]
            else:
                found.append((part, part))
                rows = self._rows[part]
        return [Portion(first, last, self._schools(first, last)) for first, last in found]

    def _schools(self, first: int, last: int) -> Ints:
        part = self.part_of[self._order]
        chosen: Ints = self._order[(part >= first) & (part <= last)]
        return chosen


def _all_in_order(register: Register) -> Ints:
    """All schools, those last that no version speaks of."""
    known = in_order(register)
    others = np.setdiff1d(np.arange(len(register.school_codes), dtype=np.int32), known)
    return np.concatenate((known, others)).astype(np.int32)


def repeated(met: Sequence[NDArray[np.int64]]) -> list[int]:
    """The numbers that occur more than once."""
    if not met:
        return []
    numbers = np.concatenate(met)
    numbers.sort()
    again = numbers[1:][numbers[1:] == numbers[:-1]]
    found: list[int] = np.unique(again).tolist()
    return found
