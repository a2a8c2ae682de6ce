"""Periods are read, measured and preceded as people expect."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.days import month_first, month_number
from shared.domain.periods import parse_period
from shared.errors import Problem

TODAY = date(2019, 6, 3)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2018", date(2018, 1, 1), date(2018, 12, 31)),
        ("2020-Q1", date(2020, 1, 1), date(2020, 3, 31)),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29)),
        ("2018-01..2019-05", date(2018, 1, 1), date(2019, 5, 31)),
        ("2018-03-01..2018-04-15", date(2018, 3, 1), date(2018, 4, 15)),
        ("last-30-days", date(2019, 5, 5), TODAY),
        ("last-1-days", TODAY, TODAY),
    ],
)
def test_a_period_covers_its_days(text: str, first: date, last: date) -> None:
    period = parse_period(text, TODAY)
    assert (period.first, period.last, period.text) == (first, last, text)


def test_ending_moves_the_anchor_of_a_rolling_period() -> None:
    period = parse_period("last-7-days", TODAY, date(2019, 5, 31))
    assert (period.first, period.last) == (date(2019, 5, 25), date(2019, 5, 31))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2018-13",
        "2018-Q5",
        "18",
        "2018-02-30..2018-03-01",
        "last-0-days",
        "2019..2018",
        "2019-05..2018-01",
        "2018-03-02..2018-03-01",
        "0000",
        "9999-12",
        "last-99999-days",
        "２０１８",
    ],
)
def test_words_that_are_no_period_are_refused_by_name(text: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_period(text, TODAY)
    assert refused.value.status == 422
    assert refused.value.errors[0].pointer == "/query/period"


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("2019", "2018"),
        ("2019-Q1", "2018-Q4"),
        ("2019-01", "2018-12"),
        ("2018-06..2018-08", "2018-03..2018-05"),
        ("2018-03-11..2018-03-20", "2018-03-01..2018-03-10"),
        ("last-30-days", "2019-04-05..2019-05-04"),
    ],
)
def test_the_previous_period_is_the_calendar_predecessor(text: str, before: str) -> None:
    assert parse_period(text, TODAY).previous().text == before


@given(st.dates(date(1990, 1, 1), date(2040, 1, 1)), st.integers(0, 900))
def test_months_cover_a_period_without_gap_or_overlap(first: date, length: int) -> None:
    last = date.fromordinal(first.toordinal() + length)
    period = parse_period(f"{first.isoformat()}..{last.isoformat()}", TODAY)
    days = [
        day
        for month in period.months()
        for day in range(month.first.toordinal(), month.last.toordinal() + 1)
    ]
    assert days == list(range(first.toordinal(), last.toordinal() + 1))


@given(st.dates())
def test_a_month_number_names_the_month_of_its_first_day(day: date) -> None:
    assert month_first(month_number(day)) == day.replace(day=1)
