"""Changes between windows and ranks among siblings, by brute force, against a server's.

Owns which window another is compared with, the split of a change into the same schools and the
rest, and the rule of ranks (04 §6). Values are the oracle's; the ends of intervals are the
server's, as they come from estimates: what they must be is the simulation's to say.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from itertools import product
from typing import Any
from urllib.parse import quote

import httpx

from tests.oracle.answers import FIXED
from tests.oracle.compare import Window, row_differences
from tests.oracle.figures import Oracle
from tests.oracle.visits import Operation

Row = dict[str, Any]
OF_THE_REGISTER = ("visits_made", "schools_known", "coverage")
LOWER = ("schools_without_toilet",)
MILLION = 1_000_000


def _months_on(day: date, months: int) -> date:
    """The first of the month that is so many months after the day's."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _end_of_month(day: date) -> date:
    return date(day.year, day.month, calendar.monthrange(day.year, day.month)[1])


def _year_earlier(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, 2, 28)
    return date(day.year - 1, day.month, day.day)


def _of_the_calendar(window: Window) -> bool:
    """Written as months, quarters or years: it moves by months, whatever their length."""
    return not (window.period.startswith("last-") or len(window.period.split("..")[0]) == 10)


def before(window: Window, against: str) -> tuple[date, date]:
    """The days of the window that `against` (previous or last-year) names."""
    first, last = window.first, window.last
    if window.earlier is not None:
        return window.earlier
    if _of_the_calendar(window):
        months = (last.year - first.year) * 12 + last.month - first.month + 1
        back = 12 if against == "last-year" else months
        return _months_on(first, -back), _end_of_month(_months_on(last, -back))
    length = last - first
    if against == "previous":
        return first - length - timedelta(days=1), first - timedelta(days=1)
    if window.period.startswith("last-"):
        return _year_earlier(last) - length, _year_earlier(last)
    return _year_earlier(first), _year_earlier(last)


def _half_up(num: int, den: int) -> int | None:
    return None if den == 0 else (2 * MILLION * num + den) // (2 * den)


def _shown(value: Any) -> int | None:
    return None if value is None else round(float(value) * MILLION)


def change_differences(
    oracle: Oracle,
    unit: str,
    spans: tuple[tuple[date, date], ...],
    today: date,
    view: str,
    told: Row,
) -> list[str]:
    """What one change of a total says otherwise; `spans` are the newer window and the older."""
    indicator = told["indicator"]
    rows, pairs, codes = [], [], []
    for first, last in spans:
        answer = oracle.figures(unit, first, last, today, view)
        rows += [r for r in answer["figures"] if (r["indicator"], r["split"]) == (indicator, None)]
        said = oracle.tally(unit, first, last, today, view)[0].get((indicator, None), [])
        pairs.append(said)
        codes.append({code for code, _, _ in said})
    found = [f"after: {what}" for what in row_differences(rows[0], told["after"])]
    found += [f"before: {what}" for what in row_differences(rows[1], told["before"])]
    now, then = (_half_up(row["numerator"], row["denominator"] or 0) for row in rows)
    total = None if now is None or then is None else now - then
    both = set() if indicator in OF_THE_REGISTER else codes[0] & codes[1]
    same = None
    if both:
        sums = [
            (
                sum(num for code, num, _ in said if code in both),
                sum(den for code, _, den in said if code in both),
            )
            for said in pairs
        ]
        one, other = _half_up(*sums[0]), _half_up(*sums[1])
        same = None if one is None or other is None else one - other
    wanted = {
        "change": total,
        "same_schools": None if total is None else same,
        "composition": None if total is None else total - (same or 0),
    }
    found += [
        f"{name} {told[name]!r}, expected {value}"
        for name, value in wanted.items()
        if _shown(told[name]) != value
    ]
    if told["schools_in_both"] != len(both):
        found.append(f"schools_in_both {told['schools_in_both']}, expected {len(both)}")
    return found


def rank_differences(
    oracle: Oracle, window: Window, today: date, view: str, indicator: str, told: list[Row]
) -> list[str]:
    """What the ranked children of a unit say otherwise, figures included."""
    found, known = [], {}
    for child in told:
        rows = oracle.figures(child["unit_id"], window.first, window.last, today, view)["figures"]
        [row] = [r for r in rows if (r["indicator"], r["split"]) == (indicator, None)]
        found += [f"{child['unit_id']}: {what}" for what in row_differences(row, child)]
        if row["state"] == "value":
            value = Fraction(row["numerator"], row["denominator"] or 1)
            ends = child["interval"] or (0, 0)
            low, high = (Fraction(round(end * MILLION), MILLION) for end in ends)
            one = (value, value, value) if low == high else (value, low, high)
            turned = tuple(-part for part in (one[0], one[2], one[1]))
            known[child["unit_id"]] = turned if indicator in LOWER else one
    for child in told:
        mine = known.get(child["unit_id"])
        wanted = None
        if mine is not None:
            others = known.values()
            wanted = {
                "position": 1 + sum(other[0] > mine[0] for other in others),
                "of": len(known),
                "low": 1 + sum(other[1] > mine[2] for other in others),
                "high": len(known) - sum(other[2] < mine[1] for other in others),
            }
        if child["rank"] != wanted:
            found.append(f"{child['unit_id']}: rank {child['rank']}, expected {wanted}")
    return found


async def check_comparisons(
    client: httpx.AsyncClient,
    history: list[Operation],
    units: Iterable[str],
    windows: Iterable[Window],
    views: Iterable[str],
    today: date,
    *,
    ranked: Iterable[str] = tuple(FIXED),
) -> list[str]:
    """All differences between the server's changes and ranks and the oracle's, with their place."""
    oracle, found = Oracle(history), []
    for unit, view, window in product(units, views, windows):
        path = f"/v1/units/{quote(unit, safe='')}"
        asked = window.asked | {"view": view}
        for against in ("previous", "last-year"):
            answer = await client.get(f"{path}/change", params=asked | {"against": against})
            body, older = answer.raise_for_status().json(), before(window, against)
            said = all_change_differences(oracle, unit, window, older, today, view, body)
            found += [f"{unit} {view} {window} against {against}: {what}" for what in said]
        for indicator in ranked:
            answer = await client.get(
                f"{path}/figures/{indicator}/children", params=asked | {"rank": "true"}
            )
            children = answer.raise_for_status().json()["children"]
            said = rank_differences(oracle, window, today, view, indicator, children)
            found += [f"{unit} {view} {window} {indicator} {what}" for what in said]
    return found


def all_change_differences(
    oracle: Oracle,
    unit: str,
    window: Window,
    older: tuple[date, date],
    today: date,
    view: str,
    body: Row,
) -> list[str]:
    """What an answer about the changes of all totals says otherwise; `older` are the days before.

    Indicators beyond the circular's are not the oracle's to judge.
    """
    if (body["against_first"], body["against_last"]) != tuple(map(str, older)):
        return [f"against {body['against']}, expected {older}"]
    spans = ((window.first, window.last), older)
    missing = FIXED.keys() - {told["indicator"] for told in body["changes"]}
    return [f"no change of {indicator}" for indicator in sorted(missing)] + [
        f"{told['indicator']}: {what}"
        for told in body["changes"]
        if told["indicator"] in FIXED
        for what in change_differences(oracle, unit, spans, today, view, told)
    ]
