"""What a caller asked, checked: the period and its windows, the view, the confidence, times.

Owns the query parameters and their refusals (422 with a pointer to the parameter).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from services.indicators.catalogue import Definitions
from services.indicators.gather import View
from services.indicators.labels import LANGUAGES
from services.indicators.spans import Span
from services.indicators.traits import KINDS, Part
from shared.domain.days import month_first, month_number
from shared.domain.periods import Kind, Period, days, parse_day, parse_period, school_year
from shared.domain.school_years import SchoolYears
from shared.errors import Problem, invalid
from shared.queries import read_instant

By = Literal["month", "quarter", "year", "school-year"]
CONFIDENCE = 0.90
MOST_POINTS = 240
_MOST_VERSION = 10_000_000
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_EARLIEST, _LATEST = date(1900, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Question:
    """A window and how to look at it; instants are microseconds."""

    period: Period
    span: Span
    view: View
    confidence: float
    since: int | None
    received_until: int | None


def question(  # every one is a query parameter
    today: date,
    period: str | None,
    ending: str | None,
    view: str | None,
    confidence: str | None = None,
    since: str | None = None,
    received_until: str | None = None,
    *,
    years: SchoolYears | None = None,
) -> Question:
    """Check the parameters of a figures question; raises Problem 422."""
    window = read_period(period, ending, today, years=years)
    return Question(
        period=window,
        span=Span.of(window.first, window.last, today),
        view=read_view(view),
        confidence=read_confidence(confidence),
        since=read_instant(since, "/query/since"),
        received_until=read_instant(received_until, "/query/received_until"),
    )


def read_period(
    text: str | None,
    ending: str | None,
    today: date,
    pointer: str = "/query/period",
    *,
    years: SchoolYears | None = None,
) -> Period:
    """Read a period, which must lie between 1900 and 2199; raises Problem 422."""
    if text is None:
        raise invalid(pointer, "missing", "A period is needed, for example 2018-03.")
    anchor = None if ending is None else parse_day(ending, "/query/ending")
    try:
        period = parse_period(text, today, anchor, years)
    except Problem as problem:
        raise invalid(pointer, problem.code, problem.detail) from problem
    if period.first < _EARLIEST or period.last > _LATEST:
        raise invalid(pointer, "invalid_period", "A period lies between 1900 and 2199.")
    return period


def read_view(text: str | None) -> View:
    """as_was (the default) or restated."""
    if text is None or text == "as_was":
        return "as_was"
    if text == "restated":
        return "restated"
    raise invalid("/query/view", "invalid_view", "The view is as_was or restated.")


def read_confidence(text: str | None) -> float:
    """The two-sided confidence of the intervals, between 0.5 and 0.999."""
    if text is None:
        return CONFIDENCE
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.5 <= number <= 0.999:
        raise invalid(
            "/query/confidence", "invalid_confidence", "Confidence lies between 0.5 and 0.999."
        )
    return number


def read_known_at(text: str | None) -> int | None:
    """The instant (microseconds) by whose knowledge to answer; None: by everything there is."""
    return read_instant(text, "/query/known_at")


def read_line(
    definitions: Definitions, indicator: str, split: str | None, definition: str | None = None
) -> int:
    """The column of an indicator and one of its splits; raises Problem 422.

    `definition` is the version wanted, default the one in force.
    """
    if definitions.place(indicator) is None:
        detail = "There is no such indicator: see /v1/indicators."
        raise invalid("/path/indicator", "unknown_indicator", detail)
    version = read_definition(definitions, indicator, definition)
    place = definitions.place(indicator, split or None, version)
    if place is None:
        raise invalid("/query/split", "invalid_split", "This indicator has no such split.")
    return place


def read_figure(
    definitions: Definitions, indicator: str, split: str | None, definition: str | None = None
) -> tuple[int, Part | None]:
    """As `read_line`, and the part wanted of it when the split is a kind made when asked."""
    kind, separator, word = (split or "").partition(":")
    if separator and kind in KINDS and definitions.place(indicator) is not None:
        total = read_line(definitions, indicator, None, definition)
        if word and kind in definitions.of(total).by:
            return total, Part(kind, word)
    return read_line(definitions, indicator, split, definition), None


def read_kind(definitions: Definitions, text: str | None) -> str | None:
    """A kind that some indicator is split by, stored or when asked."""
    if text is None:
        return None
    stored = {line.split.partition(":")[0] for line in definitions.lines if line.split}
    if text not in {*KINDS, *stored}:
        detail = f"Figures are split by {', '.join(KINDS)}."
        raise invalid("/query/split_by", "invalid_kind", detail)
    return text


def read_indicators(definitions: Definitions, text: str | None) -> tuple[int, ...] | None:
    """The columns of named indicators, "code" or "code:version" by commas; None without names."""
    if text is None:
        return None
    chosen: dict[int, None] = {}
    for name in text.split(","):
        code, _, version = name.strip().partition(":")
        if definitions.place(code) is None:
            detail = "There is no such indicator: see /v1/indicators."
            raise invalid("/query/indicators", "unknown_indicator", detail)
        number = int(version) if version.isascii() and version.isdigit() else 0
        if version and not 0 < number < _MOST_VERSION:
            number = _MOST_VERSION
        lines = definitions.lines_of(code, number or None)
        if not lines:
            detail = "This indicator has no such version: see /v1/indicators."
            raise invalid("/query/indicators", "unknown_definition", detail)
        chosen.update(dict.fromkeys(lines))
    return tuple(chosen)


def read_definition(definitions: Definitions, indicator: str, text: str | None) -> int | None:
    """A version that this indicator has; None is the one in force; raises Problem 422."""
    if text is None:
        return None
    version = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
    if (indicator, version) not in definitions.by_version:
        detail = "This indicator has no such version: see /v1/indicators."
        raise invalid("/query/definition", "unknown_definition", detail)
    return version


def read_by(text: str | None) -> By:
    """The length of the pieces of a series."""
    if text is None or text == "month":
        return "month"
    if text == "quarter":
        return "quarter"
    if text == "year":
        return "year"
    if text == "school-year":
        return "school-year"
    detail = "A series is by month, quarter, year or school-year."
    raise invalid("/query/by", "invalid_by", detail)


def read_splits(text: str | None, default: Literal["all", "totals"]) -> bool:
    """Whether splits are wanted beside the totals."""
    chosen = text or default
    if chosen not in {"all", "totals"}:
        raise invalid("/query/splits", "invalid_splits", "Splits are all or totals.")
    return chosen == "all"


def read_lang(text: str | None) -> str | None:
    """The language in which labels are wanted beside the figures; None for no labels."""
    if text is not None and text not in LANGUAGES:
        detail = f"Labels are in {', '.join(LANGUAGES)}."
        raise invalid("/query/lang", "unknown_language", detail)
    return text


def read_number(text: str | None, pointer: str, default: int, most: int) -> int:
    """A whole number from 1 to `most`."""
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 17 else 0
    if not 1 <= number <= most:
        raise invalid(pointer, "invalid_number", f"A whole number from 1 to {most} is needed.")
    return number


def read_flag(text: str | None, pointer: str) -> bool:
    """Read true or false (the default)."""
    if text in {None, "false"}:
        return False
    if text == "true":
        return True
    raise invalid(pointer, "invalid_flag", "Write true or false.")


def pieces(period: Period, by: By, years: SchoolYears | None = None) -> list[Period]:
    """The months, quarters, years or school years touched, the outer ones cut to the period.

    Raises Problem 422 for more than MOST_POINTS of them, and for school years without `years`.
    """
    if by == "school-year":
        return _school_years(period, years)
    length = _MONTHS[by]
    begin = month_number(period.first) // length * length
    end = month_number(period.last)
    if (end - begin) // length + 1 > MOST_POINTS:
        detail = f"A series has at most {MOST_POINTS} pieces."
        raise invalid("/query/period", "too_many_pieces", detail)
    return [_piece(period, month, by) for month in range(begin, end + 1, length)]


def _school_years(period: Period, years: SchoolYears | None) -> list[Period]:
    if years is None:
        detail = "The calendar does not say when a school year begins: see /v1/calendar."
        raise invalid("/query/by", "no_school_year", detail)
    found = []
    for year in range(period.first.year - 1, period.last.year + 1):
        first, last = years.of(year)
        if last < period.first or first > period.last:
            continue
        if first < period.first or last > period.last:
            found.append(days(max(first, period.first), min(last, period.last)))
        else:
            found.append(school_year(year, years))
    return found


def _piece(period: Period, month: int, by: By) -> Period:
    first = month_first(month)
    last = month_first(month + _MONTHS[by]) - timedelta(days=1)
    if first < period.first or last > period.last:
        return days(max(first, period.first), min(last, period.last))
    if by == "month":
        return Period(f"{first:%Y-%m}", first, last, Kind.MONTH)
    if by == "quarter":
        return Period(f"{first.year:04d}-Q{(first.month + 2) // 3}", first, last, Kind.QUARTER)
    return Period(f"{first.year:04d}", first, last, Kind.YEAR)
