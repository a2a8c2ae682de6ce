"""A card through the real services: what ingest took, what indicators counted, what people see."""

import uuid
from datetime import UTC, datetime

import httpx
import pytest
from asgi_lifespan import LifespanManager

from services.app import create_app
from shared.clock import SetClock
from shared.settings import Settings

UNITS = [
    {"unit_id": "P", "name": "Province", "level": "province", "names": {"ur": "صوبہ"}},
    {"unit_id": "D1", "name": "First", "level": "district", "parent_id": "P"},
    {"unit_id": "D2", "name": "Second", "level": "district", "parent_id": "P"},
    {"unit_id": "C1", "name": "Cluster one", "level": "cluster", "parent_id": "D1"},
    {"unit_id": "C2", "name": "Cluster two", "level": "cluster", "parent_id": "D2"},
]
CODES = {"C1": [f"01{n:03d}" for n in range(6)], "C2": [f"02{n:03d}" for n in range(6)]}


def a_visit(code, day, present):
    people = {"enrolled": 50, "present": present}
    return {
        "visit_id": str(uuid.uuid4()),
        "school_code": code,
        "visited_at": f"{day}T09:00:00+05:00",
        "status": "open",
        "students": {"boys": people, "girls": people},
        "toilets": {"boys": {"available": 2, "usable": 1}},
    }


def a_target(unit_id, target):
    return {
        "indicator": "student_attendance",
        "split": None,
        "unit_id": unit_id,
        "from": "2018-01-01",
        "to": "2018-12-31",
        "baseline": 0.5,
        "target": target,
    }


@pytest.fixture(scope="module")
async def client(tmp_path_factory):
    clock = SetClock(datetime(2018, 7, 1, 6, tzinfo=UTC))
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("house"), default_period="2018-04..2018-06"
    )
    app = create_app(settings, clock, background=False)
    async with LifespanManager(app):
        key, _, _ = await app.state.platform.access.create_key("all", ["admin"])
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://x", headers={"Authorization": f"Bearer {key}"}
        ) as opened:
            schools = [
                {"school_code": code, "name": f"School {code}", "unit_id": unit, "gender": "boys"}
                for unit, codes in CODES.items()
                for code in codes
            ]
            visits = [
                a_visit(code, f"2018-{month:02d}-{day:02d}", 40 if unit == "C1" else 30)
                for unit, codes in CODES.items()
                for code in codes
                for month, day in ((2, 6), (4, 10), (5, 15), (6, 19))
            ]
            for path, items in (
                ("/v1/units", UNITS),
                ("/v1/schools", schools),
                (
                    "/v1/targets",
                    [a_target("P", 0.9), a_target("D2", 0.6), a_target("school:1003", 0.7)],
                ),
            ):
                assert (await opened.put(path, json=items)).status_code == 200
            sent = (await opened.post("/v1/visits/batch", json=visits)).json()
            assert sent["accepted"] == len(visits), sent
            await app.state.running.drain()
            yield opened


def figure(card, indicator, split=None):
    return next(f for f in card["figures"] if (f["indicator"], f["split"]) == (indicator, split))


async def test_a_card_shows_what_was_counted_beside_everything_else(client):
    card = (await client.get("/v1/cards/D1")).json()
    students = figure(card, "student_attendance")
    assert (students["numerator"], students["denominator"]) == (18 * 80, 18 * 100)
    assert (students["value"], students["parent_value"]) == (0.8, 0.7)
    assert (students["previous_value"], students["change"]) == (0.8, 0.0)
    assert (students["target"], students["target_unit_id"]) == (0.9, "P")
    assert students["expected"] == pytest.approx(0.5 + 0.4 * 180 / 364, abs=1e-6)
    low, high = students["interval"]
    assert low < students["expected"] < high
    assert students["status"] == "cannot_tell"
    assert students["grade"] == "B"
    rank = students["rank"]
    assert (rank["position"], rank["of"]) == (1, 2)
    assert [point["visits"] for point in students["trend"]][-5:] == [6, 0, 6, 6, 6]
    assert figure(card, "usable_toilets")["value"] == 0.5
    assert [child["unit_id"] for child in card["children"]] == ["C1"]
    assert card["state_on"] == "2018-06-30"
    other = (await client.get("/v1/cards/D2")).json()
    assert figure(other, "student_attendance")["target"] == 0.6
    school = (await client.get("/v1/cards/school:1003")).json()
    assert figure(school, "student_attendance")["target"] == 0.7


async def test_ranks_on_cards_are_those_of_indicators(client):
    asked = {"period": "2018-04..2018-06", "rank": "true"}
    answer = await client.get("/v1/units/P/figures/student_attendance/children", params=asked)
    for child in answer.json()["children"]:
        card = (await client.get(f"/v1/cards/{child['unit_id']}")).json()
        assert figure(card, "student_attendance")["rank"] == child["rank"]


async def test_figures_on_a_card_are_the_figures_of_indicators(client):
    asked = {"period": "2018-04..2018-06", "seal": "true"}
    for unit in ("P", "D1", "C2", "school:01003"):
        whole = (await client.get(f"/v1/units/{unit}/figures", params=asked)).json()
        card = (await client.get(f"/v1/cards/{unit}")).json()
        for name, value in whole.items():
            if name == "figures":
                for one in value:
                    shown = figure(card, one["indicator"], one["split"])
                    assert {key: shown[key] for key in one} == one
            elif name != "lag_seconds":
                assert card[name] == value, name


async def test_every_level_has_a_page_in_both_languages(client):
    for unit in ("P", "D1", "C1", "school:01001", "school:1001"):
        for lang in ("en", "ur"):
            page = await client.get(f"/units/{unit}", params={"lang": lang})
            assert page.status_code == 200
    home = (await client.get("/", headers={"Accept": "text/html"})).text
    assert "/units/D2?" in home
    found = (await client.get("/", params={"q": "01003"})).text
    assert "/units/school:1003?" in found
