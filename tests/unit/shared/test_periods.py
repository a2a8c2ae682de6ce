"""Periods are read, measured and preceded as people expect."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.days import month_first, month_number
from shared.domain.periods import Period, parse_period
from shared.domain.school_years import SchoolYears
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
        ("2018-03-05", date(2018, 3, 5), date(2018, 3, 5)),
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
        "school-year-18",
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


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("2019", "2018"),
        ("2019-Q1", "2018-Q1"),
        ("2020-02", "2019-02"),
        ("2018-11..2019-02", "2017-11..2018-02"),
        ("2020-02-29..2020-03-10", "2019-02-28..2019-03-10"),
        ("last-30-days", "2018-05-05..2018-06-03"),
    ],
)
def test_a_year_before_are_the_same_months_or_days(text: str, before: str) -> None:
    assert parse_period(text, TODAY).year_before().text == before


MARCH = SchoolYears.since({date(2018, 1, 1): (3, 1)})
MOVED = SchoolYears.since({date(2018, 1, 1): (3, 1), date(2022, 6, 1): (8, 1)})
BACK = SchoolYears.since({date(2018, 1, 1): (8, 1), date(2022, 5, 1): (3, 1)})


def days_of(period: Period) -> tuple[str, str]:
    return period.first.isoformat(), period.last.isoformat()


def test_a_school_year_runs_from_its_beginning_to_the_next() -> None:
    year = parse_period("school-year-2018", TODAY, years=MARCH)
    assert days_of(year) == ("2018-03-01", "2019-02-28")
    assert year.text == "school-year-2018"
    before = year.previous()
    assert before == year.year_before()
    assert (before.text, *days_of(before)) == ("school-year-2017", "2017-03-01", "2018-02-28")
    leap = parse_period("school-year-2019", TODAY, years=MARCH)
    assert days_of(leap) == ("2019-03-01", "2020-02-29")


def test_where_the_beginning_is_moved_years_stretch_without_a_gap() -> None:
    longer = [parse_period(f"school-year-{year}", TODAY, years=MOVED) for year in range(2020, 2025)]
    assert days_of(longer[1]) == ("2021-03-01", "2022-07-31")
    assert days_of(longer[2]) == ("2022-08-01", "2023-07-31")
    shorter = [parse_period(f"school-year-{year}", TODAY, years=BACK) for year in range(2020, 2025)]
    assert days_of(shorter[1]) == ("2021-08-01", "2022-02-28")
    for years in (longer, shorter):
        for one, after in pairwise(years):
            assert (after.first - one.last).days == 1


@settings(deadline=None)  # a busy machine makes no wrong period
@given(
    st.dictionaries(
        st.dates(date(2000, 1, 1), date(2030, 1, 1)),
        st.tuples(st.integers(1, 12), st.integers(1, 28)),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_the_calendars_school_years_follow_one_another(
    starts: dict[date, tuple[int, int]],
) -> None:
    years = SchoolYears.since(starts)
    assert years is not None
    for year in range(1998, 2034):
        first, last = years.of(year)
        assert first <= last
        assert (years.of(year + 1)[0] - last).days == 1


def test_a_school_year_that_begins_on_29_february_begins_in_march_in_other_years() -> None:
    years = SchoolYears.since({date(2018, 1, 1): (2, 29)})
    assert years is not None
    assert (years.begins(2019), years.begins(2020)) == (date(2019, 3, 1), date(2020, 2, 29))


def test_without_a_configured_school_year_there_is_none() -> None:
    assert SchoolYears.since({}) is None
    with pytest.raises(Problem) as refused:
        parse_period("school-year-2018", TODAY)
    assert (refused.value.status, refused.value.code) == (422, "no_school_year")


@settings(deadline=None)  # a busy machine makes no wrong period
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


@settings(deadline=None)  # a busy machine makes no wrong period
@given(st.dates())
def test_a_month_number_names_the_month_of_its_first_day(day: date) -> None:
    assert month_first(month_number(day)) == day.replace(day=1)
