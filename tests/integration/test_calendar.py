"""The calendar by which visits are flagged: versions, days, and what stays as it was."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.ingest.service import build
from shared.platform import Platform
from shared.web import Application, install_problems
from tests.support.intake import House, intake, school, visit

__all__ = ["intake"]
EXAMPLES = Path(__file__).parents[2] / "examples" / "calendars"
on_sqlite = pytest.mark.parametrize("intake", ["sqlite"], indirect=True)


def calendar(**more: Any) -> dict[str, Any]:
    return {
        "name": "Test",
        "weekly_holidays": ["sunday"],
        "hours": {"opens": "07:30", "closes": "14:30"},
    } | more


def example(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return document


async def put(intake: House, document: Any, **more: Any) -> httpx.Response:
    return await intake.call("PUT", "/v1/calendar", document, **more)


async def stored(intake: House, document: dict[str, Any]) -> dict[str, Any]:
    answer = await put(intake, document)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def flags(intake: House, at: str, **more: Any) -> set[str]:
    answer = await intake.post(visit(visited_at=at, **more))
    assert answer.status_code == 201, answer.text
    return {flag["code"] for flag in answer.json()["flags"]}


async def test_the_default_is_balochistans(intake: House) -> None:
    document = (await intake.call("GET", "/v1/calendar")).json()
    assert (document["version"], document["name"]) == (0, "Balochistan")
    assert (document["first_day"], document["look_back_days"]) == ("2018-01-01", 365)
    assert await flags(intake, "2018-06-15T09:00:00+05:00") == {"holiday"}
    # What is read can be put back: nothing changes.
    sent = {key: value for key, value in document.items() if key not in {"version", "recorded_at"}}
    assert (await stored(intake, sent))["version"] == 0


async def test_another_country_by_its_example(intake: House) -> None:
    friday, sunday = "2019-03-01T10:00:00+05:00", "2019-03-03T10:00:00+05:00"
    assert await flags(intake, sunday) == {"holiday"}
    first = visit(visited_at=sunday)
    before = (await intake.post(first)).json()["flags"]
    document = await stored(intake, example("bangladesh"))
    assert (document["version"], document["valid_from"]) == (1, "2018-01-01")
    assert await flags(intake, sunday) == set()
    assert await flags(intake, friday) == {"holiday"}
    assert await flags(intake, "2019-03-04T08:00:00+05:00") == {"outside_school_hours"}
    assert await flags(intake, "2019-05-20T10:00:00+05:00") == {"vacation"}  # of that year only
    assert await flags(intake, "2018-05-21T10:00:00+05:00") == set()
    # A receipt stays what it was; a correction is judged by the calendar in force now.
    again = await intake.post(first)
    assert (again.status_code, again.json()["flags"]) == (200, before)
    corrected = await intake.put(first | {"monitor_id": "M-2"}, 1)
    assert corrected.json()["flags"] == []


async def test_each_calendar_holds_until_the_next_one_begins(intake: House) -> None:
    await stored(intake, calendar(weekly_holidays=["monday"], valid_from="2019-01-01"))
    await stored(intake, calendar(weekly_holidays=["tuesday"], valid_from="2019-03-01"))
    for day, holiday in (
        ("2018-12-30", True),  # a Sunday under the default
        ("2018-12-31", False),
        ("2019-01-07", True),  # a Monday
        ("2019-01-06", False),
        ("2019-03-05", True),  # a Tuesday
        ("2019-03-04", False),
    ):
        assert (await flags(intake, f"{day}T10:00:00+05:00") == {"holiday"}) is holiday, day
    names = [("2018-06-01", 0), ("2019-02-28", 1), ("2019-03-01", 2)]
    for day, version in names:
        answer = await intake.call("GET", f"/v1/calendar?on={day}")
        assert (answer.json()["version"], answer.headers["etag"]) == (version, f'"{version}"')
    assert (await intake.call("GET", "/v1/calendar?version=1")).json()["weekly_holidays"] == [
        "monday"
    ]
    assert (await intake.call("GET", "/v1/calendar?version=9")).status_code == 404
    for question in ("on=0", "on=2019-02-29", "on=today", "on=2019-01-01&version=1"):
        assert (await intake.call("GET", f"/v1/calendar?{question}")).status_code == 422
    listed = (await intake.call("GET", "/v1/calendar/versions")).json()["versions"]
    assert [entry["version"] for entry in listed] == [0, 1, 2]


@pytest.fixture
async def neighbour(intake: House) -> AsyncIterator[httpx.AsyncClient]:
    """A second instance on the same database."""
    platform = Platform(intake.platform.settings, intake.clock)
    service = build(platform)
    app = Application(service.direct)
    app.state.platform = platform
    install_problems(app)
    app.include_router(service.router)
    database = platform.database("ingest")
    await platform.access.open()
    await database.open()
    for step in service.on_start:
        await step()
    headers = {"Authorization": f"Bearer {intake.key}", "Content-Type": "application/json"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://b", headers=headers
    ) as client:
        yield client
    await database.close()
    await platform.access.close()


async def test_another_instance_judges_by_it_at_once(
    intake: House, neighbour: httpx.AsyncClient
) -> None:
    for day, expected in (("monday", ["holiday"]), ("friday", [])):
        await stored(intake, calendar(weekly_holidays=[day], valid_from="2018-01-01"))
        posted = await neighbour.post("/v1/visits", content=json.dumps(visit()))
        assert [flag["code"] for flag in posted.json()["flags"]] == expected


@on_sqlite
async def test_versions_lost_updates_and_repeats(intake: House) -> None:
    first = await put(intake, calendar(), headers={"If-Match": '"0"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"1"')
    assert first.json()["valid_from"] == "2018-01-01"  # the first one: from the first day on
    stale = await put(intake, calendar(name="Other"), headers={"If-Match": '"0"'})
    assert stale.status_code == 412
    intake.clock.advance(timedelta(days=1))
    assert (await stored(intake, calendar()))["version"] == 1  # the same again
    later = await stored(intake, calendar(name="Other"))
    assert (later["version"], later["valid_from"]) == (2, "2019-06-04")  # afterwards: today
    known = await intake.call("GET", "/v1/calendar", headers={"If-None-Match": '"2"'})
    assert known.status_code == 304


@on_sqlite
async def test_what_needs_a_rebuild_is_refused_and_says_so(intake: House) -> None:
    for name, value, setting in (
        ("first_day", "2017-01-01", "RTSM_FIRST_DAY"),
        ("look_back_days", 180, "RTSM_LOOK_BACK_DAYS"),
    ):
        answer = await put(intake, calendar(**{name: value}))
        error = answer.json()["errors"][0]
        assert (answer.status_code, error["code"]) == (422, "needs_rebuild")
        assert error["pointer"] == f"/{name}"
        assert setting in error["detail"]
        assert "rtsm rebuild" in error["detail"]
    assert (await stored(intake, calendar(first_day="2018-01-01", look_back_days=365)))[
        "version"
    ] == 1


ZONE = {"zone": "winter", "vacations": [{"from": "12-16", "to": "02-29"}]}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"weekly_holidays": ["caturday"]}, "/weekly_holidays/0"),
    ({"hours": {"opens": "14:30", "closes": "07:30"}}, "/hours/closes"),
    ({"hours": {"opens": "25:00", "closes": "26:00"}}, "/hours/opens"),
    ({"yearly_holidays": [{"day": "02-30"}]}, "/yearly_holidays/0/day"),
    ({"holidays": [{"date": "2019-02-29"}]}, "/holidays/0/date"),
    ({"zones": [ZONE, ZONE | {"zone": "cold", "also": ["Winter"]}]}, "/zones/1/zone"),
    (
        {"zones": [ZONE | {"vacations": [{"from": "12-16", "to": "2019-02-28"}]}]},
        "/zones/0/vacations/0/to",
    ),
    (
        {"zones": [ZONE | {"vacations": [{"from": "2019-07-01", "to": "2019-06-01"}]}]},
        "/zones/0/vacations/0/to",
    ),
    (
        {"zones": [ZONE | {"vacations": [{"from": "06-31", "to": "07-01"}]}]},
        "/zones/0/vacations/0/from",
    ),
    ({"default_zone": "all"}, "/default_zone"),
    ({"school_year": {"starts": "13-01"}}, "/school_year/starts"),
    ({"valid_from": "soon"}, "/valid_from"),
    ({"weekend": []}, "/weekend"),
]


@on_sqlite
async def test_a_calendar_that_is_wrong_is_refused_by_field(intake: House) -> None:
    for more, pointer in WRONG:
        answer = await put(intake, calendar(**more))
        assert answer.status_code == 422, more
        assert answer.json()["errors"][0]["pointer"] == pointer, more
    assert (await intake.call("GET", "/v1/calendar")).json()["version"] == 0


@on_sqlite
async def test_the_calendar_is_everybodys(intake: House) -> None:
    district = await intake.make_key("d", "registry:write", "registry:read", units=["QTA"])
    assert (await put(intake, calendar(), key=district)).status_code == 403
    assert (await intake.call("GET", "/v1/calendar", key=district)).status_code == 200
    reader = await intake.make_key("r", "registry:read")
    assert (await put(intake, calendar(), key=reader)).status_code == 403


@on_sqlite
async def test_a_school_without_a_zone_and_a_zone_by_another_word(intake: House) -> None:
    await intake.call("PUT", "/v1/schools", [school("5", zone="Cold"), school("6")])
    winter = "2019-01-07T10:00:00+05:00"
    assert await flags(intake, winter, school_code="5") == {"vacation"}
    assert await flags(intake, winter, school_code="6") == set()
    zone = ZONE | {"also": ["cold"]}
    await stored(intake, calendar(zones=[zone], default_zone="winter", valid_from="2018-01-01"))
    assert await flags(intake, winter, school_code="5") == {"vacation"}
    assert await flags(intake, winter, school_code="6") == {"vacation"}


async def test_a_register_that_does_not_change_is_waited_for_as_it_was_told(intake: House) -> None:
    told = (await intake.call("PUT", "/v1/schools", [school("1001")])).json()["version"]
    await stored(intake, calendar())
    again = await intake.call("PUT", "/v1/schools", [school("1001")])
    assert (again.json()["changed"], again.json()["version"]) == (0, told)
