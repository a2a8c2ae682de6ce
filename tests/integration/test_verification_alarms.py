"""What is no wrong figure stops nothing: lag, positions set back, rebuilds, odd registers.

And what would end a verification is a finding or is tried again. What is wrong and must be found is
`test_verification`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from services import operations
from services.indicators import halts, verify_visits, verify_watch
from services.indicators.definition_file import load
from services.indicators.halts import Verdict
from services.indicators.projector import Projector
from services.indicators.registry_store import REGISTER_LOCK, Registers
from services.indicators.tables import IndicatorsTable
from services.indicators.verify import Asked, examine
from services.indicators.verify_watch import Watch
from shared.db.errors import Transient
from shared.journal import journal, positions
from tests.integration.test_verification import (
    folded,
    looked,
    watch,
    written,
    wrong_cell,
)
from tests.support.embedded import Embedded, embedded
from tests.support.waiting import eventually

NIGHT = datetime(2019, 6, 3, 21, 30, tzinfo=UTC)  # 02:30 in Quetta


@dataclass(frozen=True)
class Relayed:
    """Settings of a deployment where Kafka carries the events."""

    zone: ZoneInfo
    look_back_days: int = 365
    relayed: bool = True


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Embedded]:
    """A history folded, on SQLite."""
    async with folded(tmp_path) as opened:
        yield opened


def nobody(done: int, total: int) -> None:
    assert done <= total


async def seen(house: Embedded, *, relayed: bool = False) -> Verdict:
    database = house.platform.database
    asked: Asked = Relayed(house.settings.zone) if relayed else house.settings
    return await examine(database("indicators"), database("ingest"), asked, nobody)


async def standing(house: Embedded) -> str | None:
    async with house.platform.database("indicators").reading() as tx:
        return await halts.standing(tx)


async def visit(house: Embedded, code: str, day: str) -> None:
    form = {"visit_id": str(uuid4()), "school_code": code, "status": "open"}
    form["visited_at"] = f"{day}T09:00:00+05:00"
    answer = await house.client.post("/v1/visits", json=form)
    assert answer.status_code == 201, answer.text


async def fold_last(house: Embedded) -> None:
    """Fold the newest event of the journal alone, as a partition does that is ahead of others."""
    async with house.platform.database("ingest").reading() as tx:
        last = await journal.end(tx) - 1
        records = await journal.read(tx, "rtsm.visits-1", last, ["rtsm.visits"], 1)
    asked = house.settings
    projector = Projector(Registers(), house.clock, asked.zone, asked.look_back_days)
    async with house.platform.database("indicators").transaction() as tx:
        await projector.handle(tx, records)


async def test_a_school_straight_under_a_district_is_no_difference(tmp_path: Path) -> None:
    units = [("P", "province", None), ("D", "district", "P"), ("C", "cluster", "D")]
    async with embedded(tmp_path) as house:
        told = [
            {"unit_id": unit, "level": level, "parent_id": above, "name": unit}
            for unit, level, above in units
        ]
        (await house.client.put("/v1/units", json=told)).raise_for_status()
        schools = [
            {"school_code": code, "unit_id": unit, "name": code, "status": "open"}
            for code, unit in (("1001", "C"), ("1002", "C"), ("2001", "D"))
        ]
        (await house.client.put("/v1/schools", json=schools)).raise_for_status()
        for code in ("1001", "1002", "2001"):
            await visit(house, code, "2019-05-02")
        await house.drain()
        eye = watch(house)
        for _ in range(12):
            assert await eye.look() == []
        assert await eye.look_at_all() == []
        await written(house, "DELETE FROM presence")
        found = await looked(house)
        assert any("presence: school " in line for line in found), found


async def test_what_lags_behind_kafka_is_no_difference_and_what_was_passed_over_is(
    house: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The journal was the feed once: how far it was read then says nothing of now.
    await written(house, "UPDATE positions SET next = 1 WHERE partition = 'ingest.journal'")
    await visit(house, "1002", "2019-05-03")
    house.clock.advance(timedelta(hours=3))
    for day in ("2019-05-04", "2019-05-05", "2019-05-06"):
        await visit(house, "2001", day)
        await fold_last(house)
    assert (await seen(house, relayed=True)).differences == []
    with monkeypatch.context() as narrow:
        narrow.setattr(verify_visits, "_MOST_WAITING", 1)
        narrow.setattr(verify_visits, "_RECORDS_AT_ONCE", 1)
        assert (await seen(house, relayed=True)).differences == []
    await visit(house, "1002", "2019-05-07")
    await fold_last(house)
    found = (await seen(house, relayed=True)).differences
    assert len(found) == 1, found
    assert found[0].endswith("not folded")


async def test_positions_that_say_nothing_make_no_differences(house: Embedded) -> None:
    database = house.platform.database("indicators")
    async with database.transaction() as tx:  # the journal was the feed until Kafka came
        await positions.put(tx, "indicators.visits", "ingest.journal", 5)
    assert (await seen(house, relayed=True)).differences == []
    await operations.replay(house.settings, 1)
    assert (await seen(house)).differences == []
    await house.drain()
    assert (await seen(house)).differences == []


async def test_a_visit_that_nobody_sent_is_found(house: Embedded) -> None:
    columns = [c.name for c in IndicatorsTable.metadata.tables["visits"].columns]
    other = ["'nobody'" if name == "visit_id" else name for name in columns]
    await written(
        house,
        f"INSERT INTO visits ({','.join(columns)}) SELECT {','.join(other)} FROM visits "
        "WHERE revision = 1 ORDER BY source, visit_id LIMIT 1",
    )
    for relayed in (False, True):
        found = (await seen(house, relayed=relayed)).differences
        assert any("the journal knows" in line for line in found), found


async def test_a_night_stops_only_for_what_is_there_at_a_second_look(
    house: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    async def once(*given: object) -> Verdict:
        verdict = await examine(*given)  # type: ignore[arg-type]
        looks.append("")
        return Verdict(verdict.line, ["a moment"]) if len(looks) == 1 else verdict

    monkeypatch.setattr(verify_watch, "examine", once)
    assert await watch(house).look_at_all() == []
    assert len(looks) == 2
    assert await standing(house) is None


async def test_what_was_found_in_figures_that_were_rebuilt_stops_nothing(house: Embedded) -> None:
    database = house.platform.database("indicators")
    await wrong_cell(house)
    old = await seen(house)
    assert old.differences
    await house.rebuild()
    assert not await halts.halt(database, old, 200)
    assert await standing(house) is None
    await wrong_cell(house)
    new = await seen(house)
    assert await halts.halt(database, new, 200)
    for begun, stands in ((150, True), (250, False)):
        async with database.transaction() as tx:
            await halts.lift_before(tx, begun)
        assert (await standing(house) is not None) == stands


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE day_cells SET flow = x'010203' WHERE flow IS NOT NULL", "day_cells: unit "),
        ("UPDATE presence SET data = x'010203'", "presence: "),
        ("UPDATE visits SET stock = x'010203' WHERE school IS NOT NULL", "visit "),
    ],
)
async def test_what_cannot_be_read_is_a_finding(house: Embedded, damage: str, said: str) -> None:
    await written(house, damage)
    for found in (await looked(house), (await seen(house)).differences):
        assert any(line.startswith(said) and "cannot be read" in line for line in found), found


WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"


async def test_a_rebuild_and_a_consumer_do_not_wait_for_each_other(
    postgres_url: str, tmp_path: Path
) -> None:
    async with folded(tmp_path, database_url=postgres_url) as house:
        database = house.platform.database("indicators")

        async def waits() -> bool:
            async with database.reading() as tx:
                return bool((await tx.fetch_one(WAITS))[0])

        await visit(house, "1002", "2019-05-03")  # which the rebuild folds: it moves the position
        # A consumer's transaction: its position, then, while a rebuild switches, the register.
        async with database.transaction() as tx:
            at = await positions.load(tx, "indicators.visits", "ingest.journal")
            await positions.advance(tx, "indicators.visits", "ingest.journal", at, at or 0)
            rebuilding = asyncio.create_task(house.rebuild())
            await eventually(waits, "the rebuild waits for the consumer")
            await tx.lock(REGISTER_LOCK, shared=True)
        await rebuilding
        assert (await seen(house)).differences == []


class Broken(Random):
    """A generator that fails as nobody foresaw, until it is mended."""

    mended = False

    def getrandbits(self, k: int, /) -> int:
        if not self.mended:
            raise ValueError(k)
        return super().getrandbits(k)


async def test_a_watch_goes_on_after_what_nobody_foresaw(house: Embedded) -> None:
    database, random = house.platform.database, Broken(1)
    eye = Watch(
        database("indicators"),
        database("ingest"),
        house.settings,
        load(house.settings.definitions),
        house.clock,
        random,
    )
    watching = asyncio.create_task(eye.run(0.0))
    try:
        told = await eventually(eye.trouble, "trouble in readiness")
        assert told is not None
        assert "ValueError" in told
        random.mended = True

        async def well() -> bool:
            return await eye.trouble() is None

        await eventually(well, "the next look ends the trouble")
        assert not watching.done()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_a_night_that_was_not_ended_is_verified_by_another_process(
    house: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*given: object) -> Verdict:
        assert given
        raise Transient("the database went away")

    house.clock.at = NIGHT
    first, second = watch(house, 1), watch(house, 2)
    with monkeypatch.context() as outage:
        outage.setattr(verify_watch, "examine", gone)
        with pytest.raises(Transient):
            await first.at_night()
    assert await second.at_night() is None, "the first may still be at it"
    house.clock.advance(timedelta(minutes=61))
    assert await second.at_night() == []
    house.clock.advance(timedelta(minutes=61))
    assert await first.at_night() is None, "the night is done"
