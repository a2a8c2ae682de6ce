"""The circular as a test: the oracle's integers of three units, and the percentages they print."""

import json
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from demo.visits import COUNTED, History
from tests.demo.history_log import operations
from tests.oracle.figures import Oracle

PINNED = json.loads((Path(__file__).parent / "pinned.json").read_text(encoding="utf-8"))
CIRCULAR = {
    "usable_rooms": 82,
    "official_visits": 70,
    "non_teaching_attendance": 86,
    "student_attendance": 74,
    "teacher_attendance": 71,
    "usable_toilets": 48,
    "learning_environment": 36,
}
FIRST, LAST, TODAY = date(2018, 1, 1), date(2019, 5, 31), date(2019, 6, 3)
Said = Callable[[str], dict[str, Any]]
NUMBERS = ("numerator", "denominator", "visits", "schools")


def totals(oracle: Oracle, unit_id: str) -> dict[str, Any]:
    """What pinned.json holds of a unit: the integers of every indicator without its splits."""
    said = oracle.figures(unit_id, FIRST, LAST, TODAY, "as_was")
    return {
        "visits": said["visits"],
        "schools_visited": said["schools_visited"],
        "schools_registered": said["schools_registered"],
        "figures": {
            row["indicator"]: {name: row[name] for name in NUMBERS}
            for row in said["figures"]
            if row["split"] is None
        },
    }


@pytest.fixture(scope="module")
def said(history: History) -> Said:
    """The totals of a unit by its id; the history is read once, from first to last."""
    oracle = Oracle(operations(history))  # type: ignore[arg-type]
    return cache(lambda unit_id: totals(oracle, unit_id))


@pytest.mark.parametrize("unit_id", sorted(PINNED["units"]))
def test_the_integers_are_the_pinned_ones(said: Said, unit_id: str) -> None:
    assert said(unit_id) == PINNED["units"][unit_id]


def test_the_province_prints_the_circular(said: Said) -> None:
    province = said("PK-BA")
    assert province["visits"] == COUNTED == 57_158
    for indicator, percent in CIRCULAR.items():
        row = province["figures"][indicator]
        share = 100 * Fraction(row["numerator"], row["denominator"])
        assert abs(share - percent) < Fraction(3, 10), indicator


def test_clubs_and_procurement_are_plausible(said: Said) -> None:
    figures = said("PK-BA")["figures"]
    for indicator in ("child_clubs", "procurement_participation"):
        row = figures[indicator]
        assert 0.3 < row["numerator"] / row["denominator"] < 0.5


def test_districts_differ_as_districts_do(said: Said, history: History) -> None:
    shares = []
    for area in history.register.districts:
        row = said(area.unit_id)["figures"]["teacher_attendance"]
        shares.append(100 * row["numerator"] / row["denominator"])
    assert max(shares) - min(shares) > 15
    assert sum(60 < share < 82 for share in shares) > 25
    assert all(45 < share < 92 for share in shares)
