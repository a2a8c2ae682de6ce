"""The arithmetic of a rebuild, done by other processes where there is much of it.

Owns the processes and what crosses between them: events in, rows of visits out; visits in, sums
out. What is computed is `incoming`'s and `contributions`'; reading and writing is `rebuild_fold`'s.
"""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from services.indicators.contributions import Deltas, whole
from services.indicators.incoming import read_revisions
from services.indicators.register import Ints, Register
from services.indicators.visits import Visits
from shared.journal.records import Event, InvalidEvent, Record

T = TypeVar("T")
_MOST_PROCESSES = 4
_THERE: list[Register] = []
"""In a worker process: the register that it was started with. Empty everywhere else."""


class Workers:
    """Computes for a rebuild: in processes of its own, or in a thread when there is little."""

    def __init__(self, register: Register, pool: ProcessPoolExecutor | None) -> None:
        self.register = register
        self._pool = pool

    @property
    def at_once(self) -> int:
        """How many pieces of work are worth having under way."""
        return 1 if self._pool is None else processes() + 1

    async def revisions(self, data: Sequence[bytes], zone: ZoneInfo) -> list[tuple[Any, ...]]:
        """The visits of events as rows of `Revision`; those that make no sense are left out."""
        if self._pool is None:
            return await asyncio.to_thread(_revisions, data, zone)
        return await self._elsewhere(_revisions, data, zone)

    async def sums(self, rows: Sequence[Sequence[Any]], schools: Ints, look_back: int) -> Deltas:
        """Everything that schools add, given rows of all their visits."""
        if self._pool is None:
            return await asyncio.to_thread(_sums, self.register, rows, schools, look_back)
        # A driver's rows know their connection: plain ones can be sent.
        plain = [tuple(row) for row in rows]
        return await self._elsewhere(_sums_there, plain, schools, look_back)

    async def _elsewhere(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)


def processes() -> int:
    """How many processes compute: one for each processor, within reason."""
    return max(1, min(_MOST_PROCESSES, os.cpu_count() or 1))


@asynccontextmanager
async def workers(register: Register, *, many: bool) -> AsyncIterator[Workers]:
    """Workers that know the register; with `many` processes are started, and ended here."""
    if not many:
        yield Workers(register, None)
        return
    spawning = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes(), spawning, _begin, (register,))
    try:
        yield Workers(register, pool)
    finally:
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _begin(register: Register) -> None:
    """What a worker process does first."""
    _THERE.append(register)


def _revisions(data: Sequence[bytes], zone: ZoneInfo) -> list[tuple[Any, ...]]:
    records = [
        Record("", place, Event("", "", "", "", 0, 0, each)) for place, each in enumerate(data)
    ]
    while True:
        try:
            return [tuple(row) for row in read_revisions(records, zone)]
        except InvalidEvent as error:  # the consumer set it aside, too
            refused = error.record
            records = [record for record in records if record is not refused]


def _sums(
    register: Register, rows: Sequence[Sequence[Any]], schools: Ints, look_back: int
) -> Deltas:
    return whole(Visits.from_rows(rows), register, schools, look_back)


def _sums_there(rows: Sequence[Sequence[Any]], schools: Ints, look_back: int) -> Deltas:
    return _sums(_THERE[0], rows, schools, look_back)
