"""The visits held against those that should be, portion by portion, at the switch.

Owns the comparison by digests, which moves and writes nothing where all is right, and the mending
of portions that differ. What should be held is `rebuild_tasks`'; the lock under which nobody else
writes visits is the caller's.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any

from services.indicators.incoming import Revision
from services.indicators.rebuild_fold import Right
from services.indicators.rebuild_rows import VISIT_ROW, Digest, digest_of, visit_rows
from services.indicators.rebuild_spill import Portion, Spill
from services.indicators.rebuild_tasks import Newest, differing, standing
from shared.db.copying import copy_out
from shared.db.engine import Database
from shared.db.postgres import PostgresDatabase
from shared.db.transaction import Tx

_FIELDS = ("school", *Revision._fields)
_COMPARED_AT_ONCE = 2
_WRITTEN_AT_ONCE = 2_000


async def wrong_portions(database: Database, spill: Spill, right: Sequence[Right]) -> list[Portion]:
    """The portions whose visits are not held as they should be; others' changes are not waited for.

    Reads what is committed, with several connections at once.
    """
    waiting = deque(right)
    wrong: list[Portion] = []

    async def compare() -> None:
        while waiting:
            each = waiting.popleft()
            if await _digest(database, *_where(spill, each.portion)) != each.digest:
                wrong.append(each.portion)

    comparing = [asyncio.ensure_future(compare()) for _ in range(_COMPARED_AT_ONCE)]
    try:
        for task in comparing:
            await task
    finally:
        for task in comparing:
            task.cancel()
        await asyncio.gather(*comparing, return_exceptions=True)
    return wrong


async def mend(
    tx: Tx, spill: Spill, newest: Newest, wrong: Sequence[Portion], schools: int
) -> None:
    """Make these portions right, and remove visits of schools that there are not."""
    await tx.execute("DELETE FROM visits WHERE school < 0 OR school >= $1", schools)
    for portion in wrong:
        async with spill.reading() as source:
            pages = await spill.pages(source, portion)
        where, args = _where(spill, portion)
        held = await tx.fetch(f"SELECT {','.join(_FIELDS)} FROM visits WHERE {where}", *args)
        gone, come = await asyncio.to_thread(_difference, held, pages, newest)
        await _remove(tx, gone)
        rest = iter(come)
        while rows := list(islice(rest, _WRITTEN_AT_ONCE)):
            await tx.upsert_rows("visits", ("source", "visit_id"), _FIELDS, rows)


def _difference(
    held: Sequence[Sequence[Any]], pages: Sequence[bytes], newest: Newest
) -> tuple[list[tuple[str, str, int | None]], list[Sequence[Any]]]:
    return differing(held, standing(newest, pages))


async def _remove(tx: Tx, gone: Sequence[tuple[str, str, int | None]]) -> None:
    """Remove visits, unless they have been given to another school meanwhile."""
    placed = [row for row in gone if row[2] is not None]
    if placed:
        await tx.many(
            "DELETE FROM visits WHERE source = $1 AND visit_id = $2 AND school = $3", placed
        )
    unplaced = [row[:2] for row in gone if row[2] is None]
    if unplaced:
        await tx.many(
            "DELETE FROM visits WHERE source = $1 AND visit_id = $2 AND school IS NULL", unplaced
        )


def _where(spill: Spill, portion: Portion) -> tuple[str, tuple[list[int], ...]]:
    """The condition under which a visit belongs to a portion, and its arguments."""
    if portion.schools.size:
        return "school = ANY($1::integer[])", (portion.schools.tolist(),)
    first, last = spill.days_of(portion)
    return f"school IS NULL AND (day & 15) BETWEEN {first} AND {last}", ()


async def _digest(database: Database, where: str, args: tuple[list[int], ...]) -> bytes:
    """The digest of the visits held, by school in the order in which they began."""
    if isinstance(database, PostgresDatabase):
        digest = Digest()
        for integers in args:  # a copy takes none
            where = where.replace("$1", f"'{{{','.join(map(str, integers))}}}'")
        await copy_out(
            database,
            f"SELECT {','.join(VISIT_ROW)} FROM visits WHERE {where} "
            'ORDER BY school, at, visit_id COLLATE "C", source COLLATE "C"',
            digest.take,
        )
        return digest.value()
    async with database.reading() as tx:
        rows = await tx.fetch(
            f"SELECT {','.join(_FIELDS)} FROM visits WHERE {where} "
            "ORDER BY school, at, visit_id, source",
            *args,
        )
    return await asyncio.to_thread(lambda: digest_of(visit_rows(rows)))
