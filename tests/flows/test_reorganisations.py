"""Balochistan's reorganisations of 2021-26 and the figures across them, worked out by hand.

The units and orders are the shipped ones (`examples/registers`); five schools and twenty visits are
made up. Every visit has 100 pupils enrolled and its own number present, so that a sum says which
visits are in it. As it was: each visit counts where its school belonged on its day. Restated: all
count where the school belongs today (2026-06-01).
"""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.embedded import Embedded, embedded

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "registers"
TODAY = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
DAYS = ("2021-06-01", "2021-07-01", "2026-01-12", "2026-03-02")
# School, its tehsil, and how many were present on each of the days.
SCHOOLS = {
    "101": ("PK-BA-KAB-CHAMAN", (1, 2, 4, 8)),
    "102": ("PK-BA-KAB-GULISTAN", (16, 32, 64, 3)),
    "103": ("PK-BA-BKN-BARKHAN", (5, 7, 11, 13)),
    "104": ("PK-BA-KLU-KOHLU", (17, 19, 23, 29)),
    "105": ("PK-BA-DBG-BAIKER", (31, 37, 41, 43)),
}


def rows(name: str) -> list[dict[str, Any]]:
    found = []
    with (EXAMPLES / name).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            body: dict[str, Any] = {
                key: row[key] for key in ("unit_id", "name", "level", "valid_from")
            }
            body["parent_id"] = row["parent_id"] or None
            body["names"] = {"ur": row["names.ur"]} if row["names.ur"] else {}
            for key in ("predecessors", "aliases"):
                body[key] = [part.strip() for part in row[key].split(";") if part.strip()]
            found.append(body)
    return found


class Province:
    """A deployment in June 2026, and short words for what is asked of it."""

    def __init__(self, running: Embedded) -> None:
        self.running = running
        self.client = running.client

    async def put(self, path: str, items: list[dict[str, Any]]) -> None:
        answer = await self.client.put(path, json=items)
        assert answer.status_code == 200, answer.text
        await self.running.drain()

    async def visits(self) -> None:
        lines = [
            {
                "visit_id": str(UUID(int=int(code) * 10 + number)),
                "school_code": code,
                "visited_at": f"{day}T09:40:00+05:00",
                "status": "open",
                "students": {"boys": {"enrolled": 100, "present": present[number]}},
            }
            for code, (_, present) in SCHOOLS.items()
            for number, day in enumerate(DAYS)
        ]
        answer = await self.client.post("/v1/visits/batch", json=lines)
        assert answer.json()["accepted"] == 20, answer.text
        await self.running.drain()

    async def attendance(self, unit_id: str, period: str, view: str) -> tuple[int, int, int]:
        """Present and enrolled, and how many schools are registered."""
        answer = await self.client.get(
            f"/v1/units/{unit_id}/figures", params={"period": period, "view": view}
        )
        assert answer.status_code == 200, answer.text
        document = answer.json()
        [figure] = [
            each
            for each in document["figures"]
            if (each["indicator"], each["split"]) == ("student_attendance", None)
        ]
        return figure["numerator"], figure["denominator"], document["schools_registered"]

    async def children(self, list_of: str, **params: str) -> list[str]:
        """The units of a list of what is directly under Killa Abdullah."""
        answer = await self.client.get(f"/v1/units/PK-BA-KAB/{list_of}", params=params)
        assert answer.status_code == 200, answer.text
        return [child["unit_id"] for child in answer.json()["children"]]


@asynccontextmanager
async def province(folder: Path, **settings: Any) -> AsyncIterator[Province]:
    async with embedded(folder, services=["ingest", "indicators"], **settings) as running:
        running.clock.at = TODAY
        yield Province(running)


