"""The fold of a whole journal into an empty database, set by set instead of batch by batch.

Owns the two passes: every visit event becomes a row in the part of its school, then every part's
rows become sums, which are written once, when no later school can add to them. Gives what the fold
of the same events in any batches gives; memory holds a few pages or portions and the cells that
are not finished. The register must be there already. Arithmetic is `rebuild_tasks`' and
`recount`'s, the parts are `rebuild_spill`'s.
"""

import asyncio
import pickle
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.indicators import store
from services.indicators.incoming import Revision
from services.indicators.rebuild_cells import Rows, Written, written
from services.indicators.rebuild_spill import Portion, Spill, repeated
from services.indicators.rebuild_tasks import Counted, Events, Key, Newest, Parted
from services.indicators.rebuild_workers import Workers
from services.indicators.recount import Recount, portions
from services.indicators.register import Ints
from shared.db.copying import copy_in
from shared.db.engine import Database
from shared.db.postgres import PostgresDatabase
from shared.db.transaction import Tx

N = TypeVar("N")
T = TypeVar("T")
Page = Callable[[int, int], Awaitable[Events]]
"""Reads visit events from a position on, at most so many."""
_EVENTS_AT_ONCE = 4_000


@dataclass(frozen=True, slots=True, eq=False)
class Right:
    """What a portion's visits should be: the digest of the rows that should be held."""

    portion: Portion
    digest: bytes


async def fold_visits(
    spill: Spill, page: Page, workers: Workers, tell: Callable[[int], None]
) -> tuple[int, Newest]:
    """Part every visit event; returns the position after the last one, and what holds of many."""
    following = 1
    newest: dict[Key, tuple[int, int]] = {}
    met: list[NDArray[np.int64]] = []
    async for position, parted in _ahead(_read(page, workers), workers.at_once):
        await spill.keep(parted)
        met.append(parted.met)
        for key, revision, place in parted.again:
            _better(newest, key, revision, place)
        following = position + 1
        tell(position)
    if twice := await asyncio.to_thread(repeated, met):
        await _told_twice(spill, workers, twice, newest)
    return following, newest


async def _read(page: Page, workers: Workers) -> AsyncIterator[Awaitable[tuple[int, Parted]]]:
    """Each page of events, being parted."""
    following = 1
    while (events := await page(following, _EVENTS_AT_ONCE))[0]:
        last = events[0][-1]
        following = last + 1
        yield _with(last, workers.parted(events))


def _better(newest: dict[Key, tuple[int, int]], key: Key, revision: int, position: int) -> None:
    """Of two revisions the newer holds, of one that is told twice the first telling."""
    held = newest.get(key)
    if held is None or revision > held[0] or (revision == held[0] and position < held[1]):
        newest[key] = (revision, position)


async def _told_twice(
    spill: Spill, workers: Workers, numbers: list[int], newest: dict[Key, tuple[int, int]]
) -> None:
    """Find the first revisions behind numbers that were met again."""
    async with spill.reading() as tx:
        for portion in (*spill.portions(), *spill.unplaced()):
            for key, revision, position in await workers.named(
                await spill.pages(tx, portion), numbers
            ):
                _better(newest, key, revision, position)


async def fold_portions(
    scratch: Database, spill: Spill, workers: Workers, newest: Newest
) -> list[Right]:
    """Compute and write all but visits; returns what those should be, portion by portion."""
    await workers.settle(newest)
    right: list[Right] = []

    async def counting() -> AsyncIterator[Awaitable[tuple[Portion, Counted]]]:
        async with spill.reading() as tx:
            for portion in (*spill.portions(), *spill.unplaced()):
                pages = await spill.pages(tx, portion)
                yield _with(portion, workers.counted(pages, portion.schools))

    recount = Recount(workers.plan.register, workers.plan.look_back)
    async for portion, found in _ahead(counting(), workers.at_once):
        right.append(Right(portion, found.digest))
        async with scratch.transaction() as tx:
            await store.keep_past(tx, found.past)
            await store.save_groups(tx, found.groups)
        await _take(scratch, recount, portion.schools, found, packed=workers.plan.packed)
    await _write(scratch, written(recount.rest(), packed=workers.plan.packed))
    return right


async def fold_cells(database: Database, workers: Workers) -> None:
    """Compute and write every cell and presence record from the visits that a database holds."""
    plan = workers.plan
    async with database.transaction() as tx:
        for table in ("day_cells", "month_cells"):
            await tx.execute(f"DELETE FROM {table}")
    async with database.reading() as tx:
        counts = await store.visit_counts(tx, plan.register.known_schools().tolist())

        async def counting() -> AsyncIterator[Awaitable[tuple[Ints, Counted]]]:
            for schools in portions(plan.register, counts):
                page = await _page_of(
                    tx, [school for school in schools.tolist() if school in counts]
                )
                yield _with(schools, workers.counted([page], schools))

        recount = Recount(plan.register, plan.look_back)
        async for schools, found in _ahead(counting(), workers.at_once):
            await _take(database, recount, schools, found, packed=plan.packed)
    await _write(database, written(recount.rest(), packed=plan.packed))


async def _page_of(tx: Tx, schools: list[int]) -> bytes:
    """The visits held of schools, as a page of parted rows."""
    if not schools:
        return pickle.dumps([])
    rows = await tx.fetch(
        f"SELECT school,{','.join(Revision._fields)} FROM visits WHERE school = ANY($1::integer[])",
        schools,
    )
    return await asyncio.to_thread(lambda: pickle.dumps([(0, *row) for row in rows]))


async def _take(
    database: Database, recount: Recount, schools: Ints, found: Counted, *, packed: bool
) -> None:
    """Write what a portion finished, alone or as the last of several."""
    if found.cells is not None:
        await _write(database, found.cells)
    if found.left is not None:
        finished = await asyncio.to_thread(recount.take, schools, found.left)
        await _write(database, await asyncio.to_thread(written, finished, packed=packed))


async def _write(database: Database, cells: Written) -> None:
    """Write cells that nothing will be added to."""
    await _insert(database, "day_cells", ("unit", "day", "slot", "flow", "stock"), cells.days)
    await _insert(database, "month_cells", ("unit", "month", "slot", "flow", "stock"), cells.months)
    await _insert(database, "presence", ("path", "quarter", "slot", "data"), cells.presence)


async def _insert(database: Database, table: str, columns: tuple[str, ...], rows: Rows) -> None:
    if not rows:
        return
    if isinstance(rows, bytes):
        if not isinstance(database, PostgresDatabase):
            raise TypeError("only PostgreSQL copies bytes")
        await copy_in(database, table, columns, rows)
        return
    async with database.transaction() as tx:
        await tx.insert_rows(table, columns, rows)


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
