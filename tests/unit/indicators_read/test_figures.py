"""Figures from hand-made sums, against numbers worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from services.indicators.definition_file import shipped
from services.indicators.documents import figure_rows, unit_figures
from services.indicators.figures import NEVER, Sums, compute, millionths
from services.indicators.measures import FLOW, SEEN, STOCK, UNKNOWN_GENDER, F, S
from services.indicators.resemblance import DOCUMENTED
from shared.domain.intervals import wilson

SHIPPED = shipped()


def some(
    flow: dict[str, int], stock: dict[str, int], schools: dict[str, int] | None = None
) -> Sums:
    rows = {
        "flow": np.zeros((1, len(FLOW)), np.int64),
        "stock": np.zeros((1, len(STOCK)), np.int64),
        "schools": np.zeros((1, len(SEEN)), np.int64),
    }
    for name, value in flow.items():
        rows["flow"][0, F[name]] = value
    for name, value in stock.items():
        rows["stock"][0, S[name]] = value
    for name, value in (schools or {}).items():
        rows["schools"][0, SEEN.index(name)] = value
    one = np.zeros(1, np.int64)
    return Sums(
        **rows,
        covered=one,
        covered_visits=one,
        genders=np.zeros((1, UNKNOWN_GENDER + 1), np.int64),
        newest=np.full(1, NEVER),
        repeats=one,
    )


def named(sums: Sums, confidence: float = 0.9) -> dict[tuple[str, str | None], dict]:
    (row,) = figure_rows(SHIPPED, compute(SHIPPED, sums, confidence, DOCUMENTED))
    return {(figure["indicator"], figure["split"]): figure for figure in row}


def test_a_total_is_the_sum_of_its_splits_and_the_value_is_rounded_half_up() -> None:
    found = named(
        some(
            {
                "students_boys_present": 47,
                "students_boys_enrolled": 64,
                "students_boys_answered": 1,
                "students_girls_present": 39,
                "students_girls_enrolled": 51,
                "students_girls_answered": 1,
                "students_answered": 1,
            },
            {},
            {"students_answered": 1, "students_boys_answered": 1, "students_girls_answered": 1},
        )
    )
    total = found["student_attendance", None]
    assert (total["numerator"], total["denominator"]) == (86, 115)
    assert total["value"] == 0.747826  # 0.74782608…
    assert found["student_attendance", "boys"]["value"] == 0.734375
    assert found["student_attendance", "unspecified"]["state"] == "not_measured"
    assert (total["visits"], total["schools"], total["reliable"]) == (1, 1, False)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(1, 2_000_000, 1), (1, 2_000_001, 0), (2, 3, 666_667), (1, 3, 333_333), (5, 5, 1_000_000)],
)
def test_values_are_rounded_half_up_in_integers(
    numerator: int, denominator: int, expected: int
) -> None:
    assert millionths(np.array([numerator]), np.array([denominator]))[0] == expected


def test_an_answer_without_a_denominator_is_not_applicable_and_silence_is_not_measured() -> None:
    found = named(some({"students_answered": 1, "students_boys_answered": 1, "visits": 1}, {}))
    assert found["student_attendance", None]["state"] == "not_applicable"
    assert found["student_attendance", None]["value"] is None
    assert found["student_attendance", None]["interval"] is None
    assert found["teacher_attendance", None]["state"] == "not_measured"


def test_visits_made_is_always_a_value_with_its_count_as_numerator() -> None:
    found = named(some({}, {}))["visits_made", None]
    assert (found["state"], found["numerator"], found["denominator"]) == ("value", 0, None)
    assert found["value"] is None


def test_fixed_splits_are_always_there_and_open_words_when_they_occur() -> None:
    splits = {split for code, split in named(some({}, {})) if code == "usable_toilets"}
    assert splits == {None, "boys", "girls", "shared", "staff"}
    assert ("visits_made", "visit_type:spot") not in named(some({}, {}))
    assert ("visits_made", "visit_type:spot") in named(some({"visits": 1, "visits_spot": 1}, {}))


def test_schools_known_is_a_value_of_zero_where_schools_stand_unvisited() -> None:
    found = named(some({}, {"registered": 4}))["schools_known", None]
    assert (found["state"], found["value"], found["denominator"]) == ("value", 0.0, 4)
    assert found["interval"] == (0.0, 0.0)


def test_no_meeting_and_do_not_know_answer_outside_the_denominator() -> None:
    found = named(some({}, {"registered": 9, "procurement_answered": 3, "procurement_attended": 1}))
    figure = found["procurement_participation", None]
    assert (figure["numerator"], figure["denominator"], figure["visits"]) == (1, 1, 3)


def test_flows_are_reliable_from_five_schools_and_ten_visits() -> None:
    base = {"official_yes": 5, "official_answered": 10}
    assert named(some(base, {}, {"official_answered": 5}))["official_visits", None]["reliable"]
    few = named(some(base, {}, {"official_answered": 4}))["official_visits", None]
    assert not few["reliable"]
    nine = named(some(base | {"official_answered": 9}, {}, {"official_answered": 5}))
    assert not nine["official_visits", None]["reliable"]


def test_stocks_are_reliable_when_four_in_five_schools_are_known() -> None:
    rooms = {"rooms_usable": 3, "rooms_available": 6, "rooms_answered": 2}
    census = named(some({}, rooms | {"registered": 5, "known": 4}))
    assert census["usable_rooms", None]["reliable"]
    partly = named(some({}, rooms | {"registered": 6, "known": 4}))
    assert not partly["usable_rooms", None]["reliable"]


def test_a_people_flow_is_clustered_by_school() -> None:
    found = named(
        some(
            {"teachers_male_present": 142, "teachers_male_posted": 200, "teachers_answered": 40},
            {},
            {"teachers_answered": 10},
        )
    )["teacher_attendance", None]
    # m = 20; deff = 1 + (20 × 1.3 − 1) × 0.2 = 6; n_eff = 200 / 6
    assert found["n_eff"] == pytest.approx(33.333333)
    low, high = wilson(0.71, 200 / 6, 0.9)
    assert found["interval"] == (round(low, 6), round(high, 6))


def test_a_stock_with_every_school_answering_has_no_width() -> None:
    found = named(some({}, {"registered": 8, "club_yes": 3, "club_answered": 8}))
    assert found["child_clubs", None]["interval"] == (0.375, 0.375)
    assert found["child_clubs", None]["n_eff"] is None


def test_a_stock_shrinks_by_the_finite_population() -> None:
    found = named(some({}, {"registered": 21, "club_yes": 4, "club_answered": 11}))
    # 11 × (21 − 1) / (21 − 11) = 22
    assert found["child_clubs", None]["n_eff"] == 22.0
    low, high = wilson(4 / 11, 22.0, 0.9)
    assert found["child_clubs", None]["interval"] == (round(low, 6), round(high, 6))


def test_a_split_by_school_gender_is_bounded_by_the_schools_of_that_gender() -> None:
    sums = some(
        {},
        {
            "registered": 50,
            "rooms_girls_usable": 5,
            "rooms_girls_available": 9,
            "rooms_girls_answered": 3,
        },
    )
    sums = replace(sums, genders=np.array([[40, 3, 7, 0]]))
    assert named(sums)["usable_rooms", "school_gender:girls"]["n_eff"] is None


def test_the_confidence_of_the_interval_can_be_chosen() -> None:
    sums = some({}, {"registered": 100, "club_yes": 4, "club_answered": 11})
    wide, narrow = named(sums, 0.99), named(sums, 0.5)
    assert wide["child_clubs", None]["interval"][0] < narrow["child_clubs", None]["interval"][0]


def test_the_top_of_an_answer_repeats_visits_and_coverage() -> None:
    sums = some({"visits": 7}, {"registered": 3})
    sums = replace(sums, covered=np.array([2]), newest=np.array([17_600]))
    (top,) = unit_figures(sums, figure_rows(SHIPPED, compute(SHIPPED, sums, 0.9, DOCUMENTED)))
    assert (top["visits"], top["schools_visited"], top["schools_registered"]) == (7, 2, 3)
    assert top["coverage"] == 0.666667
    assert top["newest_visit"] == "2018-03-10"


def test_infinite_certainty_reads_as_null_and_never_as_a_number() -> None:
    for figure in named(some({"visits": 1}, {"registered": 1, "known": 1})).values():
        assert figure["n_eff"] is None or math.isfinite(figure["n_eff"])


def test_what_is_set_aside_twice_leaves_no_share_and_never_a_number_that_is_none() -> None:
    # Forms that contradict themselves: more on leave than were posted, or present among them.
    less = "teacher_attendance_less_leave"
    lines = SHIPPED.lines_of(less)
    for present, posted, leave, value in ((1, 2, 3, None), (2, 2, 1, 2.0)):
        sums = some(
            {
                "teachers_male_present": present,
                "teachers_male_posted": posted,
                "teachers_on_leave": leave,
                "teachers_answered": 1,
            },
            {},
            {"teachers_answered": 1},
        )
        ((figure,),) = figure_rows(SHIPPED, compute(SHIPPED, sums, 0.9, DOCUMENTED), lines)
        assert figure["value"] == value
        assert figure["state"] == ("not_applicable" if value is None else "value")
        ends = figure["interval"] or (0.0, 0.0)
        assert all(math.isfinite(end) for end in ends)


def test_a_reading_that_is_asked_for_is_shown_only_then() -> None:
    asked = SHIPPED.lines_of("learning_environment_visits")
    sums = some({"environment_visits_80": 1, "environment_answered": 4}, {})
    found = compute(SHIPPED, sums, 0.9, DOCUMENTED)
    (everything,) = figure_rows(SHIPPED, found)
    assert "learning_environment_visits" not in {row["indicator"] for row in everything}
    ((figure,),) = figure_rows(SHIPPED, found.only(asked))
    assert (figure["numerator"], figure["denominator"]) == (1, 4)
