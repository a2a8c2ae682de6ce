"""The loop that turns records into effects, each counted once.

Effects, new events and the consumer's position are one transaction. Errors have kinds, and kinds
have fates: an invalid event is set aside (many in a row stop the consumer), a fenced batch is
dropped and the position read again, a transient error backs off with the same batch, a feed that
lost its past is healed from the journal, and anything else stops the consumer loudly.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.errors import Transient
from shared.db.transaction import Tx
from shared.journal import positions
from shared.journal.feed import Feed
from shared.journal.journal_feed import JournalFeed
from shared.journal.records import Batch, Fenced, InvalidEvent, LostPast, Record

Handle = Callable[[Tx, list[Record]], Awaitable[None]]
Prepare = Callable[[list[Record]], Awaitable[list[Record]]]
"""Reads what the records say before their transaction begins; gives them, or a list of them that
knows what was read. It refuses nothing: that is the handler's."""
_LOG = structlog.get_logger("rtsm.consumer")
_PAUSE_SECONDS = 0.05
_BACK_OFF = (0.05, 0.2, 0.5, 1.0, 2.0)
_MANY_INVALID = 100
_LIVE = 100


class Consumer:
    """Reads one feed on behalf of one service; `handle` does the work inside the transaction."""

    def __init__(
        self,
        name: str,
        feed: Feed,
        database: Database,
        handle: Handle,
        clock: Clock,
        *,
        batch: int = 2_000,
        after_commit: Callable[[], Awaitable[None]] | None = None,
        ledger: Callable[[], JournalFeed] | None = None,
        prepare: Prepare | None = None,
        pause: float = _PAUSE_SECONDS,
    ) -> None:
        self.name = name
        self.feed = feed
        self._database = database
        self._handle = handle
        self._clock = clock
        self.most = batch
        self._limit = min(_LIVE, batch)
        self._after_commit = after_commit
        self._ledger = ledger
        self._prepare = prepare
        self._ahead: asyncio.Task[Batch | None] | None = None
        self._turns = self._ahead_of = 0
        self._pause = pause
        self._expected: dict[str, int | None] = {}
        self._invalid_in_a_row = 0
        self._opened = False
        self.trouble: str | None = None

    async def _load(self, partition: str) -> int | None:
        async with self._database.reading() as tx:
            self._expected[partition] = await positions.load(tx, self.name, partition)
        self._turns += 1
        return self._expected[partition]

    async def run(self) -> None:
        """Consume until cancelled; returns only by an error that nobody can mend here."""
        tries = 0
        while True:
            try:
                await self.step(self._pause)
                tries = 0
                self.trouble = None
            except (Transient, OSError) as error:
                self.trouble = f"{self.name}: {error}"
                _LOG.warning("consumer waits", consumer=self.name, error=str(error))
                await asyncio.sleep(_BACK_OFF[min(tries, len(_BACK_OFF) - 1)])
                tries += 1

    async def drain(self) -> int:
        """Consume until the feed has nothing more; the number of records handled."""
        handled = 0
        while (count := await self.step(0.0)) is not None:
            handled += count
        return handled

    async def step(self, wait: float) -> int | None:
        """Handle one batch; the number of its records, or None when there was none."""
        if not self._opened:
            await self.feed.open(self._load)
            self._opened = True
        try:
            batch = await self._next(wait)
        except LostPast as error:
            await self._heal(str(error))
            return 0
        # Small batches while the feed is fresh, so that nobody waits; large ones to catch up. A
        # batch that is not full tells nothing: a feed of many partitions hands out their ends.
        if batch is None:
            self._limit = min(_LIVE, self.most)
            return None
        if len(batch.records) >= self._limit:
            self._limit = min(self._limit * 2, self.most)
        if self._prepare is not None and len(batch.records) >= _LIVE:
            self._ahead_of = self._turns
            self._ahead = asyncio.create_task(self._fetched(wait))
        await self._apply(batch)
        return len(batch.records)

    async def _next(self, wait: float) -> Batch | None:
        """The batch that was fetched beside the last one, or one that is fetched now."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            batch = await ahead
            if batch is not None and self._turns == self._ahead_of:
                return batch
            if batch is not None:
                # Some position was read anew meanwhile: what came from the old one may be stale.
                self._forget(batch.partition)
        return await self._fetched(wait)

    async def _fetched(self, wait: float) -> Batch | None:
        """The feed's next batch, read as far as that can be done before its transaction."""
        batch = await self.feed.fetch(self._limit, wait)
        if batch is None or self._prepare is None or len(batch.records) < _LIVE:
            return batch
        return Batch(batch.partition, await self._prepare(batch.records), batch.next)

    async def _apply(self, batch: Batch) -> None:
        records = batch.records
        while True:
            try:
                await self._commit(batch, records)
            except InvalidEvent as error:
                records = [record for record in records if record is not error.record]
                await self._set_aside(error)
                continue
            except Fenced:
                _LOG.warning("fenced", consumer=self.name, partition=batch.partition)
                self._forget(batch.partition)
                return
            except BaseException:
                # Whatever it was, nothing of this batch is in: what comes after it must not be.
                self._forget(batch.partition)
                raise
            break
        if records:
            self._invalid_in_a_row = 0
        self._expected[batch.partition] = batch.next
        if self._after_commit is not None:
            await self._after_commit()

    def _forget(self, partition: str) -> None:
        self._expected.pop(partition, None)
        self._turns += 1
        self.feed.forget(partition)

    async def _commit(self, batch: Batch, records: list[Record]) -> None:
        async with self._database.transaction() as tx:
            # The position first: an instance that was replaced learns it before it does any work.
            await positions.advance(
                tx, self.name, batch.partition, self._expected.get(batch.partition), batch.next
            )
            if records:
                await self._handle(tx, records)

    async def _set_aside(self, error: InvalidEvent) -> None:
        """Keep an event that makes no sense, with the reason; stop when nothing makes sense."""
        self._invalid_in_a_row += 1
        if self._invalid_in_a_row > _MANY_INVALID:
            raise RuntimeError(f"{self.name}: {_MANY_INVALID} invalid events in a row") from error
        _LOG.error("event set aside", consumer=self.name, reason=error.reason)
        record = error.record
        async with self._database.transaction() as tx:
            await tx.upsert_rows(
                "set_aside",
                ("consumer", "partition", "position"),
                ("consumer", "partition", "position", "reason", "data", "recorded"),
                [
                    (
                        self.name,
                        record.partition,
                        record.position,
                        error.reason,
                        record.event.data,
                        micros(self._clock.now()),
                    )
                ],
            )

    async def _heal(self, reason: str) -> None:
        """Take what the feed lost from the journal; revisions absorb what was counted before."""
        if self._ledger is None:
            raise RuntimeError(f"{self.name}: {reason}")
        _LOG.error("the feed lost its past; reading the journal", consumer=self.name, reason=reason)
        self.trouble = f"{self.name}: healing from the journal ({reason})"
        ledger = self._ledger()

        async def beginning(_: str) -> int | None:
            return None

        await ledger.open(beginning)
        while (batch := await ledger.fetch(2_000, 0.0)) is not None:
            await self._absorb(batch.records)
        self._expected.clear()
        self.feed.healed()
        self.trouble = None
        if self._after_commit is not None:
            await self._after_commit()

    async def _absorb(self, records: list[Record]) -> None:
        """Handle records that move no position; those that make no sense are set aside."""
        while records:
            try:
                async with self._database.transaction() as tx:
                    await self._handle(tx, records)
            except InvalidEvent as error:
                records = [record for record in records if record is not error.record]
                await self._set_aside(error)
            else:
                self._invalid_in_a_row = 0
                return

    async def close(self) -> None:
        """Let go of the feed."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)
        if self._opened:
            await self.feed.close()
            self._opened = False
