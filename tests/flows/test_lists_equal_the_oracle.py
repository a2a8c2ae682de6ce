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
from tests.oracle.lists import lists_of
from tests.oracle.register import canonical
from tests.support.embedded import Embedded, embedded

NAMES = ("schools_closed", "not_visited", "teachers_absent", "no_toilet", "no_usable_room")
DAYS = (date(2018, 3, 17), date(2019, 5, 31))
MONTHS = 2
UNIT = "PK-BA"


async def every_school(client: httpx.AsyncClient, path: str, asked: dict[str, Any]) -> Any:
    """A list read page by page; the last page with the schools of all."""
    schools: list[Any] = []
    params: dict[str, Any] = asked | {"limit": 3}
    while True:
        answer = await client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        schools += document["schools"]
        if document["next"] is None:
            return document | {"schools": schools}
        assert 'rel="next"' in answer.headers["link"]
        params = asked | {"limit": 3, "cursor": document["next"]}


async def wrong_lists(
    house: Embedded, log: list[Any], view: str, units: list[str]
) -> tuple[list[str], set[str]]:
    """What differs, and which lists had anybody on them."""
    oracle = Oracle(log)
    wrong: list[str] = []
    filled: set[str] = set()
    for unit in units:
        for on in DAYS:
            meant = lists_of(oracle, unit, on, house.today, view, MONTHS)
            for name in NAMES:
                asked = {"period": f"{on}..{on}", "view": view}
                if name == "not_visited":
                    asked["months"] = str(MONTHS)
                path = f"/v1/units/{unit}/lists/{name}"
                told = await every_school(house.client, path, asked)
                hits = {
                    canonical(row["school_code"]): [visit["visit_id"] for visit in row["visits"]]
                    for row in told["schools"]
                }
                if (told["of"], hits) != meant[name] or told["count"] != len(hits):
                    wrong.append(f"{unit} {on} {view} {name}: {told['of']} {hits} {meant[name]}")
                filled |= {name} if hits else set()
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
        if database:  # what differs is the SQL: the province and every fifth unit will do
            units = [UNIT, *units[::5]]
        wrong, filled = await wrong_lists(house, log, "as_was", units)
        assert wrong == []
        assert filled == set(NAMES), "a list with nobody on it proves nothing"
        assert (await wrong_lists(house, log, "restated", units[::3]))[0] == []
