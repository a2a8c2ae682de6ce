"""A night's estimates move no answer that was given before, and no other definition's intervals.

Whoever makes the night is held up where time could pass; others go on asking meanwhile. Each answer
is asked again as known at its own `as_of`, and must say the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.indicators.freshness import OfJournal
from shared.db.postgres import PostgresTx
from shared.db.sqlite import SqliteTx
from shared.db.transaction import Tx
from tests.support import nights as world
from tests.support.embedded import Embedded, embedded
from tests.support.nights import BOTH, house

NIGHT = "2019-06-04T02:30:00"
__all__ = ["house"]
SECOND = """
[[indicators]]
code = "student_attendance"
version = 2
basis = "flow"
direction = "higher"
unit = "share"
numerator = ["students_boys_present"]
denominator = ["students_boys_enrolled"]
answered = "students_boys_answered"
numerator_is = "boys present"
denominator_is = "boys enrolled"
sample = "clustered"
alike = { icc = 0.11, cv2 = 0.22 }
labels = { en = "Boys' attendance" }
"""


async def intervals(house: Embedded, **asked: Any) -> tuple[str, str | None, tuple[float, ...]]:
    """Until when an answer knows, the night it works with, and an interval of it."""
    document, figure = await world.students(house, **asked)
    return document["as_of"], document["resemblance"], tuple(figure["interval"])


@asynccontextmanager
async def stopped(patch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Event]:
    """Hold up whoever writes a night, its instant being chosen, until the block ends."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    for kind in (SqliteTx, PostgresTx):
        insert = kind.insert_rows

        async def late(tx: Any, table: str, *rows: Any, insert: Any = insert) -> None:
            if table.endswith("resemblances"):
                begun.set()
                await go_on.wait()
            await insert(tx, table, *rows)

        patch.setattr(kind, "insert_rows", late)
    try:
        yield begun
    finally:
        go_on.set()


@BOTH
async def test_an_answer_given_while_a_night_is_stored_stays_what_it_was(
    house: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.filled(house)
    world.at(house, NIGHT)
    async with stopped(monkeypatch) as begun:
        making = asyncio.create_task(world.nightly(house).drain())
        await asyncio.wait_for(begun.wait(), 30)
        house.clock.advance(timedelta(seconds=10))
        as_of, night, before = await intervals(house)
        assert (as_of, night, before) == await intervals(house, known_at=as_of)
    assert await making
    assert await intervals(house, known_at=as_of) == (as_of, night, before)
    house.clock.advance(timedelta(seconds=10))
    assert (await intervals(house))[1] == "2019-06-04"


async def test_an_answer_works_with_the_estimates_of_its_own_instant(house: Embedded) -> None:
    await world.filled(house)
    world.at(house, NIGHT)
    await house.drain()
    told = set()
    for _ in range(3):
        told.add(await intervals(house))
        house.clock.advance(timedelta(seconds=1))
    assert {night for _, night, _ in told} == {None, "2019-06-04"}
    for as_of, night, interval in told:
        assert await intervals(house, known_at=as_of) == (as_of, night, interval)


@BOTH
async def test_a_night_stored_while_an_answer_is_read_is_after_it(
    house: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The estimates come after the answer's view of the figures, and before its `as_of` is told."""
    await world.filled(house)
    world.at(house, NIGHT)
    within, waiting = OfJournal.within, [None]

    async def later(fresh: OfJournal, tx: Tx, looked: int) -> int:
        if waiting:
            waiting.clear()
            await tx.fetch_one("SELECT max(night) FROM definition_resemblances")
            await world.nightly(house).drain()
            house.clock.advance(timedelta(seconds=10))
        return await within(fresh, tx, looked)

    monkeypatch.setattr(OfJournal, "within", later)
    as_of, night, before = await intervals(house)
    assert await intervals(house, known_at=as_of) == (as_of, night, before)
    assert (await intervals(house))[1] == "2019-06-04", "the night was made meanwhile"


async def test_a_new_version_of_a_definition_begins_with_its_own_constants(tmp_path: Path) -> None:
    services = ["ingest", "indicators"]
    async with embedded(tmp_path, services=services) as first:
        await world.filled(first)
        await world.night(first)
        _, used = await world.resemblance(first)
        estimated = used["student_attendance"]
        assert (estimated["definition"], estimated["estimated"]) == (1, True)
    own = tmp_path / "own.toml"
    own.write_text(SECOND, encoding="utf-8")
    async with embedded(tmp_path, services=services, definitions=own) as second:
        world.at(second, "2019-06-04T05:30:00")
        _, used = await world.resemblance(second)
        new = used["student_attendance"]
        assert (new["definition"], new["estimated"]) == (2, False)
        assert (new["icc"], new["cv2"]) == (0.11, 0.22)
        _, figure = await world.students(second)
        _, older = await world.students(second, indicators="student_attendance:1")
        assert (figure["definition"], older["definition"]) == (2, 1)
        assert _effect(figure, 0.11, 0.22) == pytest.approx(1, rel=1e-6)
        assert _effect(older, estimated["icc"], estimated["cv2"]) == pytest.approx(1, rel=1e-6)

        await world.night(second, "2019-06-05T02:30:00")
        _, used = await world.resemblance(second)
        assert (used["student_attendance"]["definition"], new["night"]) == (2, None)
        assert used["student_attendance"]["night"] == "2019-06-05", "its own, from the first night"
        async with second.platform.database("indicators").reading() as tx:
            kept = await tx.fetch(
                "SELECT definition FROM definition_resemblances WHERE indicator = $1 AND night = "
                "(SELECT MAX(night) FROM definition_resemblances) ORDER BY definition",
                "student_attendance",
            )
        assert [row[0] for row in kept] == [1, 2], "both versions are asked for"


def _effect(figure: dict[str, Any], icc: float, cv2: float) -> float:
    """The design effect told, over the one that these numbers make."""
    times = [1 + number % 3 for number in range(world.SCHOOLS)]
    uneven = world.SCHOOLS * sum(n * n for n in times) / sum(times) ** 2
    mean = figure["denominator"] / figure["schools"]
    wanted = 1 + (mean * (1 + cv2) * uneven - 1) * icc
    return float(figure["denominator"] / figure["n_eff"] / wanted)
