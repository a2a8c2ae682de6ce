"""A wrong figure is found, told with its school and day, and stops everything until it is mended.

Embedded on SQLite, and the same process on PostgreSQL; what is planted is written behind the
service's back, as a bug or a bad disk would.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from services import operations
from services.indicators import cell_store, definition_file, rebuild, rebuild_spill
from services.indicators.contributions import Deltas
from services.indicators.definition_file import load
from services.indicators.verify_watch import Watch
from shared.db.errors import Transient
from shared.db.transaction import Tx
from shared.domain.codes import canonical_school_code
from shared.domain.days import day_date
from tests.histories.generator import TODAY, random_history
from tests.histories.player import Player
from tests.histories.register import CODES
from tests.support.embedded import Embedded, embedded

HISTORY = random_history(23, 60)


@asynccontextmanager
async def folded(folder: Path, **more: Any) -> AsyncIterator[Embedded]:
    """A history folded: right, and found right."""
    async with embedded(folder, **more) as opened:
        await Player(opened.client, TODAY).play(HISTORY)
        await opened.drain()
        assert await opened.verified() == []
        yield opened


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Embedded]:
    """On SQLite."""
    async with folded(tmp_path) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Embedded]:
    """On either kind of database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with folded(tmp_path, **({"database_url": url} if url else {})) as opened:
        yield opened


def watch(house: Embedded, seed: int = 1) -> Watch:
    database = house.platform.database
    definitions = load(house.settings.definitions)
    feed, clock = database("ingest"), house.clock
    return Watch(database("indicators"), feed, house.settings, definitions, clock, Random(seed))


async def written(house: Embedded, sql: str) -> None:
    """Change the service's tables behind its back."""
    async with house.platform.database("indicators").transaction() as tx:
        assert await tx.execute(sql) > 0


async def one(house: Embedded, sql: str) -> int:
    async with house.platform.database("indicators").reading() as tx:
        return int((await tx.fetch_one(sql))[0])


async def looked(house: Embedded) -> list[str]:
    """Samples until something is found; as many as a quarter of an hour brings."""
    eye = watch(house)
    for _ in range(40):
        if found := await eye.look():
            return found
    return []


async def visit_more(house: Embedded) -> None:
    """Something that would be folded."""
    form = {"visit_id": str(uuid4()), "school_code": "1002", "status": "refused"}
    form["visited_at"] = "2019-05-03T09:00:00+05:00"
    answer = await house.client.post("/v1/visits", json=form)
    assert answer.status_code == 201, answer.text


async def test_a_right_house_is_found_right_by_samples_and_at_night(house: Embedded) -> None:
    eye = watch(house)
    for _ in range(20):
        assert await eye.look() == []
    assert await eye.look_at_all() == []
    assert await eye.trouble() is None


async def wrong_cell(house: Embedded) -> tuple[str, str]:
    """One cluster's day takes another day's flows; returns the unit and the day, as told."""
    async with house.platform.database("indicators").reading() as tx:
        rows = await tx.fetch(
            "SELECT u.unit_id, c.unit, c.day, c.flow FROM day_cells c "
            "JOIN unit_ids u ON u.id = c.unit "
            "WHERE u.unit_id LIKE 'CL-%' AND c.flow IS NOT NULL ORDER BY c.unit, c.day"
        )
    unit_id, unit, day, flow = rows[0]
    other = next(row[3] for row in rows if row[1] == unit and row[3] != flow)
    async with house.platform.database("indicators").transaction() as tx:
        changed = await tx.execute(
            "UPDATE day_cells SET flow = $1 WHERE unit = $2 AND day = $3", other, unit, day
        )
    assert changed == 1
    return unit_id, day_date(day).isoformat()


async def test_a_planted_wrong_cell_is_found_with_its_schools_and_its_day(either: Embedded) -> None:
    unit, day = await wrong_cell(either)
    found = await looked(either)
    assert any(f"unit {unit}, day {day}, visits" in line for line in found), found
    assert all("; schools that add to it: " in line for line in found if "day_cells" in line), found
    everything = await either.verified()
    named = [line for line in everything if f"unit {unit}, day {day}, visits" in line]
    assert named, everything
    told = named[0].partition("; schools that add to it: ")[2]
    schools = {part.split()[0] for part in told.split(", ")}
    assert schools <= {canonical_school_code(code) for code in CODES}, named


