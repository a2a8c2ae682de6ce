"""Listeners are told again after whatever kept a process from hearing: nothing moved is lost.

A ring that did not come, a connection that died without a word, a database that was away, a record
that nobody can read. `hear` is driven by the process's own loop, as in a service.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.indicators.snapshots import Snapshots
from services.indicators.stream import Listener, Notice, Stream
from shared.db.errors import Transient
from tests.integration.test_stream_joining import house, parts, visit
from tests.support.embedded import Embedded
from tests.support.waiting import eventually

__all__ = ["house"]  # the fixture


@asynccontextmanager
async def following(
    house: Embedded, patience: float = 0.3
) -> AsyncIterator[tuple[Snapshots, Stream, Listener]]:
    """A listener, and the loop that tells it; `patience` in seconds."""
    snapshots, _ = parts(house)
    database = house.platform.database("indicators")
    stream = Stream(database, snapshots, asyncio.Event(), patience=patience)
    async with snapshots.open() as snapshot:
        listener = await stream.join(snapshot, "page", None, None)
    running = asyncio.create_task(stream.run())
    try:
        yield snapshots, stream, listener
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def told(listener: Listener) -> Notice:
    async def notice() -> Notice | None:
        return listener.take()

    found = await eventually(notice, "the listener is told", 90)
    assert found is not None
    return found


async def test_a_commit_that_rang_no_bell_is_heard(house: Embedded) -> None:
    async with following(house) as (_, _, listener):
        committed = house.platform.database("indicators").committed
        ring, committed.ring = committed.ring, lambda: None  # type: ignore[method-assign]
        try:
            await visit(house, "2019-05-02")
            assert (await told(listener)).units == ["D"]
        finally:
            committed.ring = ring  # type: ignore[method-assign]


async def test_a_look_that_hangs_is_given_up_and_nothing_is_lost(
    house: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with following(house, 3.0) as (snapshots, _, listener):
        hung: list[None] = []
        over = asyncio.Event()
        opened = snapshots.open

        @asynccontextmanager
        async def dead(*given: Any, **named: Any) -> AsyncIterator[Any]:
            if not hung:
                hung.append(None)
                try:
                    await over.wait()
                finally:  # as a rollback on a connection that is gone
                    await over.wait()
            async with opened(*given, **named) as snapshot:
                yield snapshot

        monkeypatch.setattr(snapshots, "open", dead)
        await visit(house, "2019-05-02")
        assert (await told(listener)).first_day == "2019-05-02"
        assert hung
        over.set()


async def test_a_database_that_was_away_is_heard_when_it_is_back(
    house: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with following(house) as (snapshots, stream, listener):
        tries: list[None] = []

        @asynccontextmanager
        async def away(*given: Any, **named: Any) -> AsyncIterator[Any]:
            tries.append(None)
            raise Transient("the database went away")
            yield given, named

        with monkeypatch.context() as outage:
            outage.setattr(snapshots, "open", away)
            await visit(house, "2019-05-02")

            async def tried() -> bool:
                return bool(tries)

            await eventually(tried, "a look failed")
            assert listener.take() is None
        assert (await told(listener)).units == ["D"]
        assert await stream.trouble() is None


async def test_a_record_that_cannot_be_read_does_not_stop_the_stream(house: Embedded) -> None:
    snapshots, stream = parts(house)
    async with snapshots.open() as snapshot:
        listener = await stream.join(snapshot, "page", None, None)
    await visit(house, "2019-05-02")
    async with house.platform.database("indicators").transaction() as tx:
        last = "(SELECT max(seq) FROM journal)"
        await tx.execute(f"UPDATE journal SET data = $1 WHERE seq = {last}", b"{damaged")
    await stream.look()
    notice = listener.take()
    assert notice is not None
    assert notice.units is None, "anything may have moved"
    await visit(house, "2019-05-03")
    await stream.look()
    notice = listener.take()
    assert notice is not None
    assert (notice.units, notice.first_day) == (["D"], "2019-05-03")
