"""Group commit: submissions that wait together share a transaction.

Owns the queue and the one flusher; how long the queue may grow is for `load` to say, before a visit
is taken. No timer: it flushes as soon as the last commit has returned and
the event loop has heard whoever is there, so a batch is as large as the load makes it. Whoever
waits may be cancelled or gone: the batch is stored all the same, and neither the transaction nor
its neighbours notice.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import structlog

from services.ingest.drafts import Draft
from services.ingest.intake import Fate
from services.ingest.load import Load
from shared.db.errors import Conflict, Transient
from shared.errors import Problem

MOST = 512
_PATIENCE_SECONDS = 2.0
_TURNS = 6
_PAUSES = (0.0, 0.02, 0.1, 0.3, 0.6)
_LOG = structlog.get_logger("rtsm.ingest")
Store = Callable[[Sequence[Draft]], Awaitable[list[Fate]]]
Waiting = tuple[Sequence[Draft], "asyncio.Future[list[Fate]]"]


class Committer:
    """Takes groups of drafts and stores them in order, many groups to a transaction."""

    def __init__(self, store: Store, most: int = MOST, load: Load | None = None) -> None:
        self._store = store
        self._most = most
        self.load = load or Load()
        self._queue: deque[Waiting] = deque()
        self._flusher: asyncio.Task[None] | None = None

    def submit(self, drafts: Sequence[Draft]) -> "asyncio.Future[list[Fate]]":
        """Queue a group, never split over transactions; the future has the fates after COMMIT."""
        future: asyncio.Future[list[Fate]] = asyncio.get_running_loop().create_future()
        self._queue.append((drafts, future))
        self.load.visits += len(drafts)
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush(), name="ingest-flusher")
        return future

    async def settled(self) -> None:
        """Wait until everything queued has been stored."""
        if self._flusher is not None:
            await asyncio.wait([self._flusher])

    async def _flush(self) -> None:
        try:
            while self._queue:
                # A commit's answers bring the next requests at once. Whoever is at the door comes
                # along: else the callers fall into two halves that wait for each other's commits.
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                batch = self._take()
                try:
                    await self._commit(batch)
                finally:
                    self.load.committed(sum(len(drafts) for drafts, _ in batch))
        finally:
            self._flusher = None

    def _take(self) -> list[Waiting]:
        batch = [self._queue.popleft()]
        size = len(batch[0][0])
        while self._queue and size + len(self._queue[0][0]) <= self._most:
            batch.append(self._queue.popleft())
            size += len(batch[-1][0])
        return batch

    async def _commit(self, batch: list[Waiting]) -> None:
        try:
            fates = await self._attempt([draft for drafts, _ in batch for draft in drafts])
        except Transient as error:
            _LOG.warning("the ledger is away", error=str(error))
            for _, future in batch:
                _fail(future, unavailable())
        except Exception as error:  # noqa: BLE001 - retried one by one; what fails again is told
            _LOG.error("a batch failed; trying its visits one by one", exc_info=error)
            await self._one_by_one(batch)
        else:
            start = 0
            for drafts, future in batch:
                if not future.done():
                    future.set_result(fates[start : start + len(drafts)])
                start += len(drafts)

    async def _attempt(self, drafts: Sequence[Draft]) -> list[Fate]:
        """Store, trying again while another process was first or the database was away.

        Nobody is kept waiting for a database that hangs: after two seconds the answer is 503.
        """
        until = time.monotonic() + _PATIENCE_SECONDS
        for pause in _PAUSES:
            try:
                return await self._store(drafts)
            except (Conflict, Transient) as error:
                _LOG.info("a batch is tried again", error=str(error))
                if time.monotonic() + pause > until:
                    raise
                await asyncio.sleep(pause)
        return await self._store(drafts)

    async def _one_by_one(self, batch: list[Waiting]) -> None:
        for drafts, future in batch:
            fates: list[Fate] = []
            for draft in drafts:
                try:
                    fates += await self._attempt([draft])
                except Transient:
                    fates.append(unavailable())
                except Exception as error:  # noqa: BLE001 - one bad row never fails its neighbours
                    _LOG.error("a visit cannot be stored", exc_info=error)
                    fates.append(Problem(500, "internal", "The visit could not be stored."))
            if not future.done():
                future.set_result(fates)


def unavailable() -> Problem:
    """The 503 of a ledger that does not answer; the outcome may be unknown, a retry is safe."""
    detail = "The ledger does not answer just now. Send the same visit again: it counts once."
    return Problem(503, "ledger_unavailable", detail, headers={"Retry-After": "3"})


def _fail(future: "asyncio.Future[list[Fate]]", problem: Problem) -> None:
    if not future.done():
        future.set_exception(problem)