async def test_a_province_that_lost_a_month_is_met_by_samples(house: Embedded) -> None:
    province = await one(house, "SELECT id FROM unit_ids WHERE unit_id = 'PK-BA'")
    month = await one(house, f"SELECT min(month) FROM month_cells WHERE unit = {province}")
    await written(house, f"DELETE FROM month_cells WHERE unit = {province} AND month = {month}")
    found = await looked(house)
    assert any("unit PK-BA," in line for line in found), found


async def test_a_planted_double_fold_is_found_with_its_school_and_its_day(
    house: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = cell_store.add

    async def twice(tx: Tx, deltas: Deltas) -> None:
        await added(tx, deltas)
        await added(tx, deltas)

    form = {"visit_id": str(uuid4()), "school_code": "1004", "status": "open"}
    form["visited_at"] = "2019-05-02T09:00:00+05:00"
    with monkeypatch.context() as planted:
        planted.setattr(cell_store, "add", twice)
        answer = await house.client.post("/v1/visits", json=form)
        assert answer.status_code == 201, answer.text
        await house.drain()
    for found in (await looked(house), await house.verified()):
        assert any(
            "presence: school 1004 " in line and "day 2019-05-02: stored 2, should be 1" in line
            for line in found
        ), found


async def test_a_planted_wrong_definition_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong from the first day on; one that becomes wrong later is refused at the next start."""
    right = definition_file._shipped_text()
    wrong = right.replace('numerator = ["status_open"]', 'numerator = ["status_answered"]')
    assert wrong != right
    with monkeypatch.context() as planted:
        planted.setattr(definition_file, "_shipped_text", lambda: wrong)
        said = "definition schools_open, version 1, total"
        async with embedded(tmp_path) as opened:
            assert any(said in line for line in await looked(opened))
            assert await operations.verify(opened.settings) > 0
            assert said in capsys.readouterr().out
    async with folded(tmp_path / "right"):
        pass
    monkeypatch.setattr(definition_file, "_shipped_text", lambda: wrong)
    with pytest.raises(definition_file.DefinitionError, match="schools_open"):
        async with embedded(tmp_path / "right"):
            pass


async def test_a_difference_stops_and_shouts_until_all_is_computed_anew(either: Embedded) -> None:
    unit, day = await wrong_cell(either)
    assert await looked(either)
    held = await one(either, "SELECT count(*) FROM visits")
    await visit_more(either)
    with pytest.raises(Transient, match="figures stand still"):
        await either.drain()
    assert await one(either, "SELECT count(*) FROM visits") == held
    ready = await either.client.get("/health/ready")
    assert ready.status_code == 503
    told = ready.json()["missing"]["indicators:figures"]
    assert unit in told
    assert day in told
    await either.rebuild()
    await either.drain()
    assert await one(either, "SELECT count(*) FROM visits") > held
    assert await either.verified() == []
    assert "indicators:figures" not in (await either.client.get("/health/ready")).json()["missing"]


async def test_the_command_stops_what_it_finds_wrong_and_frees_what_it_finds_right(
    house: Embedded, capsys: pytest.CaptureFixture[str]
) -> None:
    unit, day = await wrong_cell(house)
    assert await operations.verify(house.settings) > 0
    assert f"unit {unit}, day {day}" in capsys.readouterr().out
    await visit_more(house)
    with pytest.raises(Transient, match="figures stand still"):
        await house.drain()
    await operations.rebuild(house.settings)
    assert await operations.verify(house.settings) == 0
    await house.drain()


async def test_one_process_of_several_verifies_a_night(house: Embedded) -> None:
    await wrong_cell(house)
    house.clock.at = datetime(2019, 6, 3, 15, 0, tzinfo=UTC)
    eyes = [watch(house, seed) for seed in (1, 2)]
    assert [await eye.at_night() for eye in eyes] == [None, None]
    house.clock.at = datetime(2019, 6, 3, 21, 30, tzinfo=UTC)  # 02:30 in Quetta
    found = [await eye.at_night() for eye in eyes]
    assert found[0], "the first to come verifies everything"
    assert found[1] is None
    assert await eyes[0].at_night() is None


async def test_a_rebuild_by_other_processes_mends_and_gives_the_same(
    either: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "MANY_EVENTS", 1)
    monkeypatch.setattr(rebuild_spill, "SMALL_PART", 1)
    monkeypatch.setattr(rebuild_spill, "VISITS_AT_ONCE", 3)
    await wrong_cell(either)
    await written(either, "DELETE FROM presence")
    await written(either, "UPDATE visits SET school = 1, monitor = 'another' WHERE school = 0")
    assert await either.verified()
    await either.rebuild()
    assert await either.verified() == []
