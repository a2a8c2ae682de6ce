"""The parts of a unit's figures by what schools and visits are, by brute force.

Owns the word of a school or visit of one kind; what counts, belongs and stands is `figures`'.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from tests.oracle.answers import FIXED, flow_answers
from tests.oracle.figures import FLOWS, LOOK_BACK, Oracle
from tests.oracle.register import in_force
from tests.oracle.visits import Visit

KINDS = ("school_gender", "school_level", "zone", "shift", "visit_type")
FIELDS = {"school_gender": "gender", "school_level": "level", "zone": "zone", "shift": "shift"}
Said = tuple[str, int, int]
"""A school with its numerator and denominator."""
Part = tuple[int, int, int, int]
"""Numerator, denominator, visits, schools."""


def word(oracle: Oracle, kind: str, code: str, day: date, visit: Visit | None) -> str:
    """What the school, or the visit, is called on the day."""
    if kind == "visit_type":
        assert visit is not None
        return visit.form.get("visit_type") or "routine"
    return in_force(oracle.register.schools[code], day).get(FIELDS[kind]) or "unspecified"


def parts(
    oracle: Oracle, unit: str, window: tuple[date, date], today: date, view: str, kind: str
) -> dict[tuple[str, str], Part]:
    """Every total of the unit divided by the words of the kind; parts of nothing are left out."""
    first, last_day = window[0], min(window[1], today)
    tally: dict[tuple[str, str], list[Said]] = {}

    def say(indicator: str, part: str, said: Said) -> None:
        tally.setdefault((indicator, part), []).append(said)

    def belongs(code: str, day: date) -> bool:
        return oracle.register.belongs(code, unit, today if view == "restated" else day)

    for day, code, visit in oracle.visits:
        if first <= day <= window[1] and belongs(code, day):
            part = word(oracle, kind, code, day, visit)
            for indicator, split, num, den in flow_answers(visit.form, None):
                if split is None:
                    say(indicator, part, (code, num, den))
    if kind != "visit_type":
        _of_schools(oracle, last_day, (first, window[1]), belongs, kind, say)
    return {
        key: (
            sum(num for _, num, _ in said),
            sum(den for _, _, den in said),
            sum(1 for code, _, _ in said if not code.startswith("-")),
            len({code for code, _, _ in said if not code.startswith("-")}),
        )
        for key, said in tally.items()
    }


def _of_schools(
    oracle: Oracle,
    last_day: date,
    window: tuple[date, date],
    belongs: Callable[[str, date], bool],
    kind: str,
    say: Callable[[str, str, Said], None],
) -> None:
    """Stocks, and what the register alone says; a "-" marks a school that did not answer."""
    for code in oracle.register.schools:
        if not (oracle.register.active(code, last_day) and belongs(code, last_day)):
            continue
        part = word(oracle, kind, code, last_day, None)
        for indicator, split, num, den in oracle.standing(code, last_day):
            if split is None:
                say(indicator, part, (code, num, den))
        days = [day for day, _ in oracle.by_school[code]]
        known = any(0 <= (last_day - day).days < LOOK_BACK for day in days)
        say("schools_known", part, (code if known else f"-{code}", int(known), 1))
        seen = [day for day in days if window[0] <= day <= window[1]]
        say("coverage", part, (code if seen else f"-{code}", int(bool(seen)), 1))
        for _ in seen[1:]:
            say("coverage", part, (code, 0, 0))


def part_differences(
    oracle: Oracle,
    unit: str,
    window: tuple[date, date],
    today: date,
    view: str,
    kind: str,
    rows: list[dict[str, Any]],
) -> list[str]:
    """What the parts among the rows of a figures answer say otherwise, or do not add up to.

    Every indicator has parts of every kind, stocks none by what visits are.
    """
    expected = parts(oracle, unit, window, today, view, kind)
    found = []
    for total in [row for row in rows if row["split"] is None and row["indicator"] in FIXED]:
        code = total["indicator"]
        own = {
            row["split"].partition(":")[2]: row
            for row in rows
            if row["indicator"] == code and str(row["split"]).startswith(f"{kind}:")
        }
        if kind == "visit_type" and code not in FLOWS:
            found += [f"{code} by {kind}: a state is no visit's: {own}"] if own else []
            continue
        if _added(list(own.values())) != _added([total]):
            found.append(f"{code} by {kind}: {own} do not add up to {total}")
        told = {
            part: (row["numerator"], row["denominator"] or 0, row["visits"], row["schools"])
            for part, row in own.items()
        }
        wanted = {part: said for (name, part), said in expected.items() if name == code}
        if _saying(told) != _saying(wanted):
            found.append(f"{code} by {kind}: {_saying(told)}, expected {_saying(wanted)}")
    return found


def _added(rows: list[dict[str, Any]]) -> tuple[int, ...]:
    names = ("numerator", "denominator", "visits")
    return tuple(sum(row[name] or 0 for row in rows) for name in names)


def _saying(told: dict[str, Part]) -> dict[str, Part]:
    """The parts with anything in them: one that is absent says the same as one of zeros."""
    return {part: said for part, said in told.items() if any(said)}
