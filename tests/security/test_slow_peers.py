"""Peers that send byte by byte are told 408 and cut off; slow links and neighbours are served.

Real sockets, the server's own configuration, deadlines twenty times as short as in service.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services import http_protocol
from services.http_protocol import Deadlines, WholeAnswers
from tests.support.intake import House, house, visit
from tests.support.sockets import listening

SHORT = Deadlines(look=0.05, head=0.5, window=1.0, progress=64, answer=2.0)


@pytest.fixture
async def served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[House, int]]:
    """An ingest on a real socket, as `rtsm serve` serves it, with short deadlines."""
    monkeypatch.setattr(WholeAnswers, "deadlines", SHORT)
    async with house(tmp_path) as opened, listening(opened.app) as port:
        yield opened, port


def head(opened: House, length: int | None, path: str = "/v1/visits", kind: str = "json") -> bytes:
    sized = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: Bearer {opened.key}\r\nContent-Type: application/{kind}\r\n{sized}\r\n\r\n"
    ).encode()


async def trickled(port: int, opening: bytes, rest: bytes, size: int, pause: float) -> bytes:
    """Send an opening, then pieces with pauses until all is sent or something is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = asyncio.create_task(reader.read())
    writer.write(opening)
    try:
        for start in range(0, len(rest), size):
            done, _ = await asyncio.wait([answer], timeout=pause)
            if done:
                break
            writer.write(rest[start : start + size])
        return await asyncio.wait_for(answer, 5)
    finally:
        writer.close()


BODY = json.dumps(visit(remarks="x" * 3000)).encode()
CASES = {
    "a visit": lambda opened: (head(opened, len(BODY)), BODY),
    "a register": lambda opened: (head(opened, 9999, "/v1/keys"), b"{" + BODY),
    "a chunked body": lambda opened: (
        head(opened, None),
        b"".join(b"1\r\n%c\r\n" % byte for byte in BODY),
    ),
    "a head": lambda opened: (b"POST /v1/visits HTTP/1.1\r\n", b"X-A: " + b"y" * 3000),
    "nothing at all": lambda opened: (b"", b""),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_trickle_ends_with_408_and_the_connection_closes(
    served: tuple[House, int], case: object
) -> None:
    opened, port = served
    opening, rest = case(opened)  # type: ignore[operator]
    began = time.monotonic()
    answer = await trickled(port, opening, rest, 6 if b"chunked" in opening else 1, 0.05)
    assert answer.startswith(b"HTTP/1.1 408 "), answer[:200]
    assert b"connection: close" in answer
    document = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (document["status"], document["type"]) == (408, "/problems/too_slow")
    assert time.monotonic() - began < 4
    assert await opened.rows("SELECT count(*) FROM visits") == [(0,)]


async def test_a_slow_link_is_served_however_long_it_takes(served: tuple[House, int]) -> None:
    opened, port = served
    began = time.monotonic()
    answer = await trickled(port, head(opened, len(BODY)), BODY, 64, 0.05)
    assert time.monotonic() - began > 2 * SHORT.window
    assert answer[:12] in {b"HTTP/1.1 201", b"HTTP/1.1 202"}, answer[:200]


async def test_complete_chunks_of_a_trickled_upload_are_kept(served: tuple[House, int]) -> None:
    opened, port = served
    lines = b"".join(json.dumps(visit()).encode() + b"\n" for _ in range(510))
    opening = head(opened, len(lines) + 9999, "/v1/visits/batch", "x-ndjson") + lines
    answer = await trickled(port, opening, b"z" * 3000, 1, 0.05)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert await opened.rows("SELECT count(*) FROM visits") == [(500,)]


async def test_neighbours_do_not_notice(served: tuple[House, int]) -> None:
    opened, port = served
    slow = [
        asyncio.create_task(trickled(port, head(opened, len(BODY)), BODY, 1, 0.1))
        for _ in range(50)
    ]
    took = []
    while not all(task.done() for task in slow):
        began = time.monotonic()
        body = json.dumps(visit()).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(opened, len(body)) + body)
        assert b" 202 " in await reader.readline()
        writer.close()
        took.append(time.monotonic() - began)
    assert {answer[:12] for answer in await asyncio.gather(*slow)} == {b"HTTP/1.1 408"}
    assert sorted(took)[len(took) // 2] < 0.25


async def test_a_kept_connection_is_nobodys_trickle(served: tuple[House, int]) -> None:
    opened, port = served
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(3):
        body = json.dumps(visit()).encode()
        writer.write(head(opened, len(body)).replace(b"close", b"keep-alive") + body)
        assert b" 202 " in await reader.readline()
        while (await reader.readline()).strip():
            pass
        await reader.readuntil(b"}")
        # Longer than a head may take, nothing is said and the connection is not closed.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 2 * SHORT.head)
    writer.close()


def test_in_service_the_deadlines_are_these() -> None:
    assert http_protocol.WholeAnswers.deadlines == Deadlines()
    assert Deadlines().head + 2 * Deadlines().look <= 15
    assert Deadlines().window + 2 * Deadlines().look <= 60
