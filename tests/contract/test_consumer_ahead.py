"""A consumer that reads the next batch beside this one: still nothing is lost or counted twice."""

import asyncio
from random import Random

import pytest

from shared.db.errors import Transient
from shared.journal.records import InvalidEvent, Record
from tests.contract.test_consumer import add, consumer, counts, database, event, write

__all__ = ["database"]


class Read(list[Record]):
    """Records that were prepared."""


async def prepare(records: list[Record]) -> list[Record]:
    await asyncio.sleep(0)
    return Read(records)


@pytest.mark.parametrize("seed", range(3))
async def test_two_in_turns_with_failures_count_every_record_once(database, seed: int) -> None:
    rng = Random(seed)
    await write(database, *(event(f"s{n}") for n in range(1_500)))

    async def sometimes(tx, records: list[Record]) -> None:
        await add(tx, records)
        if rng.random() < 0.3:
            raise Transient("not now")

    def one() -> object:
        return consumer(database, sometimes, batch=100, prepare=prepare)

    both = [one(), one()]
    nothing = 0
    while nothing < 2:
        at = rng.randrange(2)
        if rng.random() < 0.1:
            await both[at].close()
            both[at] = one()
        try:
            nothing = nothing + 1 if await both[at].step(0.0) is None else 0
        except Transient:
            nothing = 0
    for reader in both:
        await reader.close()
    assert await counts(database) == {f"s{n}": 1 for n in range(1_500)}


async def test_what_was_prepared_reaches_the_handler_and_the_invalid_is_set_aside(
    database,
) -> None:
    await write(database, *(event(f"s{n}") for n in range(450)))
    kinds: list[type] = []

    async def handle(tx, records: list[Record]) -> None:
        kinds.append(type(records))
        for record in records:
            if record.event.key == "s217":
                raise InvalidEvent(record, "no sense")
        await add(tx, records)

    assert await consumer(database, handle, batch=100, prepare=prepare).drain() == 450
    assert await counts(database) == {f"s{n}": 1 for n in range(450) if n != 217}
    async with database.reading() as tx:
        rows = await tx.fetch("SELECT position, reason FROM set_aside")
    assert [tuple(row) for row in rows] == [(218, "no sense")]
    # A batch that lost a record is read anew, the last one is too small to be read ahead.
    assert kinds == [Read, Read, Read, list, Read, list]
