"""The fold of a whole journal into an empty database, set by set instead of batch by batch.

Owns the two passes: every visit event becomes a row, then every school's rows become sums, which
are written once, when no later school can add to them. Gives what the fold of the same events in
any batches gives; memory holds a few pages of events and the cells that are not finished. The
register must be there already. Arithmetic is `rebuild_workers`' and `recount`'s.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from services.indicators import store
from services.indicators.cells import encode_presence, encode_rows
from services.indicators.contributions import PresenceChange, Sums
from services.indicators.incoming import Revision
from services.indicators.projector import Projector
from services.indicators.rebuild_workers import Workers
from services.indicators.recount import Finished, Recount, portions
from shared.db.engine import Database
from shared.db.errors import Conflict
from shared.db.transaction import Tx

N = TypeVar("N")
T = TypeVar("T")
Page = Callable[[int, int], Awaitable[list[tuple[int, bytes]]]]
"""Reads (position, data) of visit events from a position on, at most so many."""
_EVENTS_AT_ONCE = 4_000
_SCHOOL = Revision._fields.index("school_code")
_GROUPS = Revision._fields.index("groups")


async def fold_visits(
    scratch: Database,
    page: Page,
    workers: Workers,
    projector: Projector,
    zone: ZoneInfo,
    tell: Callable[[int], None],
) -> int:
    """Turn every visit event into a row; returns the position after the last one."""
    index = workers.register.school_index
    groups: dict[int, int] = {}
    following = 1
    async for position, rows in _ahead(_decoded(page, workers, zone), workers.at_once):
        for row in rows:
            school = index.get(row[_SCHOOL])
            if school is not None:
                groups[school] = groups.get(school, 0) | row[_GROUPS]
        await _keep(scratch, projector, index, rows)
        following = position + 1
        tell(position)
    async with scratch.transaction() as tx:
        await store.save_groups(tx, [(bits, school) for school, bits in groups.items()])
    return following


async def _decoded(
    page: Page, workers: Workers, zone: ZoneInfo
) -> AsyncIterator[Awaitable[tuple[int, list[tuple[Any, ...]]]]]:
    """Each page of events, being decoded."""
    following = 1
    while events := await page(following, _EVENTS_AT_ONCE):
        following = events[-1][0] + 1
        yield _with(events[-1][0], workers.revisions([data for _, data in events], zone))


async def _with(name: N, work: Awaitable[T]) -> tuple[N, T]:
    return name, await work


async def _ahead(work: AsyncIterator[Awaitable[T]], most: int) -> AsyncIterator[T]:
    """Results in order, with up to `most` pieces of work under way beside the caller's own."""
    under_way: deque[asyncio.Task[T]] = deque()
    try:
        async for piece in work:
            under_way.append(asyncio.ensure_future(piece))
            if len(under_way) > most:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _keep(
    scratch: Database, projector: Projector, index: Any, rows: list[tuple[Any, ...]]
) -> None:
    """Write a page of visits: first revisions in bulk, others against what is held."""
    revisions = [Revision(*row) for row in rows]
    first = [(index.get(row.school_code), row) for row in revisions if row.revision == 1]
    later = [row for row in revisions if row.revision != 1]
    try:
        async with scratch.transaction() as tx:
            await store.insert_visits(tx, first)
            if later:
                await projector.keep(tx, later)
    except Conflict:
        # A journal that tells a first revision twice: what is held decides, as in the live fold.
        async with scratch.transaction() as tx:
            await projector.keep(tx, revisions)


async def fold_cells(scratch: Database, workers: Workers, look_back: int) -> None:
    """Compute and write every cell and presence record from the visits."""
    register = workers.register
    recount = Recount(register, look_back)
    async with scratch.transaction() as tx:
        for table in ("day_cells", "month_cells"):
            await tx.execute(f"DELETE FROM {table}")  # what folding the register added
    async with scratch.reading() as tx:
        counts = await store.visit_counts(tx, register.known_schools().tolist())

        async def summed() -> AsyncIterator[Awaitable[Any]]:
            for schools in portions(register, counts):
                visited = [school for school in schools.tolist() if school in counts]
                rows = await store.visits_of(tx, visited) if visited else []
                yield _with(schools, workers.sums(rows, schools, look_back))

        async for schools, deltas in _ahead(summed(), workers.at_once):
            finished = await asyncio.to_thread(recount.take, schools, deltas)
            await _write(scratch, finished)
    await _write(scratch, recount.rest())


async def _write(scratch: Database, finished: Finished) -> None:
    """Write cells that nothing will be added to."""
    rows = await asyncio.to_thread(_rows, finished)
    presence = await asyncio.to_thread(_presence_rows, finished.presence)
    async with scratch.transaction() as tx:
        for table, when, cells in zip(
            ("day_cells", "month_cells"), ("day", "month"), rows, strict=True
        ):
            await _insert(tx, table, ("unit", when, "slot", "flow", "stock"), cells)
        await _insert(tx, "presence", ("path", "quarter", "slot", "data"), presence)


async def _insert(tx: Tx, table: str, columns: tuple[str, ...], rows: list[Any]) -> None:
    if rows:
        await tx.insert_rows(table, columns, rows)


def _rows(finished: Finished) -> tuple[list[Any], list[Any]]:
    days = _joined(finished.flow, finished.stock)
    return days, _joined(finished.flow.by_month(), finished.stock.by_month())


def _joined(flow: Sums, stock: Sums) -> list[Any]:
    """Rows (unit, when, slot, flow, stock) of the cells that any of the two falls on."""
    cells: dict[tuple[int, int], list[bytes | None]] = {}
    for place, sums in enumerate((flow, stock)):
        keys = zip(sums.unit.tolist(), sums.when.tolist(), strict=True)
        for key, blob in zip(keys, encode_rows(sums.values), strict=True):
            cells.setdefault(key, [None, None])[place] = blob
    return [(*key, 0, *cells[key]) for key in sorted(cells)]


def _presence_rows(change: PresenceChange) -> list[Any]:
    rows: dict[tuple[int, int], list[int]] = {}
    for place, key in enumerate(zip(change.path.tolist(), change.quarter.tolist(), strict=True)):
        rows.setdefault(key, []).append(place)
    return [(*key, 0, encode_presence(change.records[at])) for key, at in sorted(rows.items())]
