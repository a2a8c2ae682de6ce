"""Computing everything anew from ingest's journal, and switching at once (04 §5).

Owns the scratch database, the catching up and the switch: one transaction in which the fold is
fenced out, what differs is exchanged, what was recorded meanwhile is folded and the positions move
along. Interrupted before the switch, nothing has happened. Computing is `rebuild_fold`'s,
exchanging `rebuild_exchange`'s.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from services.indicators import announce, halts
from services.indicators.projector import Projector
from services.indicators.rebuild_exchange import Anew, exchange, readable
from services.indicators.rebuild_fold import fold_portions, fold_visits
from services.indicators.rebuild_spill import Spill
from services.indicators.rebuild_tasks import Events, Plan
from services.indicators.rebuild_workers import workers
from services.indicators.register import Register
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
_REGISTRY, _VISITS = "rtsm.registry", "rtsm.visits"
CONSUMERS = {_REGISTRY: "indicators.registry", _VISITS: "indicators.visits"}
"""The consumer of each topic, by the name under which its position is kept."""
_RECORDS_AT_ONCE = 2_000
MANY_EVENTS = 50_000
"""From here on, starting processes pays."""


class _Replay:
    """Ingest's journal read through the ordinary handlers, the register before the visits."""

    def __init__(self, ledger: Database, asked: Asked, clock: Clock) -> None:
        self._ledger = ledger
        self._asked = asked
        self._clock = clock
        self._next = {_REGISTRY: 1, _VISITS: 1}

    async def into(self, scratch: Database, tell: Tell) -> Anew:
        """Fold all that there is: the register batch by batch, the visits set by set."""
        async with self._ledger.reading() as tx:
            end = await journal.end(tx) - 1
        async with workers(many=end >= MANY_EVENTS) as working:  # they start beside this
            register = await self._register(scratch)
            await _lighten(scratch)
            spill = Spill(scratch, register, end)
            await spill.open()
            zone, look_back = self._asked.zone, self._asked.look_back_days
            packed = isinstance(scratch, PostgresDatabase)
            parts = spill.part_of.tolist()
            plan = Plan(register, parts, spill.parts, zone, look_back, packed)
            await working.begin(plan)

            def told(position: int) -> None:
                tell(min(position, end), end)

            self._next[_VISITS], newest = await fold_visits(spill, self._events, working, told)
            right = await fold_portions(scratch, spill, working, newest)
        return Anew(spill, newest, right, len(register.school_codes))

    async def _register(self, scratch: Database) -> Register:
        """Fold the register; what that adds to cells is counted again with the visits."""
        registers = Registers()
        fold = RegistryFold(registers, self._clock, self._asked.look_back_days)
        while records := await self._read(_REGISTRY):
            await _in_transaction(scratch, fold.handle, records)
            self._next[_REGISTRY] = records[-1].position + 1
        async with scratch.reading() as tx:
            return await registers.current(tx)

    async def within(self, tx: Tx) -> None:
        """Fold what has come since, in a transaction that is open."""
        handlers = self._handlers()
        for topic in self._next:
            while records := await self._read(topic):
                await _without_invalid(tx, handlers[topic], records)
                self._next[topic] = records[-1].position + 1

    async def hold_positions(self, tx: Tx) -> None:
        """Lock the positions that will be moved, before any other lock, as the consumers do.

        A consumer takes its position first and the register's lock after it: taken the other way
        round here, each would wait for the other.
        """
        await tx.fetch(
            "SELECT next FROM positions WHERE partition = 'ingest.journal' "
            "AND consumer = ANY($1::text[]) ORDER BY consumer FOR UPDATE",
            sorted(CONSUMERS.values()),
        )

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

    async def _events(self, start: int, most: int) -> Events:
        """Visit events from a position on, at most so many."""
        async with self._ledger.reading() as tx:
            return await journal.read_data(tx, start, _VISITS, most)

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
        return {_REGISTRY: register.handle, _VISITS: visits.handle}


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
        anew = await replay.into(scratch, tell)
        async with readable(database, scratch), database.transaction() as tx:
            await replay.hold_positions(tx)
            await tx.lock(REGISTER_LOCK)
            _, before = await state_of(tx)
            await exchange(tx, database, scratch, anew)
            await _renumber(tx, before)
            await halts.lift(tx)
            await replay.within(tx)
            await replay.move_positions(tx)
            await _announce(tx, asked, clock)


async def _lighten(scratch: Database) -> None:
    """Empty the cells of what folding the register added; nothing looks for one of them."""
    async with scratch.transaction() as tx:
        for table in ("day_cells", "month_cells"):
            if tx.dialect == "postgresql":
                await tx.execute(f"TRUNCATE {table}")
                await tx.execute(f"ALTER TABLE {table} SET UNLOGGED")
                await tx.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
            else:
                await tx.execute(f"DELETE FROM {table}")


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
