"""The named lists by brute force: from the client's log to the school codes on each list.

Owns the meaning of the lists as docs/lists.md says it, and holding a server's lists against it, as
JSON and as CSV. Shares no code with the services.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from typing import Any

from tests.oracle.answers import replaces, stock_answers
from tests.oracle.figures import LOOK_BACK, Oracle
from tests.oracle.paging import Get, Row, paged
from tests.oracle.register import canonical
from tests.oracle.visits import Visit

NAMES = ("schools_closed", "not_visited", "teachers_absent", "no_toilet", "no_usable_room")
Sights = list[str]
_STATES: tuple[tuple[str, str, str, Callable[[int], bool]], ...] = (
    ("schools_closed", "status", "schools_open", lambda num: num == 0),
    ("no_toilet", "toilets", "schools_without_toilet", lambda num: num == 1),
    ("no_usable_room", "rooms", "usable_rooms", lambda num: num == 0),
)
"""Lists of a state: the stock group, its figure, and the numerators that are on the list."""


def lists_of(
    oracle: Oracle, unit: str, on: date, today: date, view: str, months: int
) -> dict[str, tuple[int, dict[str, Sights]]]:
    """For each list: how many schools could be on it, and who is, with the ids of its visits."""
    register = oracle.register
    place_day = today if view == "restated" else on
    schools = [
        code
        for code in register.schools
        if register.active(code, on) and register.belongs(code, unit, place_day)
    ]
    told: dict[str, tuple[int, dict[str, Sights]]] = {}
    for name, group, figure, listed in _STATES:
        able, hits = 0, {}
        for code in schools:
            visit = _standing(oracle, code, group, on)
            if visit is None:
                continue
            for indicator, split, num, _ in stock_answers(group, visit.form, None):
                if indicator == figure and split is None:
                    able += 1
                    if listed(num):
                        hits[code] = [visit.visit_id]
        told[name] = able, hits
    told["not_visited"] = (
        len(schools),
        {
            code: [last.visit_id] if last is not None else []
            for code in schools
            for last in [_last(oracle, code, on)]
            if last is None or last.day <= _before(on, months)
        },
    )
    pairs = {code: _counting_teachers(oracle, code, on)[-2:] for code in schools}
    pairs = {code: visits for code, visits in pairs.items() if len(visits) == 2}
    told["teachers_absent"] = (
        len(pairs),
        {
            code: [visit.visit_id for visit in visits]
            for code, visits in pairs.items()
            if all(_missing(visit.form) > 0 for visit in visits)
        },
    )
    return told


def _standing(oracle: Oracle, code: str, group: str, on: date) -> Visit | None:
    said = [v for d, v in oracle.by_school[code] if d <= on and replaces(group, v.form)]
    if not said or (on - said[-1].day).days >= LOOK_BACK:
        return None
    return said[-1] if oracle.register.active(code, said[-1].day) else None


def _last(oracle: Oracle, code: str, on: date) -> Visit | None:
    seen = [visit for day, visit in oracle.by_school[code] if day <= on]
    return seen[-1] if seen else None


def _before(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 - months
    for last in range(day.day, 27, -1):
        try:
            return date(month // 12, month % 12 + 1, last)
        except ValueError:
            continue
    return date(month // 12, month % 12 + 1, day.day)


def _counting_teachers(oracle: Oracle, code: str, on: date) -> list[Visit]:
    return [
        visit
        for day, visit in oracle.by_school[code]
        if 0 <= (on - day).days < LOOK_BACK and _cells(visit.form)
    ]


def _cells(form: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells of an open visit that tell posted and present."""
    if form["status"] != "open":
        return []
    cells = (form.get("teachers") or {}).values()
    return [
        cell
        for cell in cells
        if isinstance(cell, dict)
        and cell.get("posted") is not None
        and cell.get("present") is not None
    ]


def _missing(form: dict[str, Any]) -> int:
    """Teachers neither present nor excused by leave or duty."""
    return sum(
        cell["posted"] - cell["present"] - (cell.get("on_leave") or 0) - (cell.get("on_duty") or 0)
        for cell in _cells(form)
    )


async def list_differences(
    get: Get,
    path: str,
    asked: dict[str, str],
    meant: dict[str, tuple[int, dict[str, Sights]]],
    months: int,
    limit: int,
) -> list[str]:
    """What a unit's lists at `path` say otherwise: their sizes, each page by page, each as CSV."""
    answer = await get(path, asked | {"months": str(months)})
    if answer.status_code != 200:
        return [f"sizes: {answer.status_code} {answer.text[:200]}"]
    sizes = {row["list"]: (row["of"], row["count"]) for row in answer.json()["lists"]}
    wanted = {name: (able, len(hits)) for name, (able, hits) in meant.items()}
    found = [] if sizes == wanted else [f"sizes are {sizes}, expected {wanted}"]
    for name in NAMES:
        able, hits = meant[name]
        own = asked | ({"months": str(months)} if name == "not_visited" else {})
        told = await paged(get, f"{path}/{name}", own, limit, "schools")
        if (told["of"], told["count"], _sights(told["schools"])) != (able, len(hits), hits):
            found.append(f"{name} is {told}, expected {hits} of {able}")
        answer = await get(f"{path}/{name}", own | {"format": "csv"})
        rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        if answer.status_code != 200 or _written(rows) != hits or len(rows) != len(hits):
            found.append(f"{name} as CSV is {answer.status_code} {rows}, expected {hits}")
    return found


def _sights(schools: list[Row]) -> dict[str, Sights]:
    """The ids of the visits by the school's code."""
    return {
        canonical(row["school_code"]): [visit["visit_id"] for visit in row["visits"]]
        for row in schools
    }


def _written(rows: list[dict[str, str]]) -> dict[str, Sights]:
    """The same of the lines of a CSV, in which an apostrophe marks what a spreadsheet would run."""
    columns = ("visit_id", "earlier_visit_id", "later_visit_id")
    return {
        canonical(row["school_code"].removeprefix("'")): [
            row[column] for column in columns if row.get(column)
        ]
        for row in rows
    }
