"""How fresh figures say they are: never fresher than they are, whoever folds, never in the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.indicators.freshness import OfFeed, before_relay, noting
from services.indicators.tables import IndicatorsTable
from shared.clock import SetClock, micros
from shared.db.errors import Transient
from shared.db.sqlite import SqliteDatabase
from shared.db.transaction import Tx
from shared.journal import journal, positions
from shared.journal.records import Event, Record
from shared.journal.tables import add_journal_tables

NOW = datetime(2019, 6, 3, 4, 0, tzinfo=UTC)
MOMENT = micros(NOW) - 1_000_000


def event(recorded: int) -> Event:
    return Event("t", "x", "k", "s", recorded, recorded, b"{}")


async def nothing(*_: object) -> None:
    return None


class Feed:
    """A feed of two partitions whose ends are as the test says, and what is folded of it."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.database = database
        self.told: dict[str, int] | None = {"t-0": 0, "t-1": 0}
        self.asked = 0

    async def ends(self) -> Mapping[str, int] | None:
        self.asked += 1
        return self.told

    async def fold(self, partition: str, *recorded: int) -> None:
        """Fold records of a partition, as some process does."""
        records = [Record(partition, at, event(when)) for at, when in enumerate(recorded)]
        async with self.database.transaction() as tx:
            await noting("c", nothing)(tx, records)
            await positions.put(tx, "c", partition, len(records))

    def fresh(self, clock: SetClock | None = None, upto: int = MOMENT) -> OfFeed:
        """The freshness as some process sees it that folds nothing itself."""

        async def carried() -> int:
            return upto

        return OfFeed(clock or SetClock(NOW), self.database, carried, {"c": self.ends}, 20.0)


@pytest.fixture
async def feed(tmp_path: Path) -> AsyncIterator[Feed]:
    tables = IndicatorsTable.metadata
    add_journal_tables(tables)
    database = SqliteDatabase(tmp_path / "indicators.db", tables)
    await database.open()
    yield Feed(database)
    await database.close()


async def test_when_nothing_waits_figures_are_a_moment_old(feed: Feed) -> None:
    assert await feed.fresh().look() == MOMENT


async def test_they_are_as_old_as_what_is_in_of_the_partition_that_lags(feed: Feed) -> None:
    await feed.fold("t-0", 70, 90)
    await feed.fold("t-1", 50)
    feed.told = {"t-0": 3, "t-1": 1}
    assert await feed.fresh().look() == 89
    feed.told = {"t-0": 2, "t-1": 2}
    assert await feed.fresh().look() == 49
    feed.told = {"t-0": 2, "t-1": 1}
    assert await feed.fresh().look() == MOMENT


async def test_a_partition_of_which_nothing_is_in_is_as_old_as_can_be(feed: Feed) -> None:
    await feed.fold("t-0", 70)
    feed.told = {"t-0": 1, "t-1": 5}
    assert await feed.fresh().look() == 0


async def test_when_nothing_waits_the_newest_record_is_in_however_young(feed: Feed) -> None:
    young = micros(NOW) - 3
    await feed.fold("t-0", 50, young)
    feed.told = {"t-0": 2, "t-1": 0}
    assert await feed.fresh(upto=young).look() == young


async def test_a_partition_that_is_gone_does_not_make_figures_look_old(feed: Feed) -> None:
    await feed.fold("old.journal", 5)  # the journal was the feed, until Kafka came
    await feed.fold("t-7", 6)  # a topic that was made anew with fewer partitions
    await feed.fold("t-0", 70)
    await feed.fold("t-1", 60)
    feed.told = {"t-0": 2, "t-1": 1}
    fresh = feed.fresh()
    assert await fresh.look() == 69
    feed.told = None
    fresh._looked = float("-inf")
    await feed.fold("t-0", 70, 80)
    await feed.fold("t-1", 75)
    assert await fresh.look() == 74
    async with feed.database.transaction() as tx:
        await tx.execute("DELETE FROM positions WHERE partition = 't-7'")
    assert await feed.fresh().look() == 74, "a process that began while Kafka was away"


async def test_a_batch_that_is_not_committed_is_not_in(feed: Feed) -> None:
    await feed.fold("t-0", 70)
    async with feed.database.transaction() as tx:
        await noting("c", nothing)(tx, [Record("t-0", 1, event(90))])
        await tx.execute("ROLLBACK")
        await tx.execute("BEGIN")
    feed.told = {"t-0": 2, "t-1": 0}
    assert await feed.fresh().look() == 69


async def test_what_no_relay_carried_yet_is_not_in(feed: Feed) -> None:
    async with feed.database.transaction() as tx:
        await journal.append(tx, [event(40), event(60)])
        await positions.put(tx, "relay", "journal", 2)
    upto = before_relay(SetClock(NOW), feed.database)
    assert await upto() == 59
    fresh = OfFeed(SetClock(NOW), feed.database, upto, {"c": feed.ends}, 20.0)
    assert await fresh.look() == 59


async def test_what_somebody_is_committing_may_be_older_than_a_moment(feed: Feed) -> None:
    clock = SetClock(NOW)
    upto = before_relay(clock, feed.database)
    async with feed.database.transaction() as tx:
        await journal.append(tx, [event(40)])
        await positions.put(tx, "relay", "journal", 2)
    assert await upto() == MOMENT
    clock.advance(timedelta(seconds=10))
    async with feed.database.transaction() as tx:
        await journal.append(tx, [event(MOMENT + 2_000_000)])
        clock.advance(timedelta(seconds=10))
        assert await upto() == MOMENT, "no further than before it began"
    assert await upto() == MOMENT + 1_999_999


async def test_it_never_goes_back(feed: Feed) -> None:
    clock = SetClock(NOW)
    fresh = feed.fresh(clock)
    first = await fresh.look()
    feed.told = {"t-0": 7, "t-1": 0}
    clock.at = NOW - timedelta(days=1)
    await feed.fold("t-1", 10)
    fresh._looked = float("-inf")
    assert await fresh.look() == first


async def test_many_questions_at_once_look_once(feed: Feed) -> None:
    fresh = feed.fresh()
    await asyncio.gather(*(fresh.look() for _ in range(20)))
    assert feed.asked == 1


async def test_a_place_that_does_not_answer_is_not_waited_for(feed: Feed) -> None:
    await feed.fold("t-0", 70)
    await feed.fold("t-1", 60)

    async def silent() -> int:
        await asyncio.Event().wait()
        return 0

    async def away() -> int:
        raise Transient("no connection")

    for place in (silent, away):
        async with asyncio.timeout(10):
            fresh = OfFeed(SetClock(NOW), feed.database, place, {"c": feed.ends})
            assert await fresh.look() == 59
    feed.told = None
    assert await feed.fresh().look() == 59


async def test_the_handler_runs_in_the_transaction_that_tells_what_is_in(feed: Feed) -> None:
    seen: list[Tx] = []

    async def handle(tx: Tx, records: list[Record]) -> None:
        seen.append(tx)

    async with feed.database.transaction() as tx:
        await noting("c", handle)(tx, [Record("t-0", 0, event(5))])
        assert seen == [tx]
