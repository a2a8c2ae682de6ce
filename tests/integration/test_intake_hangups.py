"""Clients that go away: no connection, no transaction and no neighbour pays for them."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from tests.support.intake import House, intake, visit
from tests.support.sockets import listening

__all__ = ["intake"]
MANY = 40


def head(intake: House, path: str, length: int, kind: str = "application/json") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {intake.key}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def hang_up(port: int, *, sent: bytes, hard: bool) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await writer.drain()
    if hard:
        writer.transport.abort()
    else:
        writer.close()


async def answered_at_once(port: int, intake: House) -> None:
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps(visit()).encode()
    writer.write(head(intake, "/v1/visits", len(body)) + body)
    line = await asyncio.wait_for(reader.readline(), 5)
    assert b"201" in line
    assert time.monotonic() - began < 5
    writer.close()


async def stored(intake: House, forms: list[dict[str, Any]]) -> int:
    """How many of the visits are stored, once all that was taken in has been committed."""
    answer = await intake.post(visit())  # the flusher takes in order: this one comes last
    assert answer.status_code == 201
    ids = [form["visit_id"] for form in forms]
    [(count,)] = await intake.rows(
        "SELECT count(*) FROM visits WHERE visit_id = ANY($1::text[])", ids
    )
    return int(count)


async def test_forty_hang_up_after_the_body(intake: House) -> None:
    async with listening(intake.app) as port:
        forms = [visit() for _ in range(MANY)]
        bodies = [json.dumps(form).encode() for form in forms]
        await asyncio.gather(
            *(
                hang_up(
                    port, sent=head(intake, "/v1/visits", len(body)) + body, hard=place % 2 == 0
                )
                for place, body in enumerate(bodies)
            )
        )
        await answered_at_once(port, intake)
        # Whatever was taken in whole may be stored; a retry finds out and counts once.
        for form in forms:
            assert (await intake.post(form)).status_code in {200, 201}
        assert await stored(intake, forms) == MANY
        assert len(await intake.events()) == MANY + 2


async def test_forty_hang_up_in_the_middle(intake: House) -> None:
    async with listening(intake.app) as port:
        forms = [visit() for _ in range(MANY)]
        bodies = [json.dumps(form).encode() for form in forms]
        await asyncio.gather(
            *(
                hang_up(
                    port,
                    sent=head(intake, "/v1/visits", len(body)) + body[: len(body) // 2],
                    hard=place % 2 == 0,
                )
                for place, body in enumerate(bodies)
            )
        )
        await answered_at_once(port, intake)
        assert await stored(intake, forms) == 0


async def test_forty_hang_up_in_the_middle_of_a_correction(intake: House) -> None:
    form = visit()
    await intake.post(form)
    async with listening(intake.app) as port:
        body = json.dumps(form | {"remarks": "x"}).encode()
        start = head(intake, f"/v1/visits/{form['visit_id']}", len(body))
        start = start.replace(b"POST", b"PUT").replace(b"Host:", b'If-Match: "1"\r\nHost:')
        await asyncio.gather(
            *(hang_up(port, sent=start + body[:-5], hard=place % 2 == 0) for place in range(MANY))
        )
        await answered_at_once(port, intake)
        assert len(await intake.events()) == 2


async def test_lines_that_were_cut_off_are_whole_chunks_or_nothing(intake: House) -> None:
    async with listening(intake.app) as port:
        forms = [visit() for _ in range(1203)]
        body = b"".join(json.dumps(form).encode() + b"\n" for form in forms)
        start = head(intake, "/v1/visits/batch", len(body), "application/x-ndjson")
        for cut in (10, 200, len(body) // 3, len(body) - 40, len(body) - 1):
            await hang_up(port, sent=start + body[:cut], hard=cut % 2 == 0)
            await answered_at_once(port, intake)
            assert await stored(intake, forms) in {0, 500, 1000}
        whole = await intake.call(
            "POST",
            "/v1/visits/batch",
            content=body,
            headers={"Content-Type": "application/x-ndjson"},
        )
        answer = whole.json()
        assert answer["accepted"] + answer["replayed"] == len(forms)
        assert answer["rejected"] == 0
        assert await stored(intake, forms) == len(forms)


async def test_a_line_cut_in_a_character_is_never_stored(intake: House) -> None:
    async with listening(intake.app) as port:
        last = visit(remarks="چاردیواری")
        text = json.dumps(last, ensure_ascii=False).encode()
        body = json.dumps(visit()).encode() + b"\n" + text
        start = head(intake, "/v1/visits/batch", len(body), "application/x-ndjson")
        await hang_up(port, sent=start + body[:-10], hard=False)
        await answered_at_once(port, intake)
        assert await stored(intake, [last]) == 0


async def test_a_body_without_a_length_is_bounded_too(intake: House) -> None:
    async with listening(intake.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        start = head(intake, "/v1/visits", 0).replace(
            b"Content-Length: 0", b"Transfer-Encoding: chunked"
        )
        writer.write(start)
        piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        for _ in range(6):
            writer.write(piece)
        line = await asyncio.wait_for(reader.readline(), 10)
        assert b"413" in line
        writer.transport.abort()
        await answered_at_once(port, intake)
