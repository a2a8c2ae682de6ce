"""The arithmetic of a rebuild, done by other processes where there is much of it.

Owns starting, asking and ending them; what they compute is `rebuild_worker`'s, reading and writing
is `rebuild_fold`'s. A worker that dies makes the rebuild fail, and nothing has happened.
"""

import asyncio
import os
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from zoneinfo import ZoneInfo

from services.indicators.contributions import Deltas
from services.indicators.rebuild_worker import ASKED, LENGTH, framed
from services.indicators.register import Ints, Register

_MOST_PROCESSES = 4


class Workers:
    """Computes for a rebuild: in processes of its own, or in a thread when there are none."""

    def __init__(self, register: Register, processes: Sequence[Process]) -> None:
        self.register = register
        self._free: asyncio.LifoQueue[Process] = asyncio.LifoQueue()
        self._count = len(processes)
        for process in processes:
            self._free.put_nowait(process)

    @property
    def at_once(self) -> int:
        """How many pieces of work are worth having under way."""
        return self._count + 1

    async def revisions(self, data: Sequence[bytes], zone: ZoneInfo) -> list[tuple[Any, ...]]:
        """The visits of events as rows of `Revision`; those that make no sense are left out."""
        found: list[tuple[Any, ...]] = await self._ask("revisions", data, zone)
        return found

    async def sums(self, rows: Sequence[Sequence[Any]], schools: Ints, look_back: int) -> Deltas:
        """Everything that schools add, given rows of all their visits."""
        # A driver's rows know their connection: plain ones can be sent.
        plain = [tuple(row) for row in rows] if self._count else rows
        deltas: Deltas = await self._ask("sums", plain, schools, look_back)
        return deltas

    async def _ask(self, name: str, *args: object) -> Any:
        if not self._count:
            return await asyncio.to_thread(ASKED[name], self.register, *args)
        process = await self._free.get()
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a worker has no pipes")
        try:
            process.stdin.write(await asyncio.to_thread(framed, (name, args)))
            await process.stdin.drain()
            head = await process.stdout.readexactly(LENGTH.size)
            body = await process.stdout.readexactly(LENGTH.unpack(head)[0])
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise RuntimeError("a process that computed for the rebuild has ended") from error
        self._free.put_nowait(process)
        return await asyncio.to_thread(pickle.loads, body)


@asynccontextmanager
async def workers(register: Register, *, many: bool) -> AsyncIterator[Workers]:
    """Workers that know the register; with `many` processes are started, and ended here."""
    processes: list[Process] = []
    try:
        if many:
            for _ in range(_count()):
                processes.append(await _started(register))  # noqa: PERF401 - each may fail
        yield Workers(register, processes)
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


def _count() -> int:
    """How many processes compute: one for each processor, within reason."""
    return max(1, min(_MOST_PROCESSES, os.cpu_count() or 1))


async def _started(register: Register) -> Process:
    # As this process finds its modules, so does that one.
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.indicators.rebuild_worker"),
        stdin=PIPE,
        stdout=PIPE,
        env=env,
        limit=1 << 20,
    )
    if process.stdin is None:
        raise RuntimeError("a worker has no pipes")
    process.stdin.write(await asyncio.to_thread(framed, register))
    return process
