"""Visits as columns, as the pure functions of the fold and of the readers take them.

Owns the order of a school's visits and which of them are counted (02 §3): standing, no
verification, not superseded. Measures stay encoded until somebody needs them: of the visits that
are loaded, few change. Loading is `store`'s and `read_store`'s. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.indicators.cells import FLOWS, STOCKS, Rows, decode_rows
from services.indicators.register import Ints

COLUMNS = (
    "source",
    "visit_id",
    "school",
    "day",
    "at",
    "received",
    "monitor",
    "kind",
    "standing",
    "groups",
    "mask",
    "flow",
    "stock",
)
"""Columns of the tables `visits` and `visits_past` that make Visits, in this order."""

Bools = NDArray[np.bool_]


def eligible(kinds: Sequence[str], standings: Sequence[str]) -> Bools:
    """Tell which visits are standing and of a type that counts."""
    return np.array(
        [
            standing == "standing" and kind != "verification"
            for kind, standing in zip(kinds, standings, strict=True)
        ],
        bool,
    )


@dataclass(slots=True, eq=False)
class Visits:
    """One revision of each visit; `eligible` = standing and of a type that counts."""

    source: Sequence[str]
    visit_id: Sequence[str]
    school: Ints
    day: Ints
    at: NDArray[np.int64]
    received: NDArray[np.int64]
    monitor: Sequence[str | None]
    eligible: Bools
    groups: Ints
    mask: NDArray[np.int64]
    flow: Sequence[bytes]
    stock: Sequence[bytes]

    @classmethod
    def from_rows(cls, rows: Iterable[Sequence[Any]]) -> "Visits":
        """Make columns of rows in the order of COLUMNS; school must be given."""
        columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
        kinds, standings = columns[7], columns[8]
        return cls(
            source=columns[0],
            visit_id=columns[1],
            school=np.array(columns[2], np.int32),
            day=np.array(columns[3], np.int32),
            at=np.array(columns[4], np.int64),
            received=np.array(columns[5], np.int64),
            monitor=columns[6],
            eligible=eligible(kinds, standings),
            groups=np.array(columns[9], np.int32),
            mask=np.array(columns[10], np.int64),
            flow=columns[11],
            stock=columns[12],
        )

    def __len__(self) -> int:
        return len(self.visit_id)

    def flow_rows(self, rows: NDArray[np.intp]) -> Rows:
        """Decode the flow measures of these rows."""
        return decode_rows([self.flow[row] for row in rows.tolist()], FLOWS)

    def stock_rows(self, rows: NDArray[np.intp]) -> Rows:
        """Decode the stock measures of these rows."""
        return decode_rows([self.stock[row] for row in rows.tolist()], STOCKS)

    def order(self) -> NDArray[np.intp]:
        """Return the rows by school, then (visited_at, visit_id, source)."""
        order = np.lexsort((self.at, self.school))
        school, at = self.school[order], self.at[order]
        tied = (school[1:] == school[:-1]) & (at[1:] == at[:-1])
        if tied.any():
            rank = {
                row: place
                for place, row in enumerate(
                    sorted(
                        {*order[1:][tied].tolist(), *order[:-1][tied].tolist()},
                        key=lambda row: (self.visit_id[row], self.source[row]),
                    )
                )
            }
            ranks = np.zeros(len(self), np.int64)
            ranks[list(rank)] = list(rank.values())
            order = np.lexsort((ranks, self.at, self.school))
        return order

    def counted(self, member: Bools | None = None) -> Bools:
        """Tell which rows count when only `member` rows exist: eligible and not superseded.

        Of the eligible visits of one (school, monitor, day) the greatest (received of revision 1,
        visit_id) counts; a visit without a monitor supersedes nothing and is not superseded.
        """
        counted = self.eligible if member is None else self.eligible & member
        rows = np.flatnonzero(counted)
        if rows.size < 2:
            return counted
        key = (self.school[rows].astype(np.int64) << 32) + self.day[rows]
        order = np.argsort(key)
        key = key[order]
        shared = np.zeros(rows.size, bool)
        shared[1:] = key[1:] == key[:-1]
        shared[:-1] |= shared[1:]
        if not shared.any():
            return counted
        best: dict[tuple[int, int, str], int] = {}
        lost: list[int] = []
        for row in rows[order[shared]].tolist():
            monitor = self.monitor[row]
            if monitor is None:
                continue
            group = (int(self.school[row]), int(self.day[row]), monitor)
            rival = best.setdefault(group, row)
            if rival != row:
                later = self._later(row, rival)
                best[group] = row if later else rival
                lost.append(rival if later else row)
        if lost:
            counted = counted.copy()
            counted[lost] = False
        return counted

    def _later(self, row: int, rival: int) -> bool:
        """Tell whether a row was submitted later than its rival."""
        return (self.received[row], self.visit_id[row], self.source[row]) > (
            self.received[rival],
            self.visit_id[rival],
            self.source[rival],
        )