@pytest.fixture(params=["sqlite", "postgresql"])
async def balochistan(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Province]:
    more: dict[str, Any] = {}
    if request.param == "postgresql":
        more["database_url"] = request.getfixturevalue("postgres_url")
    async with province(tmp_path, **more) as made:
        await made.put("/v1/units", rows("balochistan_units.csv"))
        await made.put(
            "/v1/schools",
            [
                {"school_code": code, "name": f"School {code}", "unit_id": tehsil}
                for code, (tehsil, _) in SCHOOLS.items()
            ],
        )
        # The orders are learnt after the visits: the past is folded anew by one path.
        await made.visits()
        await made.put("/v1/units", rows("balochistan_reorganisations.csv"))
        yield made


# Unit, period, present as it was, restated (None: nobody answered), schools as it was, restated.
EXPECTED = [
    # Chaman parted from Killa Abdullah in June 2021: only the visit of June stays behind.
    ("PK-BA-KAB", "2021", 1 + 16 + 32, 16 + 32, 1, 1),
    ("PK-BA-CHM", "2021", 2, 1 + 2, 1, 1),
    ("PK-BA-KAB", "2021-05..2021-06", 1 + 16, 16, 1, 1),
    ("PK-BA-KAB", "2021-06-01..2021-06-28", 1 + 16, 16, 2, 1),
    ("PK-BA-CHM", "2021-06-01..2021-06-28", None, 1, 0, 1),
    ("PK-BA-DIV-QUETTA", "2021", 1 + 2 + 16 + 32, 1 + 2 + 16 + 32, 2, 2),
    # Barkhan went from Zhob to the new Loralai Division, in 2026 on to Koh-e-Suleman.
    ("PK-BA-DIV-ZHOB", "2021", 5, None, 0, 0),
    ("PK-BA-DIV-LORALAI", "2021", 7, None, 1, 0),
    ("PK-BA-DIV-LORALAI", "2026-01..2026-03", 11, None, 0, 0),
    ("PK-BA-DIV-KOH-E-SULEMAN", "2021", None, 5 + 7 + 17 + 19 + 31 + 37, 0, 3),
    (
        "PK-BA-DIV-KOH-E-SULEMAN",
        "2026-01..2026-03",
        13 + 29 + 43,
        11 + 13 + 23 + 29 + 41 + 43,
        3,
        3,
    ),
    # Kohlu left the division that is called Sevi today; so did Baiker, by a split of its district.
    ("PK-BA-DIV-SIBI", "2021", 17 + 19 + 31 + 37, None, 2, 0),
    ("PK-BA-DIV-SIBI", "2026-01..2026-03", 23 + 41, None, 0, 0),
    ("PK-BA-DBG", "2026-01..2026-03", 41, None, 0, 0),
    ("PK-BA-UDB", "2026-01..2026-03", 43, 41 + 43, 1, 1),
    ("PK-BA", "2021", 167, 167, 5, 5),
]


async def test_both_views_across_the_reorganisations(balochistan: Province) -> None:
    for unit_id, period, as_was, restated, registered, registered_now in EXPECTED:
        for view, present, schools in (
            ("as_was", as_was, registered),
            ("restated", restated, registered_now),
        ):
            numerator, denominator, found = await balochistan.attendance(unit_id, period, view)
            assert (numerator, found) == (present or 0, schools), (unit_id, period, view)
            assert (denominator > 0) == (present is not None), (unit_id, period, view)
    assert await balochistan.running.verified() == []


