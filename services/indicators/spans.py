"""Windows as the cells see them: whole months, days at the edges, and the day of the stocks.

Pure. What a period means is `shared.domain.periods`'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from shared.domain.days import day_date, day_number, month_first, month_number


@dataclass(frozen=True, slots=True)
class Span:
    """A window of days, both ends included, and D, the day on which stocks are taken."""

    first: int
    last: int
    state_on: int

    @classmethod
    def of(cls, first: date, last: date, today: date) -> "Span":
        """The window from `first` to `last`; D is the earlier of its last day and today."""
        return cls(day_number(first), day_number(last), day_number(min(last, today)))

    @property
    def whole_months(self) -> tuple[int, int] | None:
        """The first and last month that lie wholly inside, or None."""
        first, last = day_date(self.first), day_date(self.last)
        begin = month_number(first) + (first.day > 1)
        end = month_number(last) - (month_end(month_number(last)) > self.last)
        return (begin, end) if begin <= end else None

    @property
    def edges(self) -> list[tuple[int, int]]:
        """The runs of days that no whole month covers."""
        whole = self.whole_months
        if whole is None:
            return [(self.first, self.last)]
        head = (self.first, month_begin(whole[0]) - 1)
        tail = (month_end(whole[1]) + 1, self.last)
        return [run for run in (head, tail) if run[0] <= run[1]]

    @property
    def stock_month(self) -> int:
        """The last month whose every day lies on or before D."""
        month = month_number(day_date(self.state_on))
        return month if month_end(month) == self.state_on else month - 1

    @property
    def stock_days(self) -> tuple[int, int] | None:
        """The days up to D after that month, or None."""
        begin = month_end(self.stock_month) + 1
        return (begin, self.state_on) if begin <= self.state_on else None


def month_begin(month: int) -> int:
    """The day number of a month's first day."""
    return day_number(month_first(month))


def month_end(month: int) -> int:
    """The day number of a month's last day."""
    return month_begin(month + 1) - 1


def runs(spans: Sequence[Span]) -> list[tuple[int, int]]:
    """The days to be read singly for all spans, overlapping runs joined, in order."""
    wanted = [run for span in spans for run in span.edges]
    wanted += [span.stock_days for span in spans if span.stock_days is not None]
    joined: list[tuple[int, int]] = []
    for first, last in sorted(wanted):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined
