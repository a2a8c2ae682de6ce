"""Computing everything anew from ingest's journal, and switching at once (04 §5).

Owns the scratch database, the catching up and the switch: one transaction in which the fold is
fenced out, all rows are exchanged and what was recorded meanwhile is folded. The positions stay as
they are: what the consumers deliver again changes nothing. Interrupted before the switch, nothing
has happened.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from services.indicators import announce, halts
from services.indicators.projector import Projector
from services.indicators.registry_fold import RegistryFold
from services.indicators.registry_store import REGISTER_LOCK, Registers, state_of
from services.indicators.verify import Asked
from shared.clock import Clock, SystemClock, micros
from shared.db.engine import Database
from shared.db.postgres import PostgresDatabase
from shared.db.sqlite import SqliteDatabase
from shared.db.transaction import Tx
from shared.domain.days import day_number
from shared.journal import journal
from shared.journal.records import InvalidEvent, Record

Tell = Callable[[int, int], None]
Handle = Callable[[Tx, list[Record]], Awaitable[None]]
_TABLES = (
    "unit_versions",
    "school_versions",
    "register_state",
    "unit_ids",
    "schools",
    "paths",
    "visits",
    "visits_past",
    "day_cells",
    "month_cells",
    "presence",
)
CONSUMERS = {"rtsm.registry": "indicators.registry", "rtsm.visits": "indicators.visits"}
"""The consumer of each topic, by the name under which its position is kept."""
_RECORDS_AT_ONCE = 2_000
_ROWS_AT_ONCE = 5_000


class _Replay:
    """Ingest's journal read through the ordinary handlers, the register before the visits."""

    def __init__(self, ledger: Database, asked: Asked, clock: Clock) -> None:
        self._ledger = ledger
        self._asked = asked
        self._clock = clock
        self._next = {"rtsm.registry": 1, "rtsm.visits": 1}

    async def into(self, database: Database, tell: Tell) -> None:
        """Fold all that there is, each batch in a transaction of its own."""
        handlers = self._handlers()
        for topic in self._next:
            while records := await self._read(topic):
                await _in_transaction(database, handlers[topic], records)
                self._next[topic] = records[-1].position + 1
                async with self._ledger.reading() as tx:
                    end = await journal.end(tx)
                tell(records[-1].position if topic == "rtsm.visits" else 0, end - 1)

    async def within(self, tx: Tx) -> None:
        """Fold what has come since, in a transaction that is open."""
        handlers = self._handlers()
        for topic in self._next:
            while records := await self._read(topic):
                await _without_invalid(tx, handlers[topic], records)
                self._next[topic] = records[-1].position + 1

    async def move_positions(self, tx: Tx) -> None:
        """Let consumers of the journal itself go on after what is folded; they notice (fenced).

        Positions in Kafka are other numbers: what comes again from there changes nothing.
        """
        for topic, place in self._next.items():
            await tx.execute(
                "UPDATE positions SET next = $1 "
                "WHERE consumer = $2 AND partition = 'ingest.journal' AND next < $1",
                place,
                CONSUMERS[topic],
            )

    async def _read(self, topic: str) -> list[Record]:
        async with self._ledger.reading() as tx:
            return await journal.read(
                tx, "ingest.journal", self._next[topic], [topic], _RECORDS_AT_ONCE
            )

    def _handlers(self) -> dict[str, Handle]:
        """Handlers that know nothing of any register yet."""
        registers, asked = Registers(), self._asked
        visits = Projector(registers, self._clock, asked.zone, asked.look_back_days)
        register = RegistryFold(registers, self._clock, asked.look_back_days)
        return {"rtsm.registry": register.handle, "rtsm.visits": visits.handle}


async def _in_transaction(database: Database, handle: Handle, records: list[Record]) -> None:
    async with database.transaction() as tx:
        await _without_invalid(tx, handle, records)


async def _without_invalid(tx: Tx, handle: Handle, records: list[Record]) -> None:
    """Handle a batch without the records that make no sense: the consumer set them aside too.

    A handler reads all its records before it writes anything, so it can be asked again.
    """
    while records:
        try:
            await handle(tx, records)
            return
        except InvalidEvent as error:
            refused = error.record
            records = [record for record in records if record is not refused]


async def rebuild(
    database: Database,
    ledger: Database,
    asked: Asked,
    tell: Tell,
    clock: Clock | None = None,
) -> None:
    """Compute everything anew and switch; the service may go on meanwhile.

    `tell(done, total)` counts positions of ingest's journal.
    """
    clock = clock or SystemClock()
    replay = _Replay(ledger, asked, clock)
    async with _scratch(database) as scratch:
        await replay.into(scratch, tell)
        async with database.transaction() as tx:
            await tx.lock(REGISTER_LOCK)
            _, before = await state_of(tx)
            await _exchange(tx, database, scratch)
            await _renumber(tx, before)
            await halts.lift(tx)
            await replay.within(tx)
            await replay.move_positions(tx)
            await _announce(tx, asked, clock)


async def _exchange(tx: Tx, database: Database, scratch: Database) -> None:
    """Put the scratch rows in the place of all rows."""
    for table in _TABLES:
        columns = [column.name for column in database.tables.tables[table].columns]
        names = ",".join(columns)
        # DELETE, not TRUNCATE: readers that began before go on with what they saw.
        await tx.execute(f"DELETE FROM {table}")
        if isinstance(scratch, PostgresDatabase):
            await tx.execute(
                f'INSERT INTO {table} ({names}) SELECT {names} FROM "{scratch.schema}".{table}'
            )
            continue
        async for rows in _pages(scratch, table, columns):
            await tx.insert_rows(table, columns, rows)


async def _pages(scratch: Database, table: str, columns: list[str]) -> AsyncIterator[list[Any]]:
    """Read a table of the scratch file in pieces, in the order of its rows."""
    after = -1  # the integers of units and schools begin at 0, and are their rows' numbers
    async with scratch.reading() as tx:
        while True:
            rows = await tx.fetch(
                f"SELECT rowid,{','.join(columns)} FROM {table} WHERE rowid > $1 "
                "ORDER BY rowid LIMIT $2",
                after,
                _ROWS_AT_ONCE,
            )
            if not rows:
                return
            after = rows[-1][0]
            yield [row[1:] for row in rows]


async def _renumber(tx: Tx, before: int) -> None:
    """Let the register's changes count on: whoever remembers the last one must see another."""
    for table in ("unit_versions", "school_versions", "register_state"):
        await tx.execute(f"UPDATE {table} SET change = change + $1", before)


async def _announce(tx: Tx, asked: Asked, clock: Clock) -> None:
    """Tell that every figure may have moved."""
    register = await Registers().current(tx)
    row = await tx.fetch_one("SELECT min(day), max(day) FROM visits")
    today = day_number(clock.now().date())
    first, last = (today, today) if row is None or row[0] is None else (row[0], row[1])
    events = announce.everything(register, first, last + asked.look_back_days, micros(clock.now()))
    await journal.append(tx, events)


@asynccontextmanager
async def _scratch(database: Database) -> AsyncIterator[Database]:
    """An empty database beside the real one; what an interrupted rebuild left is dropped first."""
    scratch: Database
    if isinstance(database, PostgresDatabase):
        scratch = PostgresDatabase(
            database.url, f"{database.schema}_rebuild", database.tables, unsafe=True, size=2
        )
    else:
        path = database.path
        scratch = SqliteDatabase(path.with_name(f"{path.stem}-rebuild.db"), database.tables)
    await _drop(database, scratch)
    try:
        await scratch.open()
        yield scratch
    finally:
        await scratch.close()
        await _drop(database, scratch)


async def _drop(database: Database, scratch: Database) -> None:
    if isinstance(database, PostgresDatabase) and isinstance(scratch, PostgresDatabase):
        async with database.connection() as connection:
            await connection.execute(f'DROP SCHEMA IF EXISTS "{scratch.schema}" CASCADE')
    elif isinstance(scratch, SqliteDatabase):
        for end in ("", "-wal", "-shm"):
            scratch.path.with_name(scratch.path.name + end).unlink(missing_ok=True)
