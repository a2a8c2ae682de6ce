"""Windows cut into whole months, edges and the days of the stock."""

from datetime import date, timedelta

import pytest

from services.indicators.spans import Span, month_begin, month_end, runs
from shared.domain.days import day_number

TODAY = date(2019, 6, 3)


def days(first: date, last: date) -> set[int]:
    return set(range(day_number(first), day_number(last) + 1))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2018, 1, 1), date(2018, 12, 31)),
        (date(2018, 1, 1), date(2018, 1, 31)),
        (date(2018, 2, 10), date(2018, 2, 20)),
        (date(2018, 2, 10), date(2018, 3, 9)),
        (date(2018, 2, 10), date(2018, 6, 9)),
        (date(2018, 2, 1), date(2018, 6, 9)),
        (date(2018, 2, 2), date(2018, 3, 31)),
        (date(2018, 3, 5), date(2018, 3, 5)),
        (date(2019, 12, 31), date(2020, 1, 1)),
    ],
)
def test_whole_months_and_edges_are_every_day_once(first: date, last: date) -> None:
    span = Span.of(first, last, TODAY)
    covered = [day for run in span.edges for day in range(run[0], run[1] + 1)]
    if span.whole_months is not None:
        begin, end = span.whole_months
        covered += range(month_begin(begin), month_end(end) + 1)
    assert len(covered) == len(set(covered))
    assert set(covered) == days(first, last)


@pytest.mark.parametrize("offset", [0, 1, 27, 30, 31, 58, 59])
def test_the_stock_is_every_day_up_to_d_once(offset: int) -> None:
    last = date(2019, 1, 1) + timedelta(days=offset)
    span = Span.of(last, last, TODAY)
    begin, end = span.stock_days or (span.state_on + 1, span.state_on)
    assert month_end(span.stock_month) + 1 == begin
    assert end == span.state_on
    assert span.state_on == day_number(last)


def test_d_is_today_when_the_window_goes_on() -> None:
    assert Span.of(date(2019, 1, 1), date(2019, 12, 31), TODAY).state_on == day_number(TODAY)


def test_runs_that_touch_are_read_at_once() -> None:
    spans = [
        Span.of(date(2018, 3, 5), date(2018, 3, 10), TODAY),
        Span.of(date(2018, 3, 11), date(2018, 3, 20), TODAY),
    ]
    first = day_number(date(2018, 3, 1))
    assert runs(spans) == [(first, day_number(date(2018, 3, 20)))]
