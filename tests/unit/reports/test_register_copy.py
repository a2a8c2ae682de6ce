"""The copy of the register's names: dated records, order, redelivery, scope."""

from datetime import date

import pytest

from services.reports import store
from services.reports.projector import project
from shared.domain.days import day_number
from shared.journal.records import Event, InvalidEvent, Record
from tests.unit.reports.fake_services import a_record


def a_unit(unit_id="D1", name="Quetta", parent="P", since="2018-01-01", level="district", **more):
    put = {"unit_id": unit_id, "name": name, "level": level, "parent_id": parent}
    return put | {"valid_from": since} | more


def a_school(code="01001", name="GBPS", unit="C1", since="2018-01-01"):
    return {"school_code": code, "name": name, "unit_id": unit, "valid_from": since}


async def put(database, *records):
    async with database.transaction() as tx:
        await project(tx, list(records))


async def find(database, day=date(2019, 1, 1), **asked):
    async with database.reading() as tx:
        return await store.find(tx, day_number(day), 100, **asked)


async def test_the_record_in_force_on_the_day_is_found_and_the_first_serves_the_days_before(
    database,
):
    await put(
        database,
        a_record(1, unit=a_unit(name="Old", since="2018-06-01")),
        a_record(2, unit=a_unit(name="New", since="2019-06-01")),
    )
    assert [place.name for place in await find(database)] == ["Old"]
    assert [p.name for p in await find(database, date(2017, 1, 1))] == ["Old"]
    assert [p.name for p in await find(database, date(2020, 1, 1))] == ["New"]
    assert await find(database, part="new") == []


async def test_older_versions_and_redelivery_change_nothing(database):
    newer = a_record(5, unit=a_unit(name="Right"))
    older = a_record(3, unit=a_unit(name="Wrong"))
    await put(database, newer)
    await put(database, older, newer)
    assert [place.name for place in await find(database)] == ["Right"]
    async with database.reading() as tx:
        assert await store.newest_version(tx) == 5


async def test_schools_come_last_and_are_found_by_code(database):
    await put(
        database,
        a_record(1, school=a_school()),
        a_record(2, unit=a_unit("C1", "Sariab 1001", "D1", level="cluster", names={"ur": "سریاب"})),
    )
    found = await find(database, part="1001")
    assert [place.unit_id for place in found] == ["C1", "school:1001"]
    assert found[0].called("ur") == "سریاب"
    assert [p.unit_id for p in await find(database, part="01001")] == ["school:1001"]
    assert await find(database, part="_") == []


async def test_scope_is_what_stands_under_the_units_today(database):
    await put(
        database,
        a_record(1, unit=a_unit("D1", "D one", "P")),
        a_record(2, unit=a_unit("D2", "D two", "P")),
        a_record(3, unit=a_unit("C1", "C one", "D1", level="cluster")),
        a_record(4, unit=a_unit("C1", "C one", "D2", since="2018-09-01", level="cluster")),
        a_record(5, school=a_school()),
    )
    async with database.reading() as tx:
        day = day_number(date(2019, 1, 1))
        assert await store.under(tx, day, ["D1"]) == ["D1"]
        assert await store.under(tx, day, ["D2"]) == ["D2", "C1"]
    inside = await find(database, scope=["D2", "C1"])
    assert {place.unit_id for place in inside} == {"D2", "C1", "school:1001"}
    assert [p.unit_id for p in await find(database, scope=["D1"])] == ["D1"]


async def test_what_is_no_register_event_is_set_aside(database):
    with pytest.raises(InvalidEvent):
        await put(database, a_record(1, unit={"unit_id": "X"}))
    with pytest.raises(InvalidEvent):
        await put(database, a_record(1))
    with pytest.raises(InvalidEvent):
        await put(database, Record("0", 1, Event("t", "y", "k", "s", 0, 0, b"\xff")))


async def test_the_tree_holds_units_and_no_schools(database):
    await put(
        database,
        a_record(1, unit=a_unit("P", "Balochistan", None)),
        a_record(2, unit=a_unit()),
        a_record(3, unit=a_unit(name="Quetta City", since="2018-06-01")),
        a_record(4, school=a_school(unit="D1")),
    )
    async with database.reading() as tx:
        found = await store.tree(tx, day_number(date(2019, 1, 1)))
    assert [(place.unit_id, place.name) for place in found] == [
        ("P", "Balochistan"),
        ("D1", "Quetta City"),
    ]
