"""The fold of visits: from a batch of events to cells, in the consumer's transaction.

Owns the order of steps; which revision is the newest is `arrivals`', locks and rows are `store`'s,
what a change amounts to is `contributions`', cells are `cell_store`'s. The same handler serves live
batches of a few visits and healing or replay by the thousand: nothing here depends on the order
of arrival, and an event that is not newer changes nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from services.indicators import announce, cell_store, contributions, store
from services.indicators.arrivals import Change, newest_of
from services.indicators.beside import beside
from services.indicators.contributions import Deltas
from services.indicators.incoming import Revision, read_revisions
from services.indicators.register import Register
from services.indicators.registry_store import REGISTER_LOCK, Registers
from services.indicators.visits import Visits
from shared.clock import Clock, micros
from shared.db.errors import Conflict, Transient
from shared.db.transaction import Tx
from shared.journal.journal import append
from shared.journal.records import InvalidEvent, Record

_LARGE = 300
"""Batches from this size on are computed off the event loop; smaller ones are done sooner on it."""

_AT_ONCE = 32
"""Records read in one go while others wait: half a millisecond."""


class _Prepared(list[Record]):
    """Records with the revisions that were read of them."""

    def __init__(self, records: list[Record], revisions: list[Revision]) -> None:
        super().__init__(records)
        self.revisions = revisions


class Projector:
    """Folds visit events into the tables of indicators."""

    def __init__(
        self, registers: Registers, clock: Clock, zone: ZoneInfo, look_back_days: int
    ) -> None:
        self._registers = registers
        self._clock = clock
        self._zone = zone
        self._look_back = look_back_days
        self._met_again = False

    async def prepare(self, records: list[Record]) -> list[Record]:
        """Read a batch ahead, a few records at a time so that nobody waits for it.

        Gives the records as they are when one makes no sense: `handle` will refuse it.
        """
        revisions: list[Revision] = []
        for start in range(0, len(records), _AT_ONCE):
            try:
                revisions += read_revisions(records[start : start + _AT_ONCE], self._zone)
            except InvalidEvent:
                return records
            await asyncio.sleep(0)
        return _Prepared(records, revisions)

    async def handle(self, tx: Tx, records: list[Record]) -> None:
        """Fold a batch; raises InvalidEvent for a record that makes no sense."""
        if isinstance(records, _Prepared):
            revisions = records.revisions
        elif len(records) >= _LARGE:
            revisions = await asyncio.to_thread(read_revisions, records, self._zone)
        else:
            revisions = read_revisions(records, self._zone)
        await self.fold(tx, revisions)

    async def fold(self, tx: Tx, revisions: Sequence[Revision]) -> None:
        """Fold revisions; raises Transient when another instance was in the way."""
        if tx.dialect == "postgresql":
            # Position and effects are one transaction: what a crash forgets is done again.
            await tx.execute("SET LOCAL synchronous_commit = off")
        await tx.lock(REGISTER_LOCK, shared=True)
        register = await self._registers.current(tx)
        deltas = await self._visits(tx, revisions, register)
        await cell_store.add(tx, deltas)
        await append(tx, announce.moved(deltas, register, micros(self._clock.now())))

    async def _visits(self, tx: Tx, revisions: Sequence[Revision], register: Register) -> Deltas:
        """Write the visits, and say what they change.

        Nearly every first revision is one that nobody has met before, and asking costs as much as
        writing. So a large batch is written in that hope; when the key of a visit objects, nothing
        of it has happened, and it is asked for after all.
        """
        if len(revisions) >= _LARGE and not self._met_again:
            await tx.execute("SAVEPOINT unmet")
            try:
                deltas = await self._folded(tx, revisions, register, hoping=True)
            except Conflict:
                await tx.execute("ROLLBACK TO SAVEPOINT unmet")
                self._met_again = True
            else:
                await tx.execute("RELEASE SAVEPOINT unmet")
                return deltas
        try:
            return await self._folded(tx, revisions, register, hoping=False)
        except Conflict as error:
            raise Transient(f"another instance met these visits first: {error}") from error

    async def _folded(
        self, tx: Tx, revisions: Sequence[Revision], register: Register, *, hoping: bool
    ) -> Deltas:
        """Write the visits, and say what they change; raises Conflict when one is met again."""
        change = await self._change(tx, revisions, register, hoping=hoping)
        rows = await store.visits_met(tx, change.changed(), self._look_back)
        large = len(rows) + len(change.fresh) >= _LARGE
        _, deltas = await beside(
            self._write(tx, change), large, self._compute, rows, change, register
        )
        return deltas

    async def keep(self, tx: Tx, revisions: Sequence[Revision]) -> None:
        """Write revisions against those held, and nothing else: cells are the caller's."""
        register = await self._registers.current(tx)
        try:
            await self._write(tx, await self._change(tx, revisions, register, hoping=False))
        except Conflict as error:
            raise Transient(f"another instance met these visits first: {error}") from error

    async def _write(self, tx: Tx, change: Change) -> None:
        await store.insert_visits(tx, change.fresh)
        await store.replace_visits(tx, change.newer)
        await store.keep_past(tx, change.past)
        await store.save_groups(tx, change.answered())

    async def _change(
        self, tx: Tx, revisions: Sequence[Revision], register: Register, *, hoping: bool
    ) -> Change:
        """Find out what is new: the newest revision of each visit against the one held.

        Of a first revision it may be hoped that none is held: writing it will tell.
        """
        newest, past = newest_of(revisions)
        asked = [key for key, row in newest.items() if not hoping or row.revision > 1]
        held = await store.held_visits(tx, asked) if asked else {}
        index = register.school_index
        fresh, newer, replaced = [], [], []
        seen = {}
        # Visits that come again come by the thousand: they are asked for until a batch has none.
        self._met_again = any(newest[key].revision == 1 for key in held)
        for key, row in newest.items():
            known = held.get(key)
            if known is None:
                fresh.append((index.get(row.school_code), row))
            elif known[1].revision < row.revision:
                newer.append((index.get(row.school_code), row))
                replaced.append(known)
                seen[key] = known
                past.append(known[1])
            elif known[1].revision > row.revision:
                past.append(row)
        change = Change(fresh, newer, replaced, past)
        schools = change.schools()
        if schools:
            change.groups.update(await store.lock_schools(tx, schools))
        if seen and not await store.still(tx, seen):
            raise Transient("another instance corrected these visits meanwhile")
        return change

    def _compute(self, rows: list[Sequence[Any]], change: Change, register: Register) -> Deltas:
        """Compute the difference between the loaded visits and the same after the change."""
        added = [
            _columns(school, row)
            for school, row in (*change.fresh, *change.newer)
            if school is not None
        ]
        gone = {(row.source, row.visit_id) for _, row in change.replaced}
        visits = Visits.from_rows([*rows, *added])
        before = np.zeros(len(visits), bool)
        before[: len(rows)] = True
        after = np.ones(len(visits), bool)
        if gone:
            after[: len(rows)] = [(row[0], row[1]) not in gone for row in rows]
        return contributions.difference(visits, before, after, register, self._look_back)


def _columns(school: int, row: Revision) -> tuple[object, ...]:
    """Lay a revision out as a row of visits.COLUMNS."""
    return (
        row.source,
        row.visit_id,
        school,
        row.day,
        row.at,
        row.received,
        row.monitor,
        row.kind,
        row.standing,
        row.groups,
        row.mask,
        row.flow,
        row.stock,
    )