async def test_a_merge_keeps_the_past_where_it_was(balochistan: Province) -> None:
    """Tehsil Gulistan goes into Chaman's tehsil on 2026-02-01 and ends; its school goes along."""
    await balochistan.put(
        "/v1/units",
        [
            {
                "unit_id": "PK-BA-KAB-GULISTAN",
                "name": "Gulistan",
                "level": "tehsil",
                "parent_id": "PK-BA-KAB",
                "valid_from": "2018-01-01",
                "valid_to": "2026-01-31",
            },
            {
                "unit_id": "PK-BA-KAB-CHAMAN",
                "name": "Chaman",
                "level": "tehsil",
                "parent_id": "PK-BA-CHM",
                "valid_from": "2026-02-01",
                "predecessors": ["PK-BA-KAB-GULISTAN"],
            },
        ],
    )
    school = {"school_code": "102", "name": "School 102", "valid_from": "2026-02-01"}
    await balochistan.put("/v1/schools", [school | {"unit_id": "PK-BA-KAB-CHAMAN"}])
    window = "2026-01..2026-03"
    for unit_id, view, expected in [
        ("PK-BA-KAB-GULISTAN", "as_was", (64, 100, 0)),
        ("PK-BA-KAB-GULISTAN", "restated", (0, 0, 0)),
        ("PK-BA-KAB-CHAMAN", "as_was", (4 + 8 + 3, 300, 2)),
        ("PK-BA-KAB-CHAMAN", "restated", (4 + 8 + 64 + 3, 400, 2)),
        ("PK-BA-KAB", "as_was", (64, 100, 0)),
        ("PK-BA-CHM", "restated", (4 + 8 + 64 + 3, 400, 2)),
    ]:
        assert await balochistan.attendance(unit_id, window, view) == expected, (unit_id, view)
    # The ended tehsil leaves the tree, and stays on the list of figures while it has visits there.
    assert "PK-BA-KAB-GULISTAN" not in await balochistan.children("children")
    assert "PK-BA-KAB-GULISTAN" in await balochistan.children("children", on="2026-01-31")
    ranked = "figures/student_attendance/children"
    assert "PK-BA-KAB-GULISTAN" in await balochistan.children(ranked, period=window)
    assert "PK-BA-KAB-GULISTAN" not in await balochistan.children(ranked, period="2026-03")
    answer = await balochistan.client.get("/v1/units/PK-BA-KAB-GULISTAN/history")
    [heir] = answer.json()["successors"]
    assert (heir["unit_id"], heir["how"], heir["on"]) == ("PK-BA-KAB-CHAMAN", "merge", "2026-02-01")
    assert await balochistan.running.verified() == []


async def test_the_history_of_the_real_units(balochistan: Province) -> None:
    async def history(unit_id: str) -> Any:
        return (await balochistan.client.get(f"/v1/units/{unit_id}/history")).json()

    barkhan = await history("PK-BA-BKN")
    assert [(v["parent_id"], v["valid_from"]) for v in barkhan["versions"]] == [
        ("PK-BA-DIV-ZHOB", "2018-01-01"),
        ("PK-BA-DIV-LORALAI", "2021-06-29"),
        ("PK-BA-DIV-KOH-E-SULEMAN", "2026-02-26"),
    ]
    division = await history("PK-BA-DIV-KOH-E-SULEMAN")
    assert [(p["unit_id"], p["how"]) for p in division["predecessors"]] == [
        ("PK-BA-DIV-LORALAI", "split"),
        ("PK-BA-DIV-SIBI", "split"),
    ]
    assert [m["unit_id"] for m in division["joined"]] == ["PK-BA-BKN", "PK-BA-KLU"]
    sevi = await history("PK-BA-DIV-SIBI")
    assert [(v["name"], v["changes"]) for v in sevi["versions"]] == [
        ("Sibi Division", ["created"]),
        ("Sevi Division", ["renamed"]),
    ]
    abdullah = await history("PK-BA-KAB")
    assert [(m["unit_id"], m["on"], m["to"]) for m in abdullah["left"]] == [
        ("PK-BA-KAB-CHAMAN", "2021-06-29", "PK-BA-CHM"),
        ("PK-BA-KAB-CHAMAN-SADDAR", "2021-06-29", "PK-BA-CHM"),
    ]
    found = await balochistan.client.get(
        "/v1/units/candidates", params={"name": "Surab", "level": "district"}
    )
    resolved = found.json()["resolved"]
    assert (resolved["name"], resolved["by"]) == ("Shaheed Sikandarabad", "former_name")


async def test_the_same_register_twice_changes_nothing(balochistan: Province) -> None:
    for name in ("balochistan_units.csv", "balochistan_reorganisations.csv"):
        answer = await balochistan.client.put("/v1/units", json=rows(name))
        assert answer.json()["changed"] == 0, name
