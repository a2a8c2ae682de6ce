"""What a form measures, with numbers worked out by hand (02 §4, §5)."""

import pytest

from services.indicators.form import measure, read_form
from services.indicators.measures import (
    ALL_GROUPS,
    ANSWERED,
    BIT,
    CLUBS,
    FLOW,
    GROUP_COLUMNS,
    KNOWN,
    PROCURE,
    ROOMS,
    STATUS,
    STOCK,
    TOILET,
)

EXAMPLE = {
    "visit_type": "routine",
    "monitor_id": "M-0417",
    "status": "open",
    "students": {
        "boys": {"enrolled": 64, "present": 47},
        "girls": {"enrolled": 51, "present": 39},
        "grades": [{"grade": "3", "boys": {"enrolled": 20, "present": 15}}],
    },
    "teachers": {
        "male": {"posted": 3, "present": 2, "on_leave": 1, "on_duty": 0, "absent": 0},
        "female": {"posted": 2, "present": 1, "on_leave": 0, "on_duty": 0, "absent": 1},
        "sanctioned": 6,
    },
    "non_teaching": {
        "male": {"posted": 2, "present": 2},
        "female": {"posted": 0, "present": 0},
    },
    "rooms": {"available": 6, "usable": 5, "classrooms_used": 5, "open_air_classes": 0},
    "toilets": {
        "boys": {"available": 1, "usable": 0},
        "girls": {"available": 1, "usable": 1},
        "shared": {"available": 0, "usable": 0},
        "staff": {"available": 1, "usable": 1},
        "handwash": True,
    },
    "oversight": {"official_visit_last_30_days": True, "visitor_post": "cluster_head"},
    "participation": {"child_club_formed": True, "feeder_attended_procurement": "attended"},
    "environment": {
        "lesson_plan": "yes",
        "teacher_engaged": "yes",
        "teaching_aids": "no",
        "blackboard": "yes",
        "textbooks": "yes",
        "work_checked": "no",
        "seating": "yes",
        "clean": "yes",
        "timetable": "no",
        "no_corporal_punishment": "not_applicable",
    },
}


def flows(form: dict) -> dict[str, int]:
    row = measure(read_form(form)).flow
    return {name: value for name, value in zip(FLOW, row, strict=True) if value}


def stocks(form: dict) -> dict[str, int]:
    row = measure(read_form(form)).stock
    return {name: value for name, value in zip(STOCK, row, strict=True) if value}


def groups(form: dict) -> int:
    return measure(read_form(form)).groups


def test_the_example_of_the_wire_form() -> None:
    assert flows(EXAMPLE) == {
        "visits": 1,
        "visits_routine": 1,
        "students_boys_present": 47,
        "students_boys_enrolled": 64,
        "students_boys_answered": 1,
        "students_girls_present": 39,
        "students_girls_enrolled": 51,
        "students_girls_answered": 1,
        "students_answered": 1,
        "teachers_male_present": 2,
        "teachers_male_posted": 3,
        "teachers_male_answered": 1,
        "teachers_female_present": 1,
        "teachers_female_posted": 2,
        "teachers_female_answered": 1,
        "teachers_answered": 1,
        "teachers_on_leave": 1,
        "teachers_absent": 1,
        "non_teaching_male_present": 2,
        "non_teaching_male_posted": 2,
        "non_teaching_male_answered": 1,
        "non_teaching_female_answered": 1,
        "non_teaching_answered": 1,
        "official_yes": 1,
        "official_answered": 1,
        "official_cluster_head_yes": 1,
        "official_cluster_head_answered": 1,
        "environment_yes": 6,
        "environment_items": 9,
        "environment_answered": 1,
    }
    assert stocks(EXAMPLE) == {
        "known": 1,
        "status_open": 1,
        "status_answered": 1,
        "rooms_usable": 5,
        "rooms_available": 6,
        "rooms_answered": 1,
        "toilets_boys_available": 1,
        "toilets_boys_answered": 1,
        "toilets_girls_usable": 1,
        "toilets_girls_available": 1,
        "toilets_girls_answered": 1,
        "toilets_shared_answered": 1,
        "toilets_staff_usable": 1,
        "toilets_staff_available": 1,
        "toilets_staff_answered": 1,
        "toilets_answered": 1,
        "no_toilet_answered": 1,
        "club_yes": 1,
        "club_answered": 1,
        "procurement_attended": 1,
        "procurement_answered": 1,
    }
    assert groups(EXAMPLE) == ALL_GROUPS


def test_the_mask_says_what_is_answered() -> None:
    for form in (EXAMPLE, {"status": "open"}, {"status": "refused", "visit_type": "spot"}):
        measured = measure(read_form(form))
        answered = dict(zip(FLOW, measured.flow, strict=True))
        for name in ANSWERED:
            assert bool(measured.mask & BIT[name]) == bool(answered[name]), name


def test_a_bare_visit_is_a_routine_visit_and_says_nothing_else() -> None:
    assert flows({"status": "inaccessible"}) == {"visits": 1, "visits_routine": 1}
    assert stocks({"status": "inaccessible"}) == {"known": 1}
    assert groups({"status": "inaccessible"}) == KNOWN


