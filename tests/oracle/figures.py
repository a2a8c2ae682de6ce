"""Every figure of a unit over a window, in the wire form of the figures answer, by brute force.

Owns 02 §4 (flow, stock, restated, coverage) and §5 (states, reliable). Slow and plain on purpose.
"""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Any

from tests.oracle.answers import FIXED, GROUPS, flow_answers, replaces, stock_answers
from tests.oracle.visits import Operation, Visit, World, replay

LOOK_BACK = 365
_REMEMBERED = 1_000
"""Answers kept: the same unit and window are asked about from several sides."""
FLOWS = (
    "student_attendance",
    "teacher_attendance",
    "non_teaching_attendance",
    "official_visits",
    "learning_environment",
    "visits_made",
)
Tally = dict[tuple[str, str | None], list[tuple[str, int, int]]]
Asked = tuple[str, date, date, date, str]
"""A unit, the first and last day, the server's today and the view."""


class Oracle:
    """Answers for one finished history; reading the log once makes many questions affordable."""

    def __init__(self, history: list[Operation], known_at: datetime | None = None) -> None:
        self.world: World = replay(history, known_at)
        self.register = self.world.register
        self.visits: list[tuple[date, str, Visit]] = []
        self.by_school: dict[str, list[tuple[date, Visit]]] = {c: [] for c in self.register.schools}
        for visit in self.world.counted():
            self.visits.append((visit.day, visit.code, visit))
            self.by_school[visit.code].append((visit.day, visit))
        self._figures: dict[Asked, dict[str, Any]] = {}
        self._tallies: dict[Asked, tuple[Tally, list[str]]] = {}

    def figures(self, unit: str, first: date, last: date, today: date, view: str) -> dict[str, Any]:
        """The figures answer for the days first to last; `view` is as_was or restated."""
        asked = (unit, first, last, today, view)
        if asked not in self._figures:
            if len(self._figures) >= _REMEMBERED:
                self._figures.clear()
            self._figures[asked] = self._answer(*asked)
        return self._figures[asked]

    def _answer(self, unit: str, first: date, last: date, today: date, view: str) -> dict[str, Any]:
        last_day = min(last, today)
        tally, registered = self.tally(unit, first, last, today, view)
        known = [
            code
            for code in registered
            if any(0 <= (last_day - day).days < LOOK_BACK for day, _ in self.by_school[code])
        ]
        seen = [c for c in registered for day, _ in self.by_school[c] if first <= day <= last]
        visited = set(seen)
        made = len(tally.get(("visits_made", None), []))
        census = bool(registered) and 5 * len(known) >= 4 * len(registered)
        rows = [
            *_rows(tally),
            _row("schools_known", None, len(known), len(registered), len(known), len(known)),
            _row("coverage", None, len(visited), len(registered), len(seen), len(visited)),
        ]
        return {
            "visits": made,
            "schools_visited": len(visited),
            "schools_registered": len(registered),
            "coverage": (len(visited), len(registered)),
            "figures": [{**row, "reliable": _reliable(row, census=census)} for row in rows],
        }

    def tally(
        self, unit: str, first: date, last: date, today: date, view: str
    ) -> tuple[Tally, list[str]]:
        """What each school answered to each figure, and the schools registered on the last day."""
        asked = (unit, first, last, today, view)
        if asked not in self._tallies:
            if len(self._tallies) >= _REMEMBERED:
                self._tallies.clear()
            self._tallies[asked] = self._said(*asked)
        return self._tallies[asked]

    def _said(
        self, unit: str, first: date, last: date, today: date, view: str
    ) -> tuple[Tally, list[str]]:
        last_day = min(last, today)

        def belongs(code: str, day: date) -> bool:
            return self.register.belongs(code, unit, today if view == "restated" else day)

        tally: Tally = {}
        for day, code, visit in self.visits:
            if first <= day <= last and belongs(code, day):
                answers = self.flowing(visit, self.register.gender(code, day))
                for indicator, split, num, den in answers:
                    tally.setdefault((indicator, split), []).append((code, num, den))
        registered = [
            code
            for code in self.register.schools
            if self.register.active(code, last_day) and belongs(code, last_day)
        ]
        for code in registered:
            for indicator, split, num, den in self.standing(code, last_day):
                tally.setdefault((indicator, split), []).append((code, num, den))
        return tally, registered

    def flowing(self, visit: Visit, gender: str | None) -> list[tuple[str, str | None, int, int]]:
        """What one visit says of the day on which it was made."""
        return flow_answers(visit.form, gender)

    def standing(self, code: str, day: date) -> list[tuple[str, str | None, int, int]]:
        """What stands for an active school on the day, over all stock groups."""
        answers = []
        for group in GROUPS:
            said = [v for d, v in self.by_school[code] if d <= day and replaces(group, v.form)]
            if not said:
                continue
            latest = said[-1]  # the visits are in order, so this one replaced all the others
            if (day - latest.day).days < LOOK_BACK and self.register.active(code, latest.day):
                gender = self.register.gender(code, day)
                answers += stock_answers(group, latest.form, gender)
        return answers


def _rows(tally: Tally) -> list[dict[str, Any]]:
    rows = []
    wanted: dict[tuple[str, str | None], None] = {}
    for indicator, splits in FIXED.items():
        if indicator not in ("schools_known", "coverage"):
            wanted.update({(indicator, split): None for split in (None, *splits)})
    wanted.update(dict.fromkeys(tally))
    for indicator, split in wanted:
        said = tally.get((indicator, split), [])
        num, den = sum(n for _, n, _ in said), sum(d for _, _, d in said)
        schools = len({code for code, _, _ in said})
        rows.append(_row(indicator, split, num, den, len(said), schools))
    return rows


def _row(
    indicator: str, split: str | None, num: int, den: int, visits: int, schools: int
) -> dict[str, Any]:
    if indicator == "visits_made" or den > 0:
        state = "value"
    else:
        state = "not_applicable" if visits else "not_measured"
    return {
        "indicator": indicator,
        "split": split,
        "numerator": num,
        "denominator": None if indicator == "visits_made" else den,
        "visits": visits,
        "schools": schools,
        "state": state,
        "value": Fraction(num, den) if den else None,
    }


def _reliable(row: dict[str, Any], *, census: bool) -> bool:
    """Flows from 5 schools and 10 visits; stocks from 5 schools, or of a census; never nothing."""
    enough = row["schools"] >= 5
    if row["indicator"] in FLOWS:
        enough = enough and row["visits"] >= 10
    elif row["indicator"] == "coverage":  # counts all there are: no sample, nothing to be small
        enough = True
    else:
        enough = enough or census
    return bool(enough and row["state"] == "value")


def figures(
    history: list[Operation], unit_id: str, first: date, last: date, today: date, view: str
) -> dict[str, Any]:
    """Every figure of one unit over [first, last]; `view` is as_was or restated."""
    return Oracle(history).figures(unit_id, first, last, today, view)
