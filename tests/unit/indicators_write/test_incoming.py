"""Events as the fold reads them, and what it refuses."""

import json
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from services.indicators.incoming import read_changes, read_revisions
from services.indicators.segments import SchoolVersion, UnitVersion
from shared.clock import rfc3339
from shared.domain.days import day_number
from shared.journal.records import Event, InvalidEvent, Record

KARACHI = ZoneInfo("Asia/Karachi")
VISIT = {
    "source": "pmc",
    "visit_id": "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f",
    "revision": 2,
    "recorded_at": "2018-03-06T00:00:00.000002Z",
    "received_at": "2018-03-05T06:00:00.000001Z",
    "school_code": "1001",
    "standing": "standing",
    "visited_at": "2018-03-05T23:30:00+03:00",
    "form": {"status": "open", "monitor_id": "M-1"},
}
UNIT = {
    "version": 3,
    "recorded_at": "2018-01-01T00:00:00.000000Z",
    "unit": {
        "unit_id": "C1",
        "name": "Cluster",
        "names": {"ur": "کلسٹر"},
        "level": "cluster",
        "parent_id": "D1",
        "valid_from": "2018-01-01",
        "valid_to": None,
    },
}
SCHOOL = {
    "version": 4,
    "recorded_at": "2018-01-01T00:00:00.000000Z",
    "school": {
        "school_code": "01001",
        "name": "GPS",
        "unit_id": "C1",
        "gender": None,
        "status": "open",
        "valid_from": "2018-01-02",
        "attributes": {},
    },
}


def record(data: object, position: int = 1) -> Record:
    body = data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode()
    return Record("p", position, Event("t", "t", "k", "s", 0, 0, body))


def test_a_visit_falls_on_the_deployments_day() -> None:
    (row,) = read_revisions([record(VISIT)], KARACHI)
    assert row.day == day_number(date(2018, 3, 6))
    assert rfc3339(row.at) == "2018-03-05T20:30:00.000000Z"
    assert rfc3339(row.received) == "2018-03-05T06:00:00.000001Z"
    assert rfc3339(row.recorded) == "2018-03-06T00:00:00.000002Z"
    assert (row.revision, row.school_code, row.monitor) == (2, "1001", "M-1")
    assert (row.kind, row.status, row.standing) == ("routine", "open", "standing")


@pytest.mark.parametrize(
    "change",
    [
        {"revision": 0},
        {"revision": "2"},
        {"visited_at": "2018-03-05T23:30:00"},
        {"visited_at": "0001-01-01T00:00:00+14:00"},
        {"visited_at": 7},
        {"school_code": None},
        {"form": {}},
        {"form": {"status": "open", "rooms": {"usable": "SECRET"}}},
        {"form": {"status": "open", "students": {"boys": {"enrolled": 1.5}}}},
    ],
)
def test_an_event_that_makes_no_sense_is_named_without_its_content(change: dict) -> None:
    good, bad = record(VISIT, 1), record({**VISIT, **change}, 2)
    with pytest.raises(InvalidEvent) as refused:
        read_revisions([good, bad], KARACHI)
    assert refused.value.record is bad
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"\xff"])
def test_bytes_that_are_no_event(body: bytes) -> None:
    with pytest.raises(InvalidEvent):
        read_revisions([record(body)], KARACHI)
    with pytest.raises(InvalidEvent):
        read_changes([record(body)])


def test_versions_of_units_and_schools() -> None:
    unit, school = read_changes([record(UNIT), record(SCHOOL)])
    assert unit.version == UnitVersion("C1", 17_532, "D1", "cluster", 3)
    assert (unit.name, json.loads(unit.data)) == ("Cluster", UNIT["unit"])
    assert school.version == SchoolVersion("1001", 17_533, "C1", None, "open", 4)
    assert json.loads(school.data) == SCHOOL["school"]
    assert rfc3339(school.recorded) == SCHOOL["recorded_at"]


def test_a_register_event_of_nothing() -> None:
    with pytest.raises(InvalidEvent, match="neither"):
        read_changes([record({"version": 1, "recorded_at": "2018-01-01T00:00:00Z"})])
