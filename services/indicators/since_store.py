"""What was recorded since an instant, and what stood in its place: SQL only.

Owns the queries that find the few visits in which then differs from now. What they mean for the
sums is `as_known`'s.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from services.indicators.store import Key
from services.indicators.visits import COLUMNS
from shared.db.transaction import Tx

_COLUMNS = ",".join(f"v.{column}" for column in COLUMNS)


class Later(NamedTuple):
    """A visit whose newest revision was recorded later: where and when it counts now."""

    school: int
    day: int
    key: Key


async def recorded_since(
    tx: Tx, first: int, last: int, known_at: int, most: int
) -> list[Later] | None:
    """Visits on these days whose newest revision was recorded after an instant; None: too many.

    Visits without a school are none: they are in no figure.
    """
    columns = "v.school, v.day, v.source, v.visit_id"
    rows = await _by_day(tx, columns, "> $3", first, last, known_at, most + 1)
    if len(rows) > most:
        return None
    return [Later(row[0], row[1], (row[2], row[3])) for row in rows if row[0] is not None]


async def dated_later(tx: Tx, first: int, last: int, known_at: int) -> list[Any]:
    """Visits on these days that an instant knew as they are, as rows of visits.COLUMNS.

    Asked for days after the instant: clocks that are ahead are all there is.
    """
    if last < first:
        return []
    rows = await _by_day(tx, _COLUMNS, "<= $3", first, last, known_at)
    return [row for row in rows if row[COLUMNS.index("school")] is not None]


async def _by_day(  # a query in parts, each given once
    tx: Tx, columns: str, recorded: str, *asked: int
) -> list[Any]:
    """Rows of visits from a day to another, by when they were recorded, at most so many.

    One look into the index by day and instant for each day: what is recorded after an instant is
    mostly dated after it as well, which no planner knows.
    """
    bound = "LIMIT $4" if len(asked) > 3 else ""
    if tx.dialect == "postgresql":
        return await tx.fetch(
            "SELECT v.* FROM generate_series($1::integer, $2::integer) d(day) CROSS JOIN LATERAL "
            f"(SELECT {columns} FROM visits v WHERE v.day = d.day AND v.recorded {recorded} "
            f"ORDER BY v.recorded OFFSET 0) v {bound}",
            *asked,
        )
    return await tx.fetch(
        "WITH RECURSIVE d(day) AS (SELECT $1 UNION ALL SELECT day + 1 FROM d WHERE day < $2) "
        f"SELECT {columns} FROM d CROSS JOIN visits v ON v.day = d.day AND v.recorded {recorded} "
        f"{bound}",
        *asked,
    )


async def groups_of(tx: Tx, schools: Sequence[int]) -> dict[int, int]:
    """The stock groups that each of these schools ever answered."""
    rows = await tx.fetch(
        "SELECT id, groups FROM schools WHERE id = ANY($1::integer[])", list(schools)
    )
    return {row[0]: row[1] for row in rows}
