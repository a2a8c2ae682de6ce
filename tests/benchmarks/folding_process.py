"""One indicators process of a benchmark: folds visits from Kafka until it is told to stop.

Spoken to in lines. In: where the servers are (JSON), then a line to begin, then one to end. Out:
`open`, `begun` after the first batch, at last the processor seconds that followed (JSON).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from services.serving import spare_collections
from shared.settings import Settings, load_settings
from tests.benchmarks.house import application, consumer_of

VISITS = "indicators.visits"
_WAIT = 0.05
_SAID = "> "


@dataclass(frozen=True, slots=True)
class Told:
    """What a process needs to know."""

    database_url: str
    bootstrap: str
    batch: int


class Processes:
    """So many processes of one consumer group, from `begin` to `end`."""

    def __init__(self, settings: Settings, batch: int, count: int) -> None:
        self._settings = settings
        self._batch = batch
        self._count = count
        self._running: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> Processes:
        """Start them, and wait until each has opened its databases."""
        told = {
            "database_url": self._settings.database_url,
            "bootstrap": self._settings.kafka.bootstrap,
            "batch": self._batch,
        }
        for _ in range(self._count):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.benchmarks.folding_process"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            self._running.append(process)
            self._say(process, json.dumps(told))
        await self._all_say("open")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End those that have not ended."""
        for process in self._running:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def begin(self) -> None:
        """Let all begin at once; returns when each has folded a batch."""
        for process in self._running:
            self._say(process, "begin")
        await self._all_say("begun")

    async def end(self) -> float:
        """Let all end; the processor seconds of all of them, from each one's first batch on."""
        for process in self._running:
            self._say(process, "end")
        return sum([float(json.loads(await _heard(process))) for process in self._running])

    def _say(self, process: asyncio.subprocess.Process, line: str) -> None:
        if process.stdin is not None:
            process.stdin.write(f"{line}\n".encode())

    async def _all_say(self, word: str) -> None:
        for process in self._running:
            said = await _heard(process)
            if said != word:
                raise RuntimeError(f"a process said {said!r} instead of {word!r}")


async def _heard(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        raise RuntimeError("a process without output")
    # Between what it says there are its logs: another took a partition over, and the like.
    while line := (await process.stdout.readline()).decode():
        if line.startswith(_SAID):
            return line.removeprefix(_SAID).strip()
    raise RuntimeError("a process ended before its time")


def _tell(words: str) -> None:
    print(f"{_SAID}{words}", flush=True)


async def _line() -> str:
    line: str = await asyncio.to_thread(sys.stdin.readline)
    return line.strip()


async def main() -> None:
    """Fold as told."""
    told = Told(**json.loads(await _line()))
    kafka: dict[str, Any] = {"bootstrap": told.bootstrap}
    settings = load_settings(
        {}, services=["indicators"], database_url=told.database_url, kafka=kafka
    )
    async with application(settings) as app:
        folding = consumer_of(app, VISITS)
        folding.most = told.batch
        _tell("open")
        await _line()
        spare_collections()  # as whatever is served does
        while not await folding.step(_WAIT):
            continue
        _tell("begun")
        start = last = time.process_time()
        ending = asyncio.create_task(_line())
        while not ending.done():
            if await folding.step(_WAIT):
                last = time.process_time()
        _tell(json.dumps(last - start))


if __name__ == "__main__":
    asyncio.run(main())
