"""The flags are a function of what stands: any order of arrival, twice, late, corrected."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from services.ingest.calendar import Dated
from services.ingest.calendar_form import balochistan, calendar_of
from services.ingest.drafts import Drafter
from services.ingest.registry.register import Register
from services.ingest.stamps import Stamps
from services.ingest.trust import reach
from services.ingest.trust.fold import Fold
from shared.domain.days import day_number
from shared.journal import journal
from tests.support.embedded import Embedded
from tests.support.intake import UNITS, school, visit
from tests.trust.brute import SIGNALS, expected
from tests.trust.worlds import World, drain


async def shown(house: Embedded) -> dict[tuple[str, str], set[str]]:
    """The signals that the list of visits shows, by (source, visit id)."""
    found: dict[tuple[str, str], set[str]] = {}
    path: str | None = "/v1/visits?limit=500"
    while path is not None:
        answer = await house.client.get(path)
        assert answer.status_code == 200, answer.text
        for record in answer.json()["visits"]:
            if record["status"] != "withdrawn":
                codes = {flag["code"] for flag in record["flags"]} & set(SIGNALS)
                found[record["source"], record["visit_id"]] = codes
        link = answer.headers.get("link")
        path = link.partition(">")[0].removeprefix("<") if link else None
    return found


@pytest.fixture(params=["whole lines", "neighbours"])
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that are read whole, and lines so long that only neighbours are read."""
    if request.param == "neighbours":
        monkeypatch.setattr(reach, "SHORT", 4)
        monkeypatch.setattr(reach, "CHUNK", 2)


@pytest.mark.usefixtures("reading")
async def test_the_flags_are_those_of_brute_force(house: Embedded) -> None:
    met: dict[str, int] = dict.fromkeys(SIGNALS, 0)
    worlds: list[World] = []
    for seed in range(6):
        world = World(Random(seed), f"w{seed}x", days=5 if seed % 2 else 70)
        await world.begin(house)
        worlds.append(world)
        for step in range(40):
            await world.step(house)
            if world.random.random() < 0.15 or step == 39:
                await drain(house)
        wanted = expected(list(world.visits.values()), world.points)
        flags = await shown(house)
        for key, codes in wanted.items():
            visit = world.visits[key[1]]
            assert flags[key] == codes, (seed, visit)
            for code in codes:
                met[code] += 1
    # A later world changes nothing of an earlier one, and every signal was met.
    flags = await shown(house)
    for world in worlds:
        wanted = expected(list(world.visits.values()), world.points)
        assert wanted == {key: flags[key] for key in wanted}
    assert min(met.values()) > 3, met


async def stored(house: Embedded) -> list[tuple[Any, ...]]:
    async with house.platform.database("ingest").reading() as tx:
        rows = await tx.fetch("SELECT * FROM sightings ORDER BY visit_id,source")
        marks = await tx.fetch("SELECT * FROM marks ORDER BY mark,visit_id,source")
    return [tuple(row) for row in (*rows, *marks)]


async def test_events_in_any_order_and_twice_end_in_the_same_rows(house: Embedded) -> None:
    world = World(Random(77), "o")
    await world.begin(house)
    for _ in range(60):
        await world.step(house)
    await drain(house)
    before = await stored(house)
    assert len(before) > 40
    database = house.platform.database("ingest")
    settings = house.settings
    calendars = Dated(calendar_of(balochistan()), day_number(settings.first_day))
    stamps = Stamps(house.clock)
    drafter = Drafter(Register(), stamps, settings.zone, calendars, settings.first_day)
    async with database.reading() as tx:
        visits = await journal.read(tx, "ingest.journal", 1, ["rtsm.visits"], 10_000)
        records = await journal.read(tx, "ingest.journal", 1, ["rtsm.registry"], 10_000)
    for seed in range(3):
        random = Random(seed)
        async with database.transaction() as tx:
            await tx.execute("DELETE FROM sightings")
            await tx.execute("DELETE FROM marks")
        fold = Fold(drafter)
        pending = [*visits, *random.choices(visits, k=20), *records]
        random.shuffle(pending)
        while pending:
            size = random.choice([1, 2, 7, 40])
            batch, pending = pending[:size], pending[size:]
            async with database.transaction() as tx:
                await fold.visits(tx, [r for r in batch if r.event.topic == "rtsm.visits"])
                await fold.registry(tx, [r for r in batch if r.event.topic == "rtsm.registry"])
        assert await stored(house) == before


async def test_another_calendar_changes_the_flags_of_visits_long_made(house: Embedded) -> None:
    await house.client.put("/v1/units", json=UNITS)
    await house.client.put("/v1/schools", json=[school("1001")])
    forms = [visit(visited_at=f"2018-03-{day:02d}T09:40:00+05:00") for day in (5, 9, 11)]
    for form in forms:
        assert (await house.client.post("/v1/visits", json=form)).status_code == 201
    await drain(house)

    async def holidays() -> list[bool]:
        found = []
        for form in forms:
            record = (await house.client.get(f"/v1/visits/{form['visit_id']}")).json()
            assert record["revision"] == 1
            found.append(any(flag["code"] == "holiday" for flag in record["flags"]))
        return found

    assert await holidays() == [False, False, True]  # Monday, Friday, Sunday
    calendar = (await house.client.get("/v1/calendar")).json()
    given = {name: calendar[name] for name in ("name", "hours", "weekly_holidays")}
    friday = given | {"weekly_holidays": ["friday"], "valid_from": "2018-03-08"}
    answer = await house.client.put("/v1/calendar", json=friday)
    assert answer.status_code == 200, answer.text
    await drain(house)
    assert await holidays() == [False, True, False]
    queue = (await house.client.get("/v1/reviews?flag=holiday")).json()["reviews"]
    assert [item["visit_id"] for item in queue] == [forms[1]["visit_id"]]