@pytest.mark.parametrize("missing", ["enrolled", "present"])
def test_a_missing_half_leaves_the_pair_out_and_the_total_is_of_the_given(missing: str) -> None:
    boys = {"enrolled": 10, "present": 5}
    del boys[missing]
    form = {
        "status": "open",
        "students": {"boys": boys, "unspecified": {"enrolled": 7, "present": 3}},
    }
    assert flows(form) == {
        "visits": 1,
        "visits_routine": 1,
        "students_unspecified_present": 3,
        "students_unspecified_enrolled": 7,
        "students_unspecified_answered": 1,
        "students_answered": 1,
    }


def test_a_pair_of_zeros_is_an_answer() -> None:
    form = {"status": "open", "students": {"girls": {"enrolled": 0, "present": 0}}}
    assert flows(form)["students_girls_answered"] == flows(form)["students_answered"] == 1


@pytest.mark.parametrize(
    ("status", "reason", "open_", "answered"),
    [
        ("open", None, 1, 1),
        ("closed_temporarily", None, 0, 1),
        ("closed_temporarily", "staff_absent", 0, 1),
        ("closed_temporarily", "holiday", 0, 0),
        ("closed_permanently", None, 0, 1),
        ("not_found", None, 0, 1),
        ("merged", None, 0, 1),
        ("refused", None, 0, 0),
        ("inaccessible", None, 0, 0),
    ],
)
def test_what_a_status_answers(status: str, reason: str | None, open_: int, answered: int) -> None:
    form = {"status": status, "closure_reason": reason}
    found = stocks(form)
    assert (found.get("status_open", 0), found.get("status_answered", 0)) == (open_, answered)
    assert bool(groups(form) & STATUS) == bool(answered)


def test_a_closed_school_gives_no_attendance_but_its_officials_rooms_and_absent_staff() -> None:
    form = {
        "status": "closed_temporarily",
        "closure_reason": "staff_absent",
        "teachers": {"male": {"posted": 3}, "unspecified": {"posted": 2}},
        "rooms": {"available": 2, "usable": 2},
        "oversight": {"official_visit_last_30_days": False},
    }
    assert flows(form) == {
        "visits": 1,
        "visits_routine": 1,
        "closed_staff_posted": 5,
        "official_answered": 1,
    }
    assert stocks(form)["rooms_answered"] == 1
    no_reason = {**form, "closure_reason": "security"}
    assert "closed_staff_posted" not in flows(no_reason)


def test_the_environment_is_answered_by_one_yes_or_no() -> None:
    def environment(**items: str | None) -> dict[str, int]:
        found = flows({"status": "open", "environment": items})
        return {name[12:]: value for name, value in found.items() if name.startswith("env")}

    assert environment(clean="not_applicable", seating=None) == {}
    assert environment(clean="no") == {"items": 1, "answered": 1}
    four_of_five = dict.fromkeys("abcd", "yes") | {"e": "no"}
    assert environment(**four_of_five) == {"yes": 4, "items": 5, "answered": 1, "visits_80": 1}
    three_of_four = dict.fromkeys("abc", "yes") | {"e": "no"}
    assert environment(**three_of_four) == {"yes": 3, "items": 4, "answered": 1}


def test_any_field_answers_its_group_and_only_pairs_answer_indicators() -> None:
    assert groups({"status": "refused", "rooms": {"classrooms_used": 3}}) == KNOWN | ROOMS
    assert stocks({"status": "refused", "rooms": {"usable": 3}}) == {"known": 1}
    assert groups({"status": "refused", "toilets": {"soap": False}}) == KNOWN | TOILET
    assert groups({"status": "refused", "toilets": {"staff": {"usable": 1}}}) == KNOWN | TOILET
    assert groups({"status": "refused", "toilets": {"boys": {}}, "rooms": {}}) == KNOWN
    club = {"status": "refused", "participation": {"child_club_formed": False}}
    assert (groups(club), stocks(club)) == (KNOWN | CLUBS, {"known": 1, "club_answered": 1})


def test_no_toilet_is_answered_by_one_available_the_staffs_included() -> None:
    def toilets(**kinds: dict) -> dict[str, int]:
        return {
            name: value
            for name, value in stocks({"status": "open", "toilets": kinds}).items()
            if "toilet" in name
        }

    assert toilets(staff={"available": 0}) == {"no_toilet": 1, "no_toilet_answered": 1}
    assert toilets(boys={"available": 0}, staff={"available": 2}) == {"no_toilet_answered": 1}
    assert toilets(boys={"usable": 0}) == {}


@pytest.mark.parametrize(
    ("word", "columns"),
    [
        ("attended", {"procurement_attended": 1, "procurement_answered": 1}),
        ("invited_absent", {"procurement_invited_absent": 1, "procurement_answered": 1}),
        ("not_invited", {"procurement_not_invited": 1, "procurement_answered": 1}),
        ("no_meeting_held", {"procurement_answered": 1}),
        ("dont_know", {"procurement_answered": 1}),
    ],
)
def test_procurement_words(word: str, columns: dict[str, int]) -> None:
    form = {"status": "refused", "participation": {"feeder_attended_procurement": word}}
    assert stocks(form) == {"known": 1} | columns
    assert groups(form) == KNOWN | PROCURE


def test_a_cluster_heads_meeting_answers_the_group_without_a_pair() -> None:
    form = {"status": "refused", "participation": {"procurement_meeting_held": True}}
    assert (groups(form), stocks(form)) == (KNOWN | PROCURE, {"known": 1})


def test_every_stock_column_but_registered_belongs_to_one_group() -> None:
    columns = [column for members in GROUP_COLUMNS.values() for column in members]
    assert sorted(columns) == list(range(1, len(STOCK)))
    assert STOCK[0] == "registered"
