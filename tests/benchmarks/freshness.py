"""How long a visit takes from the tablet to the figures, embedded, at a steady pace.

`python -m tests.benchmarks.freshness [--rate N] [--seconds N] [--schools N] [--history N]`

One `rtsm serve` with a register and a history. Visits are posted at fixed moments, whether or not
earlier ones were answered (an open loop); each is measured from the moment it was meant to be sent
until `GET /v1/applied` says that the figures hold it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from itertools import islice
from pathlib import Path

import httpx
import msgspec

from demo import synthetic
from tests.benchmarks.house import (
    FIRST,
    LAST,
    REGISTER_SEED,
    VISITS_SEED,
    upload,
)
from tests.benchmarks.load import request
from tests.support.processes import Processes

_WARM_UP_SECONDS = 3
_LOOK_SECONDS = 0.005
SOURCE = "synthetic"


class Connections:
    """Raw HTTP/1.1 over kept connections, so that measuring costs little of the two cores."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, sent: bytes) -> tuple[int, bytes]:
        """Send one request and return the status and the body of its answer."""
        # A server closes a connection that was idle for some seconds.
        self._free = [streams for streams in self._free if not streams[0].at_eof()]
        streams = self._free.pop() if self._free else None
        reader, writer = streams or await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        at = head.lower().index(b"content-length:")
        body = await reader.readexactly(int(head[at + 15 : head.index(b"\r\n", at)]))
        self._free.append((reader, writer))
        return int(head[9:12]), body

    def close(self) -> None:
        """Let go of them all."""
        for _, writer in self._free:
            writer.close()


class Pace:
    """Visits sent at fixed moments, and one watcher that asks which of them the figures hold."""

    def __init__(self, port: int, key: str, rate: int) -> None:
        self._connections = Connections(port)
        self._key = {"Authorization": f"Bearer {key}"}
        self._rate = rate
        self._begin = 0.0
        self._waiting: list[tuple[str, int, str]] = []
        self.receipts: list[float] = []
        self.figures: list[float] = []

    async def run(self, bodies: list[bytes]) -> None:
        """Send all visits in their time and wait for the last one's figures."""
        self._begin = time.perf_counter() + 0.5
        sending = asyncio.gather(*(self._send(*item) for item in enumerate(bodies)))
        while not sending.done() or self._waiting:
            await self._watch()
        await sending
        self._connections.close()

    def _meant(self, number: int) -> float:
        return self._begin + number / self._rate

    def _note(self, times: list[float], number: int, at: float) -> None:
        if number >= _WARM_UP_SECONDS * self._rate:
            times.append(at - self._meant(number))

    async def _send(self, number: int, body: bytes) -> None:
        sent = request("POST", "/v1/visits", body, self._key | {"Content-Type": "application/json"})
        await asyncio.sleep(max(0.0, self._meant(number) - time.perf_counter()))
        status, answer = await self._connections.ask(sent)
        if status != httpx.codes.CREATED:
            raise RuntimeError(f"{status}: {answer[:300]!r}")
        self._note(self.receipts, number, time.perf_counter())
        receipt = msgspec.json.decode(answer)
        self._waiting.append((receipt["received_at"], number, receipt["visit_id"]))
        self._waiting.sort()

    async def _watch(self) -> None:
        """Find the last visit that is in, by halving: they enter in the order of receipt."""
        waiting = list(self._waiting)
        low, high = 0, len(waiting)
        while low < high:
            middle = (low + high) // 2
            if await self._applied(waiting[middle][2]):
                low = middle + 1
            else:
                high = middle
        now = time.perf_counter()
        for _, number, _ in waiting[:low]:
            self._note(self.figures, number, now)
        entered = {number for _, number, _ in waiting[:low]}
        self._waiting = [item for item in self._waiting if item[1] not in entered]
        # Asking costs the process that is measured: no more often than this.
        await asyncio.sleep(_LOOK_SECONDS)

    async def _applied(self, visit_id: str) -> bool:
        path = f"/v1/applied?source={SOURCE}&visit_id={visit_id}&revision=1"
        _, answer = await self._connections.ask(request("GET", path, b"", self._key))
        return bool(msgspec.json.decode(answer)["applied"])


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def until_folded(client: httpx.AsyncClient) -> None:
    """Wait until everything sent so far is in the figures."""
    while True:
        answer = (await client.get("/v1/figures/version")).raise_for_status().json()
        if answer["lag_seconds"] < 2:
            return
        await asyncio.sleep(0.5)


async def main() -> None:
    """Serve, fill, pace and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--schools", type=int, default=14_000)
    parser.add_argument("--history", type=int, default=20_000)
    given = parser.parse_args()
    register = synthetic.register(given.schools, REGISTER_SEED)
    live = given.rate * (given.seconds + _WARM_UP_SECONDS)
    made = synthetic.visits(
        register, given.history + live, VISITS_SEED, FIRST, LAST, shuffled=False
    )
    bodies = [body for _, body in made]
    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(Path(folder))
        try:
            house = processes.embedded()
            async with httpx.AsyncClient(
                base_url=house.url,
                headers={"Authorization": f"Bearer {house.key}"},
                timeout=600,
                trust_env=False,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=200),
            ) as client:
                history = iter(bodies)
                await upload(client, register, islice(history, given.history))
                await until_folded(client)
                pace = Pace(house.ingest[0].port, house.key, given.rate)
                served, begin = house.ingest[0].program.pid, time.perf_counter()
                used = -_processor_seconds(served)
                await pace.run(list(history))
                used += _processor_seconds(served)
                took = time.perf_counter() - begin
        finally:
            processes.close()
    for name, times in (("POST to figures", pace.figures), ("POST to receipt", pace.receipts)):
        times.sort()
        p50, p99 = (times[int(len(times) * part)] * 1000 for part in (0.50, 0.99))
        print(f"{name}, {given.rate}/s: p50 {p50:.1f} ms, p99 {p99:.1f} ms ({len(times)} visits)")
    print(f"the process used {used / took:.0%} of one processor")
    print("aim: p99 of POST to figures <= 100 ms")


if __name__ == "__main__":
    asyncio.run(main())
