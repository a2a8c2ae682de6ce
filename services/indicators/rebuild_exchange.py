"""The switch of a rebuild: what was computed in the place of what is held, in one transaction.

Owns finding what differs among the tables and exchanging it; visits are `rebuild_visits`'. What is
right stays untouched, so that its readers and its disk notice nothing. The caller holds the lock
under which nobody else writes.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from services.indicators.rebuild_fold import Right
from services.indicators.rebuild_spill import Spill
from services.indicators.rebuild_tasks import Newest
from services.indicators.rebuild_visits import mend, wrong_portions
from shared.db.engine import Database
from shared.db.postgres import PostgresDatabase
from shared.db.sqlite import SqliteDatabase
from shared.db.transaction import Tx

_TABLES = (
    "unit_versions",
    "school_versions",
    "register_state",
    "unit_ids",
    "schools",
    "paths",
    "visits_past",
    "day_cells",
    "month_cells",
    "presence",
)
_BESIDE = "anew"
_SORT_MEMORY = "128MB"


@dataclass(frozen=True, slots=True, eq=False)
class Anew:
    """What was computed: the scratch tables, and what the visits should be."""

    spill: Spill
    newest: Newest
    right: list[Right]
    schools: int


async def exchange(tx: Tx, database: Database, scratch: Database, anew: Anew) -> None:
    """Put what was computed in the place of what is held.

    What differs is found by several readers at once: nobody else writes, and `tx` has not yet.
    """
    comparing = asyncio.ensure_future(wrong_portions(database, anew.spill, anew.right))
    try:
        tables = await _differing(database, scratch)
        wrong = await comparing
    finally:
        comparing.cancel()
        await asyncio.gather(comparing, return_exceptions=True)
    await _exchange(tx, database, scratch, tables)
    await mend(tx, anew.spill, anew.newest, wrong, anew.schools)


async def _differing(database: Database, scratch: Database) -> list[str]:
    """The tables that may differ: in PostgreSQL those whose rows have other numbers in sum.

    Two numbers of 64 bits for each row; joining the tables would cost three times as much.
    """
    if not isinstance(database, PostgresDatabase) or not isinstance(scratch, PostgresDatabase):
        return list(_TABLES)
    found = []
    for table in _TABLES:
        numbers = []
        for schema in (database.schema, scratch.schema):
            async with database.reading() as tx:
                row = await tx.fetch_one(
                    "SELECT count(*), bit_xor(hash_record_extended(v, 0)), "
                    f'bit_xor(hash_record_extended(v, 1)) FROM "{schema}".{table} v'
                )
            numbers.append(tuple(row))
        if numbers[0] != numbers[1]:
            found.append(table)
    return found


async def _exchange(tx: Tx, database: Database, scratch: Database, tables: Sequence[str]) -> None:
    """Put the scratch rows in the place of all rows of tables: only what differs is written.

    DELETE, not TRUNCATE or renaming: readers that began before go on with what they saw.
    """
    if isinstance(scratch, PostgresDatabase):
        anew, same = f'"{scratch.schema}"', "IS NOT DISTINCT FROM"
        await tx.execute(f"SET LOCAL work_mem = '{_SORT_MEMORY}'")
    else:
        anew, same = _BESIDE, "IS"
    for table in tables:
        declared = database.tables.tables[table]
        columns = [column.name for column in declared.columns]
        keys = [column.name for column in declared.primary_key]
        rest = [name for name in columns if name not in keys]
        at = " AND ".join(f"s.{name} = {table}.{name}" for name in keys)
        equal = "".join(f" AND s.{name} {same} {table}.{name}" for name in rest)
        names = ",".join(columns)
        await tx.execute(
            f"DELETE FROM {table} WHERE NOT EXISTS "
            f"(SELECT 1 FROM {anew}.{table} s WHERE {at}{equal})"
        )
        # What is left is in both: as many rows as there are anew are all of them.
        counted = [
            (await tx.fetch_one(f"SELECT count(*) FROM {held}"))[0]
            for held in (table, f"{anew}.{table}")
        ]
        if counted[0] == counted[1]:
            continue
        await tx.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM {anew}.{table} s "
            f"WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {at})"
        )


def readable(database: Database, scratch: Database) -> AbstractAsyncContextManager[None]:
    """Let transactions of the database read the scratch tables: in SQLite they are another file."""
    if isinstance(database, SqliteDatabase) and isinstance(scratch, SqliteDatabase):
        return database.beside(scratch.path, _BESIDE)
    return nullcontext()
