"""What the readers fetch: cells, presence, visits, evidence; SQL only.

Owns the queries of the read side. Everything is read in the caller's snapshot; summing is `sums`'.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import numpy as np

from services.indicators import packed, presence
from services.indicators.cells import FLOWS, STOCKS, decode_rows
from services.indicators.presence import Present
from services.indicators.sums import CellRows
from services.indicators.visits import COLUMNS, Visits
from shared.db.transaction import Tx

_LARGE = 1_000
T = TypeVar("T")
Given = ParamSpec("Given")


async def off_loop(
    size: int, work: Callable[Given, T], *args: Given.args, **named: Given.kwargs
) -> T:
    """Do work on `size` visits, in a thread when that would keep other requests waiting."""
    if size < _LARGE:
        return work(*args, **named)
    return await asyncio.to_thread(work, *args, **named)


def _rows(found: Sequence[Sequence[object]], units: Sequence[int]) -> CellRows:
    places = {unit: place for place, unit in enumerate(units)}
    unit, time, flow, stock = zip(*found, strict=True) if found else ((), (), (), ())
    return CellRows(
        np.array([places[number] for number in unit], np.int64),
        np.array(time, np.int64),
        decode_rows(flow, FLOWS),
        decode_rows(stock, STOCKS),
    )


async def month_cells(
    tx: Tx, units: Sequence[int], flow_first: int, flow_last: int, stock_last: int
) -> CellRows:
    """Month cells: flows of `flow_first` to `flow_last`, stocks of months up to `stock_last`."""
    found = await tx.fetch(
        "SELECT unit, month, CASE WHEN month >= $2 AND month <= $3 THEN flow END, "
        "CASE WHEN month <= $4 THEN stock END FROM month_cells "
        "WHERE unit = ANY($1::integer[]) AND month <= $5",
        list(units),
        flow_first,
        flow_last,
        stock_last,
        max(flow_last, stock_last),
    )
    return _rows(found, units)


async def day_cells(tx: Tx, units: Sequence[int], first: int, last: int) -> CellRows:
    """Day cells of the days from `first` to `last`."""
    found = await tx.fetch(
        "SELECT unit, day, flow, stock FROM day_cells "
        "WHERE unit = ANY($1::integer[]) AND day >= $2 AND day <= $3",
        list(units),
        first,
        last,
    )
    return _rows(found, units)


async def presence_of(
    tx: Tx, paths: Sequence[int] | None, first_quarter: int, last_quarter: int
) -> Present:
    """Who was visited under these paths (None: under any) in some quarters."""
    asked: list[object] = [first_quarter, last_quarter]
    within = "WHERE quarter >= $1 AND quarter <= $2"
    if paths is not None:
        within += " AND path = ANY($3::integer[])"
        asked.append(list(paths))
    if tx.dialect == "postgresql":
        # One row instead of thousands, numbers as bytes: the driver's work is more than the
        # server's. All three are gathered in one scan, so in one order.
        row = await tx.fetch_one(
            "SELECT string_agg(int4send(path), ''), string_agg(int4send(length(data)), ''), "
            f"string_agg(data, '') FROM presence {within}",
            *asked,
        )
        if row is None or row[0] is None:
            return presence.join([], [], b"")
        return presence.join(np.frombuffer(row[0], ">i4"), np.frombuffer(row[1], ">i4"), row[2])
    rows = await tx.fetch(f"SELECT path, data FROM presence {within}", *asked)
    blobs = [row[1] for row in rows]
    return presence.join([row[0] for row in rows], [len(blob) for blob in blobs], b"".join(blobs))


async def visits_of(
    tx: Tx,
    schools: Sequence[int],
    first: int,
    last: int,
    *,
    after: int | None = None,
    until: int | None = None,
    known_at: int | None = None,
) -> Visits:
    """The newest revision of every visit to these schools on the days from `first` to `last`.

    `after` and `until` (microseconds) bound the receipt of revision 1: after < received <= until.
    `known_at`: of the revisions that had been recorded by then the newest, nothing else.
    """
    wanted = _newest(schools, (first, last), after=after, until=until, known_at=known_at)
    if tx.dialect == "postgresql":
        # A handful of long columns: thousands of rows would cost more than all that follows.
        found = [
            await tx.fetch_one(f"SELECT {packed.gathered(school)} {source}", *wanted.asked)
            for school, source in wanted.sources
        ]
        size = sum(len(row[0] or b"") // 4 for row in found)
        return await off_loop(size, packed.read, found)
    rows = await _rows_of(tx, COLUMNS, wanted)
    return await off_loop(len(rows), Visits.from_rows, rows)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Visits wanted: pairs of the school's expression and FROM … WHERE … over `v`; arguments."""

    sources: Sequence[tuple[str, str]]
    asked: Sequence[object]


