"""A small register whose figures can be worked out by hand, and short words for what is done to it.

Owns the deployment and its data; which figures are right is the tests' to say.
"""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.embedded import Embedded, embedded

UNITS = [
    ("P", "province", None, "Balochistan"),
    ("D1", "district", "P", "Pishin"),
    ("D2", "district", "P", "Quetta"),
    ("C1", "cluster", "D1", "Barshore"),
    ("C2", "cluster", "D2", "Sariab"),
]
SCHOOLS = [
    ("01001", "C1", "boys"),
    ("01002", "C1", "girls"),
    ("02001", "C2", "boys"),
    ("02002", "C2", "mixed"),
]
DAYS = {"period": "2018-03"}


def unit(unit_id: str, level: str, parent: str | None, name: str, **more: Any) -> dict[str, Any]:
    return {"unit_id": unit_id, "level": level, "parent_id": parent, "name": name} | more


def school(code: str, cluster: str, gender: str, **more: Any) -> dict[str, Any]:
    return {
        "school_code": code,
        "name": f"School {code}",
        "unit_id": cluster,
        "gender": gender,
        "level": "primary",
        "status": "open",
        "valid_from": "2018-01-01",
    } | more


class World:
    """A deployment with a small register, and short words for what is done to it."""

    def __init__(self, running: Embedded) -> None:
        self.running = running
        self.client = running.client

    async def register(
        self, units: Sequence[dict[str, Any]] = (), schools: Sequence[dict[str, Any]] = ()
    ) -> None:
        """Register these units and schools, the small register's own where none are given."""
        units = units or [unit(*each, valid_from="2018-01-01") for each in UNITS]
        (await self.client.put("/v1/units", json=list(units))).raise_for_status()
        schools = schools or [school(*each) for each in SCHOOLS]
        (await self.client.put("/v1/schools", json=list(schools))).raise_for_status()
        await self.running.drain()

    async def visit(self, code: str, day: str, **form: Any) -> str:
        visit_id = str(uuid4())
        body = {
            "visit_id": visit_id,
            "school_code": code,
            "visited_at": f"{day}T09:40:00+05:00",
            "status": "open",
        }
        answer = await self.client.post("/v1/visits", json=body | form)
        assert answer.status_code == 201, answer.text
        await self.running.drain()
        return visit_id

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def figure(
        self, unit_id: str, indicator: str, split: str | None = None, **params: Any
    ) -> Any:
        answer = await self.get(f"/v1/units/{unit_id}/figures", **(DAYS | params))
        return next(
            each
            for each in answer["figures"]
            if (each["indicator"], each["split"]) == (indicator, split)
        )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with embedded(tmp_path, services=["ingest", "indicators"]) as running:
        made = World(running)
        await made.register()
        yield made


def pupils(boys: tuple[int, int], girls: tuple[int, int] | None = None) -> dict[str, Any]:
    cells = {"boys": {"present": boys[0], "enrolled": boys[1]}}
    if girls is not None:
        cells["girls"] = {"present": girls[0], "enrolled": girls[1]}
    return {"students": cells}


def rooms(usable: int, available: int) -> dict[str, Any]:
    return {"rooms": {"usable": usable, "available": available}}
