"""The rules of the visit, one by one: what is refused, what is flagged, what is neither."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from services.ingest.calendar_form import balochistan, calendar_of
from services.ingest.flags import Limits, SchoolFacts, flag, metres
from services.ingest.rules import reject
from services.ingest.schemas import VisitIn
from tests.benchmarks.intake import FORM

ZONE = ZoneInfo("Asia/Karachi")
RECEIVED = datetime(2019, 6, 3, 7, 0, tzinfo=UTC)
Form = dict[str, Any]
BARE: Form = {
    "visit_id": "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f",
    "school_code": "01001",
    "visited_at": "2018-03-05T09:40:00+05:00",
    "status": "open",
}


def visit(**more: Any) -> VisitIn:
    form = {name: value for name, value in (BARE | more).items() if value is not None}
    return msgspec.convert(form, VisitIn)


def refused(**more: Any) -> list[tuple[str, str]]:
    errors = reject(visit(**more), RECEIVED, ZONE)
    return [(error.code, error.pointer) for error in errors]


def flagged(facts: SchoolFacts | None = None, **more: Any) -> list[tuple[str, str]]:
    made = visit(**more)
    local = made.visited_at.astimezone(ZONE)
    return [
        (found.code, found.pointer)
        for found in flag(made, local, facts, calendar_of(balochistan()), Limits())
    ]


def staff(**more: int) -> Form:
    return {"posted": 5, "present": 2, "on_leave": 1, "on_duty": 1, "absent": 1} | more


REFUSED: dict[str, tuple[Form, list[tuple[str, str]]]] = {
    "more pupils present than enrolled": (
        {"students": {"boys": {"enrolled": 5, "present": 6}}},
        [("present_exceeds_enrolled", "/students/boys/present")],
    ),
    "in any sex": (
        {"students": {"unspecified": {"enrolled": 0, "present": 1}}},
        [("present_exceeds_enrolled", "/students/unspecified/present")],
    ),
    "in a grade": (
        {"students": {"grades": [{"grade": "1", "girls": {"enrolled": 1, "present": 2}}]}},
        [("present_exceeds_enrolled", "/students/grades/0/girls/present")],
    ),
    "grades of more than the total": (
        {
            "students": {
                "boys": {"enrolled": 30, "present": 10},
                "grades": [
                    {"grade": "1", "boys": {"enrolled": 20, "present": 6}},
                    {"grade": "2", "boys": {"enrolled": 11, "present": 5}},
                ],
            }
        },
        [
            ("grades_exceed_total", "/students/boys/enrolled"),
            ("grades_exceed_total", "/students/boys/present"),
        ],
    ),
    "more teachers present than posted": (
        {"teachers": {"male": {"posted": 1, "present": 2}}},
        [("present_exceeds_posted", "/teachers/male/present")],
    ),
    "staff that do not add up": (
        {"teachers": {"female": staff(absent=2)}},
        [("staff_do_not_add_up", "/teachers/female/posted")],
    ),
    "other staff that do not add up": (
        {"non_teaching": {"unspecified": staff(on_leave=0)}},
        [("staff_do_not_add_up", "/non_teaching/unspecified/posted")],
    ),
    "more rooms usable than available": (
        {"rooms": {"available": 2, "usable": 3}},
        [("usable_exceeds_available", "/rooms/usable")],
    ),
    "more toilets of a kind usable than available": (
        {"toilets": {"staff": {"available": 0, "usable": 1}}},
        [("usable_exceeds_available", "/toilets/staff/usable")],
    ),
    "pupils in a closed school": (
        {"status": "closed_temporarily", "students": {"boys": {"present": 0}}},
        [("not_open", "/students")],
    ),
    "enrolment in a closed school": (
        {"status": "closed_permanently", "students": {"grades": [{"grade": "1"}]}},
        [("not_open", "/students")],
    ),
    "teachers present in a school not found": (
        {"status": "not_found", "teachers": {"male": {"posted": 3, "present": 0}}},
        [("not_open", "/teachers/male/present")],
    ),
    "lessons behind a closed door": (
        {"status": "refused", "environment": {"blackboard": "no"}},
        [("not_open", "/environment")],
    ),
    "functional without being available": (
        {"facilities": {"water": {"available": False, "functional": True}}},
        [("functional_without_available", "/facilities/water/functional")],
    ),
    "functional and nothing said of available": (
        {"facilities": {"boundary_wall": {"functional": True}}},
        [("functional_without_available", "/facilities/boundary_wall/functional")],
    ),
    "officials who come after the visit": (
        {"oversight": {"last_official_visit": "2018-03-06"}},
        [("official_visit_after_visit", "/oversight/last_official_visit")],
    ),
    "a visit 24 hours and a second ahead": (
        {"visited_at": "2019-06-04T07:00:01Z"},
        [("visit_date_in_future", "/visited_at")],
    ),
    "an end before the beginning": (
        {"ended_at": "2018-03-05T09:39:59+05:00"},
        [("ended_before_visited", "/ended_at")],
    ),
}

TAKEN: dict[str, Form] = {
    "nobody there": {"students": {"boys": {"enrolled": 5, "present": 0}}},
    "a half of a pair": {"students": {"boys": {"present": 6}, "girls": {"enrolled": 1}}},
    "grades of less than the total": {
        "students": {
            "boys": {"enrolled": 30},
            "grades": [{"grade": "1", "boys": {"enrolled": 30}}, {"grade": "2"}],
        }
    },
    "grades without a total": {
        "students": {"grades": [{"grade": "1", "boys": {"enrolled": 7, "present": 7}}]}
    },
    "four of five numbers": {"teachers": {"male": {"posted": 5, "present": 1, "absent": 1}}},
    "all five": {"teachers": {"male": staff()}},
    "rooms of a closed school": {
        "status": "closed_temporarily",
        "rooms": {"available": 2, "usable": 1},
        "toilets": {"boys": {"available": 1, "usable": 0}},
    },
    "posts of a closed school": {
        "status": "closed_temporarily",
        "teachers": {"male": {"posted": 3}, "sanctioned": 4},
        "students": {"boys": {}},
        "environment": {},
    },
    "available, not functional": {
        "facilities": {"water": {"available": True, "functional": False}}
    },
    "officials on the visit's own day": {"oversight": {"last_official_visit": "2018-03-05"}},
    "24 hours ahead": {"visited_at": "2019-06-04T07:00:00Z"},
    "an end at the beginning": {"ended_at": "2018-03-05T09:40:00+05:00"},
    "years ago": {"visited_at": "2011-03-05T09:40:00+05:00"},
}


@pytest.mark.parametrize(("more", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(more: Form, told: list[tuple[str, str]]) -> None:
    assert refused(**more) == told


@pytest.mark.parametrize("more", TAKEN.values(), ids=TAKEN.keys())
def test_taken(more: Form) -> None:
    assert refused(**more) == []


def test_the_officials_day_is_a_local_day() -> None:
    late = {
        "visited_at": "2018-03-05T20:00:00Z",
        "oversight": {"last_official_visit": "2018-03-06"},
    }
    assert refused(**late) == []  # in Quetta it is the 6th already


def test_the_example_is_neither_refused_nor_flagged() -> None:
    form = copy.deepcopy(FORM) | {"visit_id": BARE["visit_id"]}
    assert refused(**form) == []
    assert flagged(SchoolFacts(gender="mixed", lat=30.381, lon=67.726), **form) == []


FLAGGED: dict[str, tuple[Form, list[tuple[str, str]]]] = {
    "everybody in every large cell": (
        {"students": {"boys": {"enrolled": 30, "present": 30}}},
        [("full_attendance", "/students")],
    ),
    "more posted than sanctioned": (
        {"teachers": {"male": {"posted": 4}, "female": {"posted": 3}, "sanctioned": 6}},
        [("posted_exceeds_sanctioned", "/teachers/sanctioned")],
    ),
    "nowhere to teach": (
        {"rooms": {"available": 2, "usable": 0, "open_air_classes": 0}},
        [("no_usable_room", "/rooms/usable")],
    ),
    "officials within 30 days, dated before": (
        {
            "oversight": {
                "official_visit_last_30_days": True,
                "last_official_visit": "2018-02-02",
            }
        },
        [("official_visit_contradicted", "/oversight/official_visit_last_30_days")],
    ),
    "no officials within 30 days, dated within": (
        {
            "oversight": {
                "official_visit_last_30_days": False,
                "last_official_visit": "2018-03-01",
            }
        },
        [("official_visit_contradicted", "/oversight/official_visit_last_30_days")],
    ),
    "under ten minutes": (
        {"ended_at": "2018-03-05T09:49:59+05:00"},
        [("short_visit", "/ended_at")],
    ),
    "before school": (
        {"visited_at": "2018-03-05T07:29:59+05:00"},
        [("outside_school_hours", "/visited_at")],
    ),
    "after school": (
        {"visited_at": "2018-03-05T14:30:01+05:00"},
        [("outside_school_hours", "/visited_at")],
    ),
    "a Sunday": ({"visited_at": "2018-03-04T09:40:00+05:00"}, [("holiday", "/visited_at")]),
    "Eid": ({"visited_at": "2018-06-15T09:40:00+05:00"}, [("holiday", "/visited_at")]),
    "Pakistan Day of any year": (
        {"visited_at": "2017-03-23T09:40:00+05:00"},
        [("holiday", "/visited_at")],
    ),
    "a false location": (
        {"location": {"lat": 30.0, "lon": 67.0, "mock": True}},
        [("mock_location", "/location/mock")],
    ),
    "closed for good": (
        {"status": "closed_permanently"},
        [("permanent_closure_reported", "/status")],
    ),
}

UNFLAGGED: dict[str, Form] = {
    "a small full cell": {"students": {"boys": {"enrolled": 29, "present": 29}}},
    "one absent in one large cell": {
        "students": {
            "boys": {"enrolled": 30, "present": 30},
            "girls": {"enrolled": 40, "present": 39},
        }
    },
    "one absent in a large grade": {
        "students": {
            "boys": {"enrolled": 60, "present": 60},
            "grades": [{"grade": "1", "girls": {"enrolled": 30, "present": 29}}],
        }
    },
    "open air not measured": {"rooms": {"available": 2, "usable": 0}},
    "classes in the open air": {"rooms": {"usable": 0, "open_air_classes": 1}},
    "no usable room in a closed school": {
        "status": "closed_temporarily",
        "rooms": {"usable": 0, "open_air_classes": 0},
    },
    "as many posted as sanctioned": {"teachers": {"male": {"posted": 6}, "sanctioned": 6}},
    "ten minutes": {"ended_at": "2018-03-05T09:50:00+05:00"},
    "at the opening": {"visited_at": "2018-03-05T07:30:00+05:00"},
    "officials exactly 30 days before": {
        "oversight": {
            "official_visit_last_30_days": True,
            "last_official_visit": "2018-02-03",
        }
    },
}


@pytest.mark.parametrize(("more", "told"), FLAGGED.values(), ids=FLAGGED.keys())
def test_flagged(more: Form, told: list[tuple[str, str]]) -> None:
    assert flagged(**more) == told
    assert refused(**more) == []


@pytest.mark.parametrize("more", UNFLAGGED.values(), ids=UNFLAGGED.keys())
def test_unflagged(more: Form) -> None:
    assert flagged(**more) == []


HERE = SchoolFacts(lat=30.0, lon=67.0)


@pytest.mark.parametrize(
    ("lat", "accuracy", "far"),
    [
        (30.0044, 10, False),  # 489 m
        (30.0046, 10, True),  # 511 m
        (30.0046, 101, False),  # a poor fix may be 1,500 m off
        (30.0134, 101, False),
        (30.0136, 101, True),
        (30.0046, None, True),
    ],
)
def test_a_visit_made_elsewhere_is_flagged(lat: float, accuracy: int | None, far: bool) -> None:
    place = {"lat": lat, "lon": 67.0} | ({} if accuracy is None else {"accuracy_m": accuracy})
    found = flagged(HERE, location=place)
    assert found == ([("far_from_school", "/location")] if far else [])


def test_a_school_without_a_point_is_never_far() -> None:
    assert flagged(SchoolFacts(), location={"lat": 0.0, "lon": 0.0}) == []
    assert flagged(HERE, location={"lat": 0.0}) == []


def test_metres_of_one_degree() -> None:
    assert metres(30, 67, 31, 67) == pytest.approx(111_195, rel=1e-3)


@pytest.mark.parametrize(
    ("zone", "day", "off"),
    [
        ("winter", "2018-12-17", True),
        ("winter", "2018-02-28", True),
        ("winter", "2018-03-05", False),
        ("winter", "2018-07-02", False),
        ("summer", "2018-07-02", True),
        ("Summer", "2018-07-02", True),
        ("summer", "2018-02-28", False),
        ("unheard of", "2018-07-02", False),
        (None, "2018-07-02", False),
    ],
)
def test_the_vacation_of_the_zone(zone: str | None, day: str, off: bool) -> None:
    found = flagged(SchoolFacts(zone=zone), visited_at=f"{day}T09:40:00+05:00")
    assert found == ([("vacation", "/visited_at")] if off else [])


def test_what_the_register_says_is_flagged() -> None:
    girls = {"students": {"girls": {"enrolled": 3, "present": 0}}}
    told = [("girls_in_boys_school", "/students/girls")]
    assert flagged(SchoolFacts(gender="boys"), **girls) == told
    assert flagged(SchoolFacts(gender="mixed"), **girls) == []
    assert flagged(SchoolFacts(gender="boys"), students={"girls": {"enrolled": 0}}) == []
    assert flagged(SchoolFacts(early=True)) == [("before_register", "/school_code")]
    posted = {"teachers": {"male": {"posted": 4}}}
    assert flagged(SchoolFacts(sanctioned=3), **posted) == [
        ("posted_exceeds_sanctioned", "/teachers/sanctioned")
    ]


def test_a_weekday_of_a_leap_year_lies_in_the_winter_vacation() -> None:
    assert calendar_of(balochistan()).is_vacation(date(2020, 2, 29), "winter")
