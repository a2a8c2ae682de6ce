"""02 §4's table and §5's atom, one hand-computed case per sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.small import answer, figure, on, school, units, visit

A, B = school("1", gender="boys"), school("2", gender="girls")
NOTHING = (0, 0, 0, 0, "not_measured")


def cell(below: str, whole: int | None, above: str, part: int | None) -> dict[str, Any]:
    return {below: whole, above: part}


def pupils(enrolled: int | None, present: int | None) -> dict[str, Any]:
    return cell("enrolled", enrolled, "present", present)


def test_students_are_a_ratio_of_sums() -> None:
    history = [
        A,
        B,
        visit("a", "1", "2018-03-05", students={"boys": pupils(60, 40), "girls": pupils(10, 10)}),
        visit("b", "2", "2018-03-06", students={"girls": pupils(30, 10)}),
    ]
    assert figure(history, "student_attendance") == (60, 100, 2, 2, "value")
    assert figure(history, "student_attendance", "boys") == (40, 60, 1, 1, "value")
    assert figure(history, "student_attendance", "girls") == (20, 40, 2, 2, "value")
    assert figure(history, "student_attendance", "unspecified") == NOTHING


def test_grades_are_inside_the_totals() -> None:
    grades = [{"grade": "1", "boys": pupils(20, 9)}]
    history = [
        A,
        visit("a", "1", "2018-03-05", students={"boys": pupils(60, 40), "grades": grades}),
    ]
    assert figure(history, "student_attendance") == (40, 60, 1, 1, "value")


def test_a_missing_half_leaves_out_its_pair_and_no_other() -> None:
    group = {"boys": pupils(60, None), "girls": pupils(None, 5), "unspecified": pupils(8, 4)}
    history = [A, visit("a", "1", "2018-03-05", students=group)]
    assert figure(history, "student_attendance") == (4, 8, 1, 1, "value")
    assert figure(history, "student_attendance", "boys") == NOTHING
    assert figure(history, "student_attendance", "girls") == NOTHING


def test_only_incomplete_pairs_answer_nothing() -> None:
    history = [A, visit("a", "1", "2018-03-05", students={"boys": pupils(60, None)})]
    assert figure(history, "student_attendance") == NOTHING
    assert figure(history, "visits_made") == (1, None, 1, 1, "value")


def test_a_given_zero_is_an_answer_without_denominator() -> None:
    history = [A, visit("a", "1", "2018-03-05", students={"boys": pupils(0, 0)})]
    assert figure(history, "student_attendance") == (0, 0, 1, 1, "not_applicable")
    assert figure(history, "student_attendance", "girls") == NOTHING


def test_zero_present_is_the_value_zero() -> None:
    history = [A, visit("a", "1", "2018-03-05", students={"boys": pupils(9, 0)})]
    assert figure(history, "student_attendance") == (0, 9, 1, 1, "value")


def test_staff_of_both_kinds() -> None:
    teachers = {"male": cell("posted", 3, "present", 2), "female": cell("posted", 2, "present", 1)}
    others = {"unspecified": cell("posted", 4, "present", 4)}
    history = [A, visit("a", "1", "2018-03-05", teachers=teachers, non_teaching=others)]
    assert figure(history, "teacher_attendance") == (3, 5, 1, 1, "value")
    assert figure(history, "teacher_attendance", "male") == (2, 3, 1, 1, "value")
    assert figure(history, "teacher_attendance", "female") == (1, 2, 1, 1, "value")
    assert figure(history, "non_teaching_attendance") == (4, 4, 1, 1, "value")
    assert figure(history, "non_teaching_attendance", "unspecified") == (4, 4, 1, 1, "value")
    assert figure(history, "non_teaching_attendance", "male") == NOTHING


@pytest.mark.parametrize("status", ["closed_temporarily", "not_found", "refused", "inaccessible"])
def test_only_open_visits_speak_of_attendance_and_environment(status: str) -> None:
    groups = {
        "non_teaching": {"male": {"posted": 2, "present": 2}},
        "environment": {"clean": "yes"},
    }
    history = [A, visit("a", "1", "2018-03-05", status=status, **groups)]
    assert figure(history, "non_teaching_attendance") == NOTHING
    assert figure(history, "learning_environment") == NOTHING
    assert figure(history, "visits_made") == (1, None, 1, 1, "value")


def test_official_visits_of_any_status_by_post() -> None:
    yes = {"official_visit_last_30_days": True, "visitor_post": "deo"}
    no = {"official_visit_last_30_days": False}
    history = [
        A,
        visit("a", "1", "2018-03-05", oversight=yes),
        visit("b", "1", "2018-03-06", oversight=no, status="not_found"),
        visit("c", "1", "2018-03-07", oversight={"visitor_post": "adeo"}),
    ]
    assert figure(history, "official_visits") == (1, 2, 2, 1, "value")
    assert figure(history, "official_visits", "visitor_post:deo") == (1, 1, 1, 1, "value")
    assert figure(history, "official_visits", "visitor_post:adeo")[4] == "absent"


def test_environment_counts_items_by_the_gender_of_the_day() -> None:
    history = [
        A,
        school("1", gender="mixed", valid_from="2018-03-06"),
        visit("a", "1", "2018-03-05", environment={"clean": "yes", "seating": "no"}),
        visit("b", "1", "2018-03-06", environment={"clean": "yes", "seating": "not_applicable"}),
        visit("c", "1", "2018-03-07", environment={"clean": "not_applicable"}),
    ]
    assert figure(history, "learning_environment") == (2, 3, 2, 1, "value")
    assert figure(history, "learning_environment", "school_gender:boys") == (1, 2, 1, 1, "value")
    assert figure(history, "learning_environment", "school_gender:mixed") == (1, 1, 1, 1, "value")
    # restated moves schools, not their gender
    both = {"view": "restated"}
    wanted = (1, 2, 1, 1, "value")
    assert figure(history, "learning_environment", "school_gender:boys", **both) == wanted


def test_rooms_by_the_gender_on_the_last_day() -> None:
    history = [
        A,
        B,
        school("1", gender="mixed", valid_from="2018-03-20"),
        visit("a", "1", "2018-03-05", rooms={"available": 6, "usable": 5}),
        visit("b", "2", "2018-03-05", rooms={"available": 4, "usable": 0}),
    ]
    assert figure(history, "usable_rooms") == (5, 10, 2, 2, "value")
    assert figure(history, "usable_rooms", "school_gender:mixed") == (5, 6, 1, 1, "value")
    assert figure(history, "usable_rooms", "school_gender:girls") == (0, 4, 1, 1, "value")
    assert figure(history, "usable_rooms", "school_gender:boys")[4] == "absent"
    before = on("2018-03-19")
    assert figure(history, "usable_rooms", "school_gender:boys", **before) == (5, 6, 1, 1, "value")


def test_toilets_of_all_kinds() -> None:
    kinds = {
        "boys": {"available": 2, "usable": 1},
        "girls": {"available": 3},
        "staff": {"available": 1, "usable": 1},
    }
    history = [A, visit("a", "1", "2018-03-05", toilets=kinds)]
    assert figure(history, "usable_toilets") == (2, 3, 1, 1, "value")
    assert figure(history, "usable_toilets", "boys") == (1, 2, 1, 1, "value")
    assert figure(history, "usable_toilets", "girls") == NOTHING
    assert figure(history, "usable_toilets", "shared") == NOTHING
    assert figure(history, "usable_toilets", "staff") == (1, 1, 1, 1, "value")
    assert figure(history, "schools_without_toilet") == (0, 1, 1, 1, "value")


def test_available_of_one_kind_answers_schools_without_toilet() -> None:
    history = [
        A,
        B,
        school("3"),
        visit("a", "1", "2018-03-05", toilets={"staff": {"available": 0}}),
        visit("b", "2", "2018-03-05", toilets={"handwash": False}),
        visit("c", "3", "2018-03-05", toilets={"boys": {"usable": 1}}),
    ]
    assert figure(history, "schools_without_toilet") == (1, 1, 1, 1, "value")
    assert figure(history, "usable_toilets") == NOTHING


def test_clubs_are_schools() -> None:
    history = [
        A,
        B,
        visit("a", "1", "2018-03-05", participation={"child_club_formed": True}),
        visit("b", "2", "2018-03-05", participation={"child_club_formed": False}),
    ]
    assert figure(history, "child_clubs") == (1, 2, 2, 2, "value")


def test_procurement_words() -> None:
    words = ("attended", "invited_absent", "not_invited", "no_meeting_held", "dont_know")
    history = [school(str(n)) for n in range(6)]
    for n, word in enumerate(words):
        said = {"feeder_attended_procurement": word}
        history.append(visit(f"v{n}", str(n), "2018-03-05", participation=said))
    head = {"procurement_meeting_held": True}
    history.append(visit("head", "5", "2018-03-05", participation=head))
    assert figure(history, "procurement_participation") == (1, 3, 5, 5, "value")


def test_procurement_without_any_invitation_is_not_applicable() -> None:
    said = {"feeder_attended_procurement": "no_meeting_held"}
    history = [A, visit("a", "1", "2018-03-05", participation=said)]
    assert figure(history, "procurement_participation") == (0, 0, 1, 1, "not_applicable")


def test_visits_made_by_type_and_a_missing_type_is_routine() -> None:
    history = [
        A,
        visit("a", "1", "2018-03-05"),
        visit("b", "1", "2018-03-06", visit_type="routine"),
        visit("c", "1", "2018-03-07", visit_type="spot", status="refused"),
    ]
    assert figure(history, "visits_made") == (3, None, 3, 1, "value")
    assert figure(history, "visits_made", "visit_type:routine") == (2, None, 2, 1, "value")
    assert figure(history, "visits_made", "visit_type:spot") == (1, None, 1, 1, "value")
    assert answer(history)["visits"] == 3


@pytest.mark.parametrize(
    ("status", "reason", "pair"),
    [
        ("open", None, (1, 1)),
        ("closed_temporarily", "security", (0, 1)),
        ("closed_temporarily", None, (0, 1)),
        ("closed_permanently", None, (0, 1)),
        ("not_found", None, (0, 1)),
        ("merged", None, (0, 1)),
    ],
)
def test_status_words_that_answer(status: str, reason: str | None, pair: tuple[int, int]) -> None:
    history = [A, visit("a", "1", "2018-03-05", status=status, closure_reason=reason)]
    assert figure(history, "schools_open") == (*pair, 1, 1, "value")


@pytest.mark.parametrize(
    ("status", "reason"),
    [("closed_temporarily", "holiday"), ("refused", None), ("inaccessible", None)],
)
def test_status_words_that_leave_the_earlier_answer(status: str, reason: str | None) -> None:
    history = [A, visit("a", "1", "2018-03-05", status=status, closure_reason=reason)]
    assert figure(history, "schools_open") == NOTHING
    history.append(visit("b", "1", "2018-03-04"))
    assert figure(history, "schools_open") == (1, 1, 1, 1, "value")


def test_a_visit_of_closure_closes_no_school() -> None:
    history = [A, visit("a", "1", "2018-03-05", status="closed_permanently")]
    assert answer(history)["coverage"] == (1, 1)


def test_a_unit_with_schools_and_no_visit() -> None:
    history = [A, B]
    assert figure(history, "coverage") == (0, 2, 0, 0, "value")
    assert figure(history, "schools_known") == (0, 2, 0, 0, "value")
    assert figure(history, "visits_made") == (0, None, 0, 0, "value")
    assert figure(history, "schools_open") == NOTHING


def test_a_unit_without_schools() -> None:
    assert figure([A], "coverage", unit="D2") == NOTHING
    assert figure([A], "schools_known", unit="D2") == NOTHING
    assert answer([A], "D2")["coverage"] == (0, 0)


def test_coverage_is_of_the_active_schools_on_the_last_day() -> None:
    history = [
        A,
        B,
        school("3", status="closed"),
        school("4", "C3"),
        visit("a", "1", "2018-03-05"),
        visit("a2", "1", "2018-03-06"),
        visit("b", "2", "2018-02-28"),
        visit("c", "3", "2018-03-05"),
    ]
    assert figure(history, "coverage", unit="D1") == (1, 2, 2, 1, "value")
    assert figure(history, "visits_made", unit="D1") == (3, None, 3, 2, "value")
    assert figure(history, "schools_known", unit="D1") == (2, 2, 2, 2, "value")
    assert figure(history, "coverage") == (1, 3, 2, 1, "value")


def test_coverage_follows_the_school_to_its_unit_on_the_last_day() -> None:
    moved = school("1", "C3", valid_from="2018-03-20")
    history = [A, moved, visit("a", "1", "2018-03-05")]
    assert figure(history, "visits_made", unit="D1")[0] == 1
    assert figure(history, "visits_made", unit="D2")[0] == 0
    assert figure(history, "coverage", unit="D1") == NOTHING
    assert figure(history, "coverage", unit="D2") == (1, 1, 1, 1, "value")


def test_a_school_is_a_unit() -> None:
    history = [school("01001"), B, visit("a", "1001", "2018-03-05"), visit("b", "2", "2018-03-05")]
    assert figure(history, "visits_made", unit="school:01001")[0] == 1
    assert figure(history, "coverage", unit="school:1001") == (1, 1, 1, 1, "value")
    assert figure(history, "schools_open", unit="school:2") == (1, 1, 1, 1, "value")


def test_an_unknown_parent_is_the_top() -> None:
    history = [units(("C9", "nowhere")), school("9", "C9"), visit("a", "9", "2018-03-05")]
    assert figure(history, "visits_made", unit="C9")[0] == 1
    assert figure(history, "visits_made", unit="P")[0] == 0
