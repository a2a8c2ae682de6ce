"""Windows by hand: school years that a calendar moves, quarters, and what lies before each."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest

from tests.oracle.compare import Window
from tests.oracle.comparisons import before
from tests.oracle.figures import Oracle
from tests.oracle.register import Register
from tests.oracle.small import TODAY, TREE, school, visit
from tests.oracle.windows import days, one_of_each, quarter, rolling, school_year


def span(window: Window) -> tuple[str, str]:
    return window.first.isoformat(), window.last.isoformat()


def test_a_moved_beginning_makes_one_school_year_longer() -> None:
    assert span(school_year(2017)) == ("2017-03-01", "2018-02-28")
    assert span(school_year(2018)) == ("2018-03-01", "2019-07-31")
    assert span(school_year(2019)) == ("2019-08-01", "2020-07-31")


@pytest.mark.parametrize("against", ["previous", "last-year"])
def test_before_a_school_year_is_the_one_before(against: str) -> None:
    assert before(school_year(2019), against) == (date(2018, 3, 1), date(2019, 7, 31))


def test_other_windows() -> None:
    assert span(quarter(date(2018, 5, 31))) == ("2018-04-01", "2018-06-30")
    assert before(quarter(date(2018, 1, 1)), "previous") == (date(2017, 10, 1), date(2017, 12, 31))
    week = rolling(7, date(2018, 3, 7), named=True)
    assert (week.asked, span(week)) == (
        {"period": "last-7-days", "ending": "2018-03-07"},
        ("2018-03-01", "2018-03-07"),
    )
    assert rolling(7, TODAY, named=False).asked == {"period": "last-7-days"}
    day = date(2018, 3, 5)
    assert before(days(day, day), "previous") == (date(2018, 3, 4), date(2018, 3, 4))


def test_one_of_each_meets_the_visits() -> None:
    oracle = Oracle([TREE, school("1"), visit("a", "1", "2018-09-05")])
    for seed in range(20):
        windows = one_of_each(Random(seed), oracle, TODAY)
        assert days(date(2018, 9, 5), date(2018, 9, 5)) in windows
        assert len({window.period.split("-")[0] for window in windows}) > 2
        assert all(window.first <= window.last for window in windows)


def test_what_is_directly_under_a_unit_and_what_has_gone() -> None:
    register = Register()
    ended = {
        "unit_id": "D1",
        "parent_id": "P",
        "valid_from": "2018-01-01",
        "valid_to": "2018-05-31",
    }
    register.put_unit({"unit_id": "P", "parent_id": None}, TODAY)
    register.put_unit(ended, TODAY)
    for unit, since in (("D1", None), ("D2", "2018-06-01")):
        cluster = {"unit_id": "C1", "parent_id": unit, "valid_from": since}
        register.put_unit(cluster, TODAY)
    register.put_school({"school_code": "01", "unit_id": "C1"}, TODAY)
    spring, summer = date(2018, 5, 31), date(2018, 6, 1)
    assert register.directly_under("P", spring) == (["D1"], [])
    assert register.directly_under("D1", spring) == (["C1"], [])
    assert register.directly_under("D1", summer) == ([], [])
    assert register.directly_under("C1", summer) == ([], ["1"])
    assert not register.gone("D1", spring)
    assert register.gone("D1", summer)
    assert not register.gone("P", summer)
