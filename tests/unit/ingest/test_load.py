"""Load is shed before a visit is taken, never after; an upload that has begun is slowed down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.ingest import service
from services.ingest.committer import Committer
from services.ingest.load import Load
from tests.support.intake import House, house, visit

MOST = 1_200


class Held:
    """A ledger that commits nothing before it is let go."""

    def __init__(self) -> None:
        self.load = Load(most_visits=MOST, most_bytes=1_000_000)
        self.gate = asyncio.Event()
        self.entered = asyncio.Event()

    def committer(self, store: Any) -> Committer:
        async def gated(drafts: Sequence[Any]) -> Any:
            self.entered.set()
            await self.gate.wait()
            return await store(drafts)

        return Committer(gated, load=self.load)


@pytest.fixture
async def crowded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    held = Held()
    monkeypatch.setattr(service, "Committer", held.committer)
    async with house(tmp_path) as opened:
        yield opened, held


def begun(coroutines: Sequence[Any]) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(coroutine) for coroutine in coroutines]


def upload(intake: House, lines: bytes) -> Any:
    kind = {"Content-Type": "application/x-ndjson"}
    return intake.call("POST", "/v1/visits/batch", content=lines, headers=kind)


def lines(count: int) -> bytes:
    return b"".join(json.dumps(visit()).encode() + b"\n" for _ in range(count))


async def test_a_full_queue_refuses_the_next_and_keeps_its_promises(crowded: Any) -> None:
    intake, held = crowded
    bulk = begun([intake.call("POST", "/v1/visits/batch", [visit() for _ in range(600)])])
    await held.entered.wait()
    assert held.load.visits == 600
    refused = await intake.call("POST", "/v1/visits/batch", [visit()])
    assert refused.status_code == 503  # bulk stops at half
    singles = begun([intake.post(visit()) for _ in range(MOST - 600)])
    while held.load.visits < MOST:  # noqa: ASYNC110 - the requests are on their way
        await asyncio.sleep(0)
    for _ in range(20):
        late = await intake.post(visit())
        assert (late.status_code, late.json()["type"]) == (503, "/problems/overloaded")
        assert 2 <= int(late.headers["retry-after"]) <= 8
        assert late.json()["retryable"] is True
    assert (await intake.call("GET", "/v1/units")).status_code == 200  # readers do not notice
    held.gate.set()
    statuses = {answer.status_code for answer in await asyncio.gather(*bulk, *singles)}
    assert statuses == {200, 202}
    assert (held.load.visits, held.load.bytes) == (0, 0)
    assert await intake.rows("SELECT count(*) FROM visits") == [(MOST,)]
    assert (await intake.post(visit())).status_code == 202


async def test_uploads_that_have_begun_wait_for_room(crowded: Any) -> None:
    intake, held = crowded
    uploads = begun([upload(intake, lines(2_100)) for _ in range(3)])
    await held.entered.wait()
    for _ in range(3_000):
        await asyncio.sleep(0)
    assert held.load.visits <= MOST // 2 + 3 * 500
    held.gate.set()
    answers = await asyncio.gather(*uploads)
    assert [answer.json()["quarantined"] for answer in answers] == [2_100] * 3
    assert (held.load.visits, held.load.bytes) == (0, 0)


async def test_bytes_in_hand_are_bounded_and_let_go_of(crowded: Any) -> None:
    intake, held = crowded
    large = [visit(remarks="x" * 8_000) for _ in range(200)]
    singles = begun([intake.post(form) for form in large])
    await held.entered.wait()
    while not any(task.done() for task in singles):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0)
    assert held.load.bytes <= held.load.most_bytes + 9_000
    held.gate.set()
    statuses = [answer.status_code for answer in await asyncio.gather(*singles)]
    assert set(statuses) == {202, 503}
    assert await intake.rows("SELECT count(*) FROM visits") == [(statuses.count(202),)]
    for body in (b"", b"{}", b"x" * 300_000, json.dumps(large[0]).encode()):
        await intake.call(
            "POST", "/v1/visits", content=body, headers={"Content-Type": "application/json"}
        )
        await upload(intake, body)
    assert (held.load.visits, held.load.bytes) == (0, 0)
