"""A load generator that costs little: raw HTTP/1.1 over kept connections, requests made beforehand.

Owns sending, counting and timing; what is sent and what must be answered is the caller's.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast


def request(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Result:
    """What a run came to: answers a second, answers by status code, seconds at the 99th percent."""

    rate: float
    statuses: dict[int, int]
    p50: float
    p99: float


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one is answered."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._next()

    def _next(self) -> None:
        sent = self._run.take()
        if sent is None:
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(sent)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end >= 0:
            at = buffer.lower().find(b"content-length:", 0, end)
            length = int(buffer[at + 15 : buffer.find(b"\r\n", at)])
            if len(buffer) >= end + 4 + length:
                self._buffer = b""
                took = time.perf_counter() - self._began
                self._run.answered(int(buffer[9:12]), took)
                self._next()
                return
        self._buffer = buffer

    def connection_lost(self, error: Exception | None) -> None:
        self._run.left()


class _Run:
    def __init__(self, requests: Sequence[bytes], connections: int) -> None:
        self._requests = iter(requests)
        self._open = connections
        self.statuses: Counter[int] = Counter()
        self.times: list[float] = []
        self.done = asyncio.Event()

    def take(self) -> bytes | None:
        return next(self._requests, None)

    def answered(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        self.times.append(seconds)

    def left(self) -> None:
        self._open -= 1
        if self._open == 0:
            self.done.set()


async def hammer(port: int, requests: Sequence[bytes], connections: int = 32) -> Result:
    """Send all requests over so many connections and wait for all answers."""
    run = _Run(requests, connections)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(run), "127.0.0.1", port)
    await run.done.wait()
    took = time.perf_counter() - began
    times = sorted(run.times) or [0.0]
    return Result(
        rate=len(run.times) / took,
        statuses=dict(run.statuses),
        p50=times[len(times) // 2],
        p99=times[int(len(times) * 0.99)],
    )
