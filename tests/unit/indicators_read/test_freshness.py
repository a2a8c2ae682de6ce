"""How fresh figures say they are: never fresher than they are, and never in the way."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from services.indicators.freshness import OfFeed, Progress
from shared.clock import SetClock, micros
from shared.db.errors import Transient
from shared.journal.records import Event, Record

NOW = datetime(2019, 6, 3, 4, 0, tzinfo=UTC)
TX: Any = None


def record(partition: str, recorded: int) -> Record:
    return Record(partition, 1, Event("t", "x", "k", "s", recorded, recorded, b"{}"))


async def nothing(*_: object) -> None:
    return None


class Place:
    """Somewhere on the way, as the test says."""

    def __init__(self) -> None:
        self.waiting = False
        self.asked = 0

    async def __call__(self) -> bool:
        self.asked += 1
        return self.waiting


async def test_when_nothing_waits_figures_are_a_moment_old() -> None:
    fresh = OfFeed(SetClock(NOW), Progress(), [Place()])
    assert await fresh.look() == micros(NOW) - 1_000_000


async def test_when_something_waits_they_are_as_old_as_the_last_record_applied() -> None:
    progress, place = Progress(), Place()
    place.waiting = True
    await progress.watch("c", nothing)(TX, [record("a", 70), record("b", 50), record("a", 90)])
    await progress.committed("c")()
    assert await OfFeed(SetClock(NOW), progress, [place]).look() == 50


async def test_when_nothing_waits_the_newest_record_is_in_however_young() -> None:
    progress = Progress()
    young = micros(NOW) - 3
    await progress.watch("c", nothing)(TX, [record("a", young), record("b", 50)])
    await progress.committed("c")()
    assert await OfFeed(SetClock(NOW), progress, [Place()]).look() == young


async def test_a_batch_under_way_is_waiting_until_it_is_committed() -> None:
    progress = Progress()
    await progress.watch("c", nothing)(TX, [record("a", 70)])
    assert await progress.waits()
    assert progress.newest == 0
    await progress.committed("c")()
    assert not await progress.waits()
    assert progress.newest == 70


async def test_it_never_goes_back() -> None:
    clock, place = SetClock(NOW), Place()
    fresh = OfFeed(clock, Progress(), [place])
    first = await fresh.look()
    place.waiting = True
    clock.at = NOW - timedelta(days=1)
    fresh._until = 0.0
    assert await fresh.look() == first


async def test_many_questions_at_once_look_once() -> None:
    place = Place()
    fresh = OfFeed(SetClock(NOW), Progress(), [place])
    await asyncio.gather(*(fresh.look() for _ in range(20)))
    assert place.asked == 1


async def test_a_place_that_does_not_answer_is_not_waited_for() -> None:
    async def silent() -> bool:
        await asyncio.Event().wait()
        return False

    async def away() -> bool:
        raise Transient("no connection")

    for place in (silent, away):
        async with asyncio.timeout(2):
            assert await OfFeed(SetClock(NOW), Progress(), [place]).look() == 0
