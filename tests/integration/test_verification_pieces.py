"""A verification reads in pieces, beside a service that folds: nothing is told that is not wrong.

Between any two pieces something is folded, or the register changes. What is wrong is found all the
same, also in a unit whose sums are never all of one moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from services.indicators import recount
from services.indicators.verify import examine
from shared.db.engine import Database
from shared.db.transaction import Tx
from tests.integration.test_verification import folded, one, visit_more, written, wrong_cell
from tests.integration.test_verification_alarms import nobody
from tests.support.embedded import Embedded


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Embedded]:
    """A history folded; few schools go into a piece."""
    monkeypatch.setattr(recount, "_SCHOOLS_AT_ONCE", 2)
    async with folded(tmp_path) as opened:
        yield opened


class Busy:
    """A database of which nobody gets two snapshots between which nothing happened."""

    def __init__(self, real: Database, happens: Callable[[], Awaitable[None]]) -> None:
        self._real = real
        self._happens = happens
        self.snapshots = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        self.snapshots += 1
        await self._happens()
        async with self._real.reading() as tx:
            yield tx


async def found(house: Embedded, happens: Callable[[], Awaitable[None]]) -> tuple[list[str], int]:
    """What a verification finds while something happens; how many snapshots it took."""
    database = house.platform.database
    busy = Busy(database("indicators"), happens)
    verdict = await examine(busy, database("ingest"), house.settings, nobody)  # type: ignore[arg-type]
    return verdict.differences, busy.snapshots


async def test_what_is_folded_between_two_pieces_is_no_difference(house: Embedded) -> None:
    async def visited() -> None:
        await visit_more(house)
        await house.drain()

    differences, snapshots = await found(house, visited)
    assert differences == []
    assert snapshots > 5, "no snapshot lasts as long as the whole"


async def test_what_is_wrong_is_found_though_everything_moves(house: Embedded) -> None:
    async def visited() -> None:
        await visit_more(house)
        await house.drain()

    province = await one(house, "SELECT id FROM unit_ids WHERE unit_id = 'PK-BA'")
    month = await one(house, f"SELECT min(month) FROM month_cells WHERE unit = {province}")
    await written(house, f"DELETE FROM month_cells WHERE unit = {province} AND month = {month}")
    differences, _ = await found(house, visited)
    assert differences
    assert all("unit PK-BA, " in line for line in differences), differences
    unit, day = await wrong_cell(house)
    differences, _ = await found(house, visited)
    assert any(f"unit {unit}, day {day}, visits" in line for line in differences), differences


async def test_a_register_that_changes_all_the_time_is_no_difference(house: Embedded) -> None:
    numbers = count(7000)

    async def registered() -> None:
        code = str(next(numbers))
        school = {"school_code": code, "unit_id": "PK-BA", "name": code, "status": "open"}
        (await house.client.put("/v1/schools", json=[school])).raise_for_status()
        await house.drain()

    differences, snapshots = await found(house, registered)
    assert differences == []
    assert snapshots > 3
