"""Every named list names exactly the schools that the raw visits say, with the very visits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.histories.generator import TODAY, random_history, unit_ids
from tests.histories.player import Player
from tests.oracle.figures import Oracle
from tests.oracle.lists import NAMES, list_differences, lists_of
from tests.support.embedded import Embedded, embedded

DAYS = (date(2018, 3, 17), date(2019, 5, 31))
MONTHS = 2
UNIT = "PK-BA"


async def wrong_lists(
    house: Embedded, log: list[Any], view: str, units: list[str]
) -> tuple[list[str], set[str]]:
    """What differs, and which lists had anybody on them."""
    oracle = Oracle(log)
    wrong: list[str] = []
    filled: set[str] = set()

    async def get(path: str, asked: dict[str, str]) -> httpx.Response:
        return await house.client.get(path, params=asked)

    for unit in units:
        for on in DAYS:
            meant = lists_of(oracle, unit, on, house.today, view, MONTHS)
            asked = {"period": f"{on}..{on}", "view": view}
            path = f"/v1/units/{unit}/lists"
            found = await list_differences(get, path, asked, meant, MONTHS, 3)
            wrong += [f"{unit} {on} {view}: {what}" for what in found]
            filled |= {name for name, (_, hits) in meant.items() if hits}
    return wrong, filled


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, new_database: Callable[..., str]) -> dict[str, Any]:
    if request.param == "sqlite":
        return {}
    return {"database_url": new_database(), "unsafe_durability": True}


async def test_lists_of_a_random_history(tmp_path: Path, database: dict[str, Any]) -> None:
    async with embedded(tmp_path, services=["ingest", "indicators"], **database) as house:
        player = Player(house.client, TODAY, set_day=house.set_day)
        log = await player.play(random_history(20180312, 170, clock=True))
        await house.drain()
        units = unit_ids(log)
        # Of the other dialect what differs is the SQL: the province and a few units will do.
        units = [UNIT, *units[:: 5 if database else 2]]
        wrong, filled = await wrong_lists(house, log, "as_was", units)
        assert wrong == []
        assert filled == set(NAMES), "a list with nobody on it proves nothing"
        assert (await wrong_lists(house, log, "restated", units[::3]))[0] == []
