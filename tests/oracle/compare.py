"""Comparing the oracle with the wire, and asking a server for everything.

Owns what "equal" means: integers exactly, `value` to six decimals rounded half up, an absent open
split (a post, a type, a gender) is the same as one that is all zero.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import quote

import httpx

from tests.oracle.answers import FIXED
from tests.oracle.figures import Oracle
from tests.oracle.visits import Operation

INTEGERS = ("numerator", "denominator", "visits", "schools")
VIEWS = ("as_was", "restated")
Row = dict[str, Any]


@dataclass(frozen=True)
class Window:
    """A period as asked of the server, and the days that it means.

    `earlier` are those of the period before it, where they do not follow from its own (`before`).
    """

    period: str
    first: date
    last: date
    ending: str | None = None
    earlier: tuple[date, date] | None = None

    @property
    def asked(self) -> dict[str, str]:
        """The window as parameters of a call."""
        ending = {} if self.ending is None else {"ending": self.ending}
        return {"period": self.period, **ending}

    def __str__(self) -> str:
        return self.period if self.ending is None else f"{self.period} ending {self.ending}"


def _is_fixed(indicator: str, split: str | None) -> bool:
    return split is None or split in FIXED.get(indicator, ())


def _says_nothing(row: Row) -> bool:
    return not any(row.get(name) for name in INTEGERS) and row.get("value") is None


def _millionths(value: Fraction) -> int:
    return (2 * 1_000_000 * value.numerator + value.denominator) // (2 * value.denominator)


def _value_differs(expected: Row, actual: Row) -> bool:
    if expected["indicator"] == "visits_made":
        return False  # it has no denominator: `value` says nothing that numerator does not
    value, given = expected["value"], actual.get("value")
    if value is None or given is None:
        return value is not None or given is not None
    shown = Decimal(str(given)).quantize(Decimal("0.000001"), rounding=ROUND_HALF_UP)
    return int(shown * 1_000_000) != _millionths(value)


def row_differences(expected: Row, actual: Row) -> list[str]:
    """What one figure on the wire says otherwise than the oracle's row."""
    found = []
    if expected["reliable"] is not actual.get("reliable"):
        found.append(f"reliable {actual.get('reliable')!r}, expected {expected['reliable']}")
    for name in (*INTEGERS, "state"):
        wanted, given = expected[name], actual.get(name)
        if wanted == 0 and given is None and name != "visits" and expected["value"] is None:
            continue  # nothing answered: 0 and null say the same
        if wanted != given or isinstance(given, bool | float):
            found.append(f"{name} {given!r}, expected {wanted!r}")
    if _value_differs(expected, actual):
        found.append(f"value {actual.get('value')!r}, expected {expected['value']}")
    return found


def differences(expected: Row, actual: Row) -> list[str]:
    """What the server's figures answer says otherwise than the oracle's; empty when equal."""
    top = ("visits", "schools_visited", "schools_registered")
    found = [
        f"top level {name} {actual.get(name)!r}, expected {expected[name]}"
        for name in top
        if actual.get(name) != expected[name]
    ]
    found += _coverage_differences(expected["coverage"], actual.get("coverage"))
    rows = actual.get("figures", [])
    given = {(row["indicator"], row.get("split")): row for row in rows}
    if len(given) < len(rows):
        found.append("an indicator and split is given twice")
    wanted = {(row["indicator"], row["split"]): row for row in expected["figures"]}
    for key in sorted(wanted.keys() | given.keys(), key=str):
        name = f"{key[0]}/{key[1] or 'total'}"
        if key in wanted and key in given:
            found += [f"{name}: {what}" for what in row_differences(wanted[key], given[key])]
            continue
        lonely = wanted[key] if key in wanted else given[key]
        if key[0] not in FIXED:
            continue  # an indicator beyond the circular's: not the oracle's to judge
        if _is_fixed(*key) or not _says_nothing(lonely):
            found.append(f"{name}: {'missing' if key in wanted else 'not expected'}: {lonely}")
    return found


def _coverage_differences(expected: tuple[int, int], actual: Any) -> list[str]:
    """The top-level coverage may be a fraction, null, or an object with its two integers."""
    num, den = expected
    if isinstance(actual, dict):
        same = (actual.get("numerator"), actual.get("denominator")) == expected
    elif actual is None:
        same = den == 0
    else:
        row = {"indicator": "coverage", "value": Fraction(num, den) if den else None}
        same = not _value_differs(row, {"value": actual})
    return [] if same else [f"top level coverage {actual!r}, expected {num}/{den}"]


def month_window(month: str) -> Window:
    """The window of a month written YYYY-MM."""
    year, number = (int(part) for part in month.split("-"))
    last = date(year, number, calendar.monthrange(year, number)[1])
    return Window(month, date(year, number, 1), last)


def odd_windows(months: list[str], today: date) -> list[Window]:
    """Windows that are no month: day ranges, rolling ones, quarters, years, runs of months."""
    windows = []
    for month in months[:: max(1, len(months) // 3)]:
        whole = month_window(month)
        tenth = whole.first + timedelta(days=9)
        after = tenth + timedelta(days=44)
        windows.append(Window(f"{tenth}..{after}", tenth, after))
        windows.append(Window(f"{tenth}..{tenth}", tenth, tenth))
        begin = tenth - timedelta(days=27)
        windows.append(Window("last-28-days", begin, tenth, ending=tenth.isoformat()))
        quarter = (whole.first.month - 1) // 3
        start = date(whole.first.year, quarter * 3 + 1, 1)
        end = month_window(f"{start.year}-{quarter * 3 + 3:02d}").last
        windows.append(Window(f"{start.year}-Q{quarter + 1}", start, end))
        windows.append(Window(f"{start.year}", date(start.year, 1, 1), date(start.year, 12, 31)))
    run = (month_window(months[0]).first, month_window(months[-1]).last)
    windows.append(Window(f"{months[0]}..{months[-1]}", *run))
    windows.append(Window("last-30-days", today - timedelta(days=29), today))
    return list(dict.fromkeys(windows))


async def check_everything(
    client: httpx.AsyncClient,
    history: list[Operation],
    units: Iterable[str],
    months: Iterable[str],
    views: Iterable[str] = VIEWS,
    today: date = date(2019, 6, 3),
    *,
    key: str | None = None,
    odd: bool = True,
    known_at: datetime | None = None,
) -> list[str]:
    """All differences between the server's figures and the oracle's, each with its place.

    Asks every unit for every month and (with `odd`) for the odd windows, in every view. `today` is
    the server's local day. `key` is sent as a bearer key when given. With `known_at` both sides
    answer by what had been recorded by then, and `today` is the day it was then.
    """
    oracle, found, names = Oracle(history, known_at), [], list(months)
    windows = [month_window(name) for name in names]
    if odd:
        windows += odd_windows(names, today)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    for unit in units:
        path = f"/v1/units/{quote(unit, safe='')}/figures"
        for view in views:
            for window in windows:
                asked = window.asked | {"view": view}
                if known_at is not None:
                    asked["known_at"] = known_at.isoformat()
                answer = await client.get(path, params=asked, headers=headers)
                place = f"{unit} {view} {window}"
                if answer.status_code != httpx.codes.OK:
                    found.append(f"{place}: {answer.status_code} {answer.text[:200]}")
                    continue
                expected = oracle.figures(unit, window.first, window.last, today, view)
                found += [f"{place}: {what}" for what in differences(expected, answer.json())]
    return found
