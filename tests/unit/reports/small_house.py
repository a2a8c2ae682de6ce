"""A small deployment with two districts, eight schools and one doubtful visit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.support.embedded import Embedded, embedded

VISIT = str(UUID(int=7))
UNITS = [
    {"unit_id": "BA", "name": "Balochistan", "names": {"ur": "بلوچستان"}, "level": "province"},
    {"unit_id": "QTA", "name": "Quetta", "level": "district", "parent_id": "BA"},
    {"unit_id": "PSN", "name": "Pishin", "level": "district", "parent_id": "BA"},
    {"unit_id": "CL-1", "name": "Kuchlak", "level": "cluster", "parent_id": "QTA"},
    {"unit_id": "CL-2", "name": "Saranan", "level": "cluster", "parent_id": "PSN"},
]
SCHOOLS = [
    {
        "school_code": f"010{number:02}",
        "name": f"GBPS Killi <b>{number}</b>",
        "unit_id": "CL-1" if number < 6 else "CL-2",
        "gender": "boys",
        "status": "closed" if number == 5 else "open",
        "lat": 30.2 + number / 100 if number != 4 else 67.0,
        "lon": 67.0 + number / 100 if number != 4 else 30.2,
    }
    for number in range(1, 9)
]


def a_visit(**changed: Any) -> dict[str, Any]:
    return {
        "visit_id": VISIT,
        "school_code": "01001",
        "visited_at": "2019-05-03T09:40:00+05:00",
        "ended_at": "2019-05-03T09:44:00+05:00",
        "monitor_id": "M-1",
        "status": "open",
        "students": {"boys": {"enrolled": 40, "present": 31}},
        "remarks": "<script>alert(1)</script>",
    } | changed


async def put(home: Embedded, path: str, items: list[Any]) -> None:
    answer = await home.client.put(path, json=items)
    assert answer.status_code == 200, answer.text


@asynccontextmanager
async def a_house(folder: Path, **more: Any) -> AsyncIterator[Embedded]:
    """The deployment, on 2019-06-03, with everything handled."""
    async with embedded(folder, **more) as running:
        await put(running, "/v1/units", UNITS)
        await put(running, "/v1/schools", SCHOOLS)
        posted = await running.client.post("/v1/visits", json=a_visit())
        assert posted.status_code == 201, posted.text
        await running.drain()
        yield running
