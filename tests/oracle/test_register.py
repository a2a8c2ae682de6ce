"""Belonging, activity and dated facts (02 §3, §4 and the small print), by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.oracle.register import canonical
from tests.oracle.small import TODAY, answer, figure, on, school, units, visit
from tests.oracle.visits import Operation

ROOMS = {"rooms": {"available": 9, "usable": 4}}
NOTHING = (0, 0, 0, 0, "not_measured")


def usable(history: list[Operation], unit: str, day: str, **asked: Any) -> tuple[int, int]:
    """(usable rooms standing, active schools) of the unit on the day."""
    found = answer(history, unit, day, day, **asked)
    rows = {(row["indicator"], row["split"]): row for row in found["figures"]}
    return rows["usable_rooms", None]["numerator"], found["schools_registered"]


@pytest.mark.parametrize(
    ("sent", "same"),
    [
        ("01001", "1001"),
        ("1001", "1001"),
        (" 01001 ", "1001"),
        ("000", "0"),
        ("BEF001 ", "BEF001"),
        ("0BEF", "0BEF"),
        ("bef001", "bef001"),
        ("1-01", "1-01"),
    ],
)
def test_codes(sent: str, same: str) -> None:
    assert canonical(sent) == same


def test_a_flow_stays_where_the_school_was_and_a_stock_moves_with_it() -> None:
    history = [
        school("1", "C1"),
        school("1", "C3", valid_from="2018-03-10"),
        visit("a", "1", "2018-03-05", **ROOMS),
        visit("b", "1", "2018-03-15"),
    ]
    assert answer(history, "D1")["visits"] == 1
    assert answer(history, "D2")["visits"] == 1
    assert answer(history, "P")["visits"] == 2
    assert usable(history, "D1", "2018-03-09") == (4, 1)
    assert usable(history, "D1", "2018-03-10") == (0, 0)
    assert usable(history, "D2", "2018-03-10") == (4, 1)
    assert usable(history, "C3", "2018-03-10") == (4, 1)


def test_restated_is_todays_tree_for_every_day() -> None:
    history = [
        school("1", "C1"),
        school("1", "C3", valid_from="2018-03-10"),
        visit("a", "1", "2018-03-05", **ROOMS),
    ]
    again: dict[str, Any] = {"view": "restated"}
    assert answer(history, "D1", **again)["visits"] == 0
    assert answer(history, "D2", **again)["visits"] == 1
    assert usable(history, "D2", "2018-03-09", **again) == (4, 1)
    assert usable(history, "D1", "2018-03-09", **again) == (0, 0)
    # a move still to come is not today's membership
    early = {"today": date(2018, 3, 9), **again}
    assert answer(history, "D1", **early)["visits"] == 1


def test_restated_keeps_the_activity_of_the_day() -> None:
    history = [
        school("1", "C1"),
        school("1", "C3", valid_from="2018-03-10", status="closed"),
        visit("a", "1", "2018-03-05", **ROOMS),
    ]
    assert usable(history, "D2", "2018-03-09", view="restated") == (4, 1)
    assert usable(history, "D2", "2018-03-10", view="restated") == (0, 0)
    assert answer(history, "D2", view="restated")["visits"] == 1


def test_a_cluster_moves_with_its_schools() -> None:
    history = [
        school("1", "C1"),
        units(("C1", "D2"), since="2018-03-10"),
        visit("a", "1", "2018-03-05", **ROOMS),
        visit("b", "1", "2018-03-15"),
    ]
    assert answer(history, "D1")["visits"] == 1
    assert answer(history, "D2")["visits"] == 1
    assert answer(history, "C1")["visits"] == 2
    assert usable(history, "D1", "2018-03-09") == (4, 1)
    assert usable(history, "D2", "2018-03-10") == (4, 1)
    assert answer(history, "D2", view="restated")["visits"] == 2


def test_the_first_record_serves_the_days_before_it() -> None:
    history = [
        units(("C9", "D2"), since="2018-06-01"),
        school("1", "C9", valid_from="2018-09-01", gender="girls"),
        visit("a", "1", "2018-03-05", environment={"clean": "yes"}, **ROOMS),
    ]
    assert usable(history, "D2", "2018-03-05") == (4, 1)
    assert figure(history, "learning_environment", "school_gender:girls")[1] == 1


def test_the_first_record_serves_activity_too() -> None:
    history = [
        school("1", valid_from="2018-09-01", status="closed"),
        visit("a", "1", "2018-03-05", **ROOMS),
    ]
    assert usable(history, "P", "2018-03-05") == (0, 0)
    assert answer(history)["visits"] == 1


def test_the_same_key_replaces() -> None:
    history = [
        school("1", "C1"),
        school("1", "C3", valid_from="2018-03-10"),
        school("1", "C2", valid_from="2018-03-10"),
        visit("a", "1", "2018-03-15"),
    ]
    assert answer(history, "C2")["visits"] == 1
    assert answer(history, "C3")["visits"] == 0


def test_absent_valid_from_is_the_first_day_and_then_the_servers_today() -> None:
    history = [
        school("1", "C1", on=date(2018, 2, 1)),
        school("1", "C3", on=date(2018, 3, 10)),
        visit("a", "1", "2018-03-09"),
        visit("b", "1", "2018-03-10"),
    ]
    assert answer(history, "C1")["visits"] == 1
    assert answer(history, "C3")["visits"] == 1
    replaced = [*history, school("1", "C2", valid_from="2018-01-01")]
    assert answer(replaced, "C2")["visits"] == 1


def test_a_late_fact_moves_the_past_too() -> None:
    history = [school("1", "C1"), visit("a", "1", "2018-03-15")]
    history.append(school("1", "C3", valid_from="2018-03-10", on=TODAY))
    assert answer(history, "C3")["visits"] == 1


def test_valid_to_cuts_nothing() -> None:
    ended = {**units(("C1", "D1"))["items"][0], "valid_to": "2018-01-31"}
    history = [{"op": "units", "items": [ended]}, school("1", "C1"), visit("a", "1", "2018-03-15")]
    assert answer(history, "D1")["visits"] == 1


def test_closing_ends_what_stands() -> None:
    history = [
        school("1"),
        school("1", valid_from="2018-03-10", status="merged"),
        visit("a", "1", "2018-03-05", **ROOMS),
        visit("b", "1", "2018-03-10", **ROOMS),
    ]
    assert usable(history, "P", "2018-03-09") == (4, 1)
    assert usable(history, "P", "2018-03-10") == (0, 0)
    assert answer(history)["visits"] == 2
    assert answer(history)["coverage"] == (0, 0)
    assert figure(history, "schools_known") == NOTHING


def test_non_functional_is_active() -> None:
    history = [school("1", status="non_functional"), visit("a", "1", "2018-03-05", **ROOMS)]
    assert usable(history, "P", "2018-03-05") == (4, 1)


def test_a_reopened_school_has_again_what_stood_before() -> None:
    history = [
        school("1"),
        school("1", valid_from="2018-03-10", status="closed"),
        school("1", valid_from="2018-03-20"),
        visit("a", "1", "2018-03-05", **ROOMS),
    ]
    assert usable(history, "P", "2018-03-19") == (0, 0)
    assert usable(history, "P", "2018-03-20") == (4, 1)


def test_a_visit_while_closed_stands_nowhere_even_after_reopening() -> None:
    history = [
        school("1"),
        school("1", valid_from="2018-03-10", status="closed"),
        school("1", valid_from="2018-03-20"),
        visit("a", "1", "2018-03-05", **ROOMS),
        visit("b", "1", "2018-03-15", rooms={"available": 9, "usable": 7}),
    ]
    # b is the next counted visit that answers the group, so a has ended; b itself stands nowhere
    assert usable(history, "P", "2018-03-20") == (0, 1)
    assert figure(history, "schools_known", **on("2018-03-20"))[0] == 1
    assert answer(history)["coverage"] == (1, 1)
