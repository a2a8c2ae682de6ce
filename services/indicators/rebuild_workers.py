"""The arithmetic of a rebuild, done by other processes where there is much of it.

Owns starting, telling, asking and ending them; what they compute is `rebuild_tasks`', reading and
writing is `rebuild_fold`'s. A worker that dies makes the rebuild fail, and nothing has happened.
"""

import asyncio
import os
import pickle
import secrets
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from services.indicators.rebuild_tasks import Counted, Events, Newest, Parted, Plan, Repeat
from services.indicators.rebuild_worker import ASKED, LENGTH, NEWEST, PLAN, bodied
from services.indicators.register import Ints
from shared.db.errors import Transient

_MOST_PROCESSES = 4
_AT_A_READ = 1 << 20
_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 25), "MALLOC_TRIM_THRESHOLD_": str(1 << 28)}
"""Large arrays come and go: what they lay in is kept for the next, not given back each time."""


class Workers:
    """Computes for a rebuild: in processes of its own, or in a thread when there are none."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._free: asyncio.LifoQueue[Process] = asyncio.LifoQueue()
        self._processes = processes
        self._plan: Plan | None = None
        self._newest: Newest = {}
        for process in processes:
            self._free.put_nowait(process)

    @property
    def at_once(self) -> int:
        """How many pieces of work are worth having under way."""
        return len(self._processes) + 1

    @property
    def plan(self) -> Plan:
        """What all tasks know."""
        if self._plan is None:
            raise RuntimeError("the workers were told no plan")
        return self._plan

    async def begin(self, plan: Plan) -> None:
        """Tell all what they need to know; nothing may be under way."""
        self._plan = plan
        await self._tell(PLAN, plan)

    async def settle(self, newest: Newest) -> None:
        """Tell all which rows hold of what is told more than once; nothing may be under way."""
        self._newest = newest
        if newest:
            await self._tell(NEWEST, newest)

    async def parted(self, events: Events) -> Parted:
        """Events as rows by part."""
        found: Parted = await self._ask("parted", events)
        return found

    async def named(self, pages: Sequence[bytes], met: Sequence[int]) -> list[Repeat]:
        """Of first revisions of these numbers: key, revision and position."""
        found: list[Repeat] = await self._ask("named", pages, met)
        return found

    async def counted(self, pages: Sequence[bytes], schools: Ints) -> Counted:
        """What schools come to, given the parted rows of all their visits."""
        found: Counted = await self._ask("counted", pages, schools)
        return found

    async def _tell(self, name: str, value: object) -> None:
        if self._processes:
            body = await asyncio.to_thread(bodied, (name, (value,)))
            for process in self._processes:
                await _send(process, body)

    async def _ask(self, name: str, *args: object) -> Any:
        if not self._processes:
            return await asyncio.to_thread(ASKED[name], self.plan, self._newest, *args)
        process = await self._free.get()
        await _send(process, await asyncio.to_thread(bodied, (name, args)))
        if process.stdout is None:
            raise RuntimeError("a worker has no pipes")
        try:
            head = await process.stdout.readexactly(LENGTH.size)
            body = await process.stdout.readexactly(LENGTH.unpack(head)[0])
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Transient(_ENDED) from error
        self._free.put_nowait(process)
        return await asyncio.to_thread(pickle.loads, body)


_ENDED = (
    "A process that computed for the rebuild has ended, as when memory is short. "
    "Nothing has changed; the rebuild may be run again."
)


async def _send(process: Process, body: bytes) -> None:
    if process.stdin is None:
        raise RuntimeError("a worker has no pipes")
    try:
        process.stdin.write(LENGTH.pack(len(body)))
        process.stdin.write(body)
        await process.stdin.drain()
    except ConnectionError as error:
        raise Transient(_ENDED) from error


@asynccontextmanager
async def workers(*, many: bool) -> AsyncIterator[Workers]:
    """Workers that know nothing yet; with `many` processes are started, and ended here."""
    processes: list[Process] = []
    # Keys are compared by their numbers among all processes.
    seed = str(secrets.randbelow(2**32))
    try:
        if many:
            for _ in range(_count()):
                processes.append(await _started(seed))  # noqa: PERF401 - each may fail
        yield Workers(processes)
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


def _count() -> int:
    """How many processes compute: one for each processor, within reason."""
    return max(1, min(_MOST_PROCESSES, os.cpu_count() or 1))


async def _started(seed: str) -> Process:
    # As this process finds its modules, so does that one.
    path = os.pathsep.join(filter(None, sys.path))
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.indicators.rebuild_worker"),
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ, **_MEMORY, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
        limit=_AT_A_READ,
    )