async def _rows_of(tx: Tx, columns: Sequence[str], wanted: _Wanted) -> list[Any]:
    rows: list[Any] = []
    for school, source in wanted.sources:
        chosen = ",".join(school if name == "school" else f"v.{name}" for name in columns)
        rows += await tx.fetch(f"SELECT {chosen} {source}", *wanted.asked)
    return rows


def _newest(
    schools: Sequence[int],
    days: tuple[int, int],
    *,
    after: int | None = None,
    until: int | None = None,
    known_at: int | None = None,
) -> _Wanted:
    """What `visits_of` reads: `visits`, and of a past instant what has been replaced since."""
    asked: list[object] = [list(schools), *days]
    bounds = (("received >", after), ("received <=", until), ("recorded <=", known_at))
    within = "v.day >= $2 AND v.day <= $3"
    for bound, instant in bounds:
        if instant is not None:
            asked.append(instant)
            within += f" AND v.{bound} ${len(asked)}"
    newest = "v.school", f"FROM visits v WHERE v.school = ANY($1::integer[]) AND {within}"
    if known_at is None:
        return _Wanted([newest], asked)
    # A visit recorded again since then: of its past revisions the newest that was there. Its
    # school is the one of its code, as for every visit. The newest is looked up by its key, one by
    # one: joined, all visits of the country would be read for a few.
    last = len(asked)
    past = (
        "FROM schools s JOIN visits_past v ON v.school_code = s.code "
        f"WHERE s.id = ANY($1::integer[]) AND {within} AND (SELECT n.recorded FROM visits n "
        f"WHERE n.source = v.source AND n.visit_id = v.visit_id) > ${last} "
        "AND NOT EXISTS (SELECT 1 FROM visits_past n WHERE n.source = v.source "
        f"AND n.visit_id = v.visit_id AND n.revision > v.revision AND n.recorded <= ${last})"
    )
    return _Wanted([newest, ("s.id", past)], asked)


async def replaced_since(
    tx: Tx, schools: Sequence[int], first: int, last: int, known_at: int
) -> list[Any]:
    """Of visits recorded again after an instant the revision that was the newest then.

    Those to these schools on these days, as that revision tells them; rows of visits.COLUMNS.
    """
    wanted = _newest(schools, (first, last), known_at=known_at)
    return await _rows_of(tx, COLUMNS, _Wanted(wanted.sources[1:], wanted.asked))


@dataclass(frozen=True, slots=True)
class Seen:
    """Visits with what evidence shows beside their measures, in the same order."""

    visits: Visits
    kind: Sequence[str]
    standing: Sequence[str]
    revision: Sequence[int]
    school_code: Sequence[str]
    status: Sequence[str]


async def visits_seen(
    tx: Tx, schools: Sequence[int], first: int, last: int, *, known_at: int | None = None
) -> Seen:
    """As `visits_of`, with revision, school code and status."""
    columns = (*COLUMNS, "revision", "school_code", "status")
    rows = await _rows_of(tx, columns, _newest(schools, (first, last), known_at=known_at))
    kind, standing = COLUMNS.index("kind"), COLUMNS.index("standing")
    own = len(COLUMNS)
    return Seen(
        Visits.from_rows(rows),
        [row[kind] for row in rows],
        [row[standing] for row in rows],
        [row[own] for row in rows],
        [row[own + 1] for row in rows],
        [row[own + 2] for row in rows],
    )


async def revision_of(tx: Tx, source: str, visit_id: str) -> int | None:
    """The newest revision of a visit that has arrived, or None."""
    row = await tx.fetch_one(
        "SELECT revision FROM visits WHERE source = $1 AND visit_id = $2", source, visit_id
    )
    return None if row is None else int(row[0])


async def register_version(tx: Tx) -> int:
    """The greatest version of the register that is applied."""
    row = await tx.fetch_one("SELECT MAX(version) FROM register_state")
    return int(row[0] or 0)
