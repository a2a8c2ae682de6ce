"""Changes, ranks and intervals of a random history, worked out anew from the log, school by school.

Plain loops over the oracle's visits; of the services only the answers are taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import sqrt
from typing import Any

import pytest

from tests.histories.generator import TODAY, random_history, unit_ids
from tests.histories.player import play
from tests.oracle.answers import flow_answers
from tests.oracle.figures import FLOWS, Oracle
from tests.support.embedded import Embedded, embedded

Z = 1.6448536269514722  # of a two-sided 90 % interval
CENSUS = ("schools_known", "coverage")
CONSTANTS = {  # docs/indicators.md
    "student_attendance": (0.15, 0.30),
    "teacher_attendance": (0.20, 0.30),
    "non_teaching_attendance": (0.15, 0.20),
    "official_visits": (0.30, 0.0),
    "learning_environment": (0.20, 0.05),
    "usable_rooms": (0.20, 0.20),
    "usable_toilets": (0.40, 0.30),
}
WINDOWS = {
    "2018": (date(2018, 1, 1), date(2018, 12, 31)),
    "2017": (date(2017, 1, 1), date(2017, 12, 31)),
    "2018-03": (date(2018, 3, 1), date(2018, 3, 31)),
    "2018-Q4": (date(2018, 10, 1), date(2018, 12, 31)),
    "2018-Q3": (date(2018, 7, 1), date(2018, 9, 30)),
    "2017-Q4": (date(2017, 10, 1), date(2017, 12, 31)),
    "2018-06..2018-11": (date(2018, 6, 1), date(2018, 11, 30)),
    "2018-12..2019-05": (date(2018, 12, 1), date(2019, 5, 31)),
    "school-year-2018": (date(2018, 3, 1), date(2019, 2, 28)),
    "school-year-2017": (date(2017, 3, 1), date(2018, 2, 28)),
}
CHANGES = (  # period, what is asked for as against, the period that this is
    ("2018-12..2019-05", None, "2018-06..2018-11"),
    ("2018-Q4", "previous", "2018-Q3"),
    ("2018-Q4", "last-year", "2017-Q4"),
    ("2018-Q4", "2018-03", "2018-03"),
    ("school-year-2018", None, "school-year-2017"),
    ("2018", "last-year", "2017"),
)
Sums = dict[tuple[str, str | None], dict[str, list[int]]]


@dataclass
class World:
    """A house that holds a random history, and the oracle of its log."""

    house: Embedded
    oracle: Oracle
    units: list[str]

    async def get(self, path: str, **asked: Any) -> dict[str, Any]:
        answer = await self.house.client.get(f"/v1/units/{path}", params=asked)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def belongs(self, code: str, unit: str, day: date, view: str) -> bool:
        return self.oracle.register.belongs(code, unit, TODAY if view == "restated" else day)

    def sums(self, unit: str, window: str, view: str) -> Sums:
        """(numerator, denominator, answers) of every school in every line."""
        first, last = WINDOWS[window]
        found: Sums = {}

        def add(code: str, answers: list[tuple[str, str | None, int, int]]) -> None:
            for indicator, split, num, den in answers:
                held = found.setdefault((indicator, split), {}).setdefault(code, [0, 0, 0])
                for at, value in enumerate((num, den, 1)):
                    held[at] += value

        for day, code, visit in self.oracle.visits:
            if first <= day <= last and self.belongs(code, unit, day, view):
                add(code, flow_answers(visit.form, self.oracle.register.gender(code, day)))
        for code in self.members(unit, min(last, TODAY), view):
            add(code, self.oracle.standing(code, min(last, TODAY)))
        return found

    def members(self, unit: str, day: date, view: str) -> list[str]:
        return [
            code
            for code in self.oracle.register.schools
            if self.oracle.register.active(code, day) and self.belongs(code, unit, day, view)
        ]

    def effective(
        self, unit: str, window: str, view: str, line: tuple[str, str | None], own: Sums
    ) -> float:
        """The effective number of answers behind a figure, by the words of the design."""
        first, last = WINDOWS[window]
        schools = own[line]
        whole = sum(den for _, den, _ in schools.values())
        indicator, split = line
        if indicator in CONSTANTS:
            icc, cv2 = CONSTANTS[indicator]
            spread = 1 + cv2
            if indicator in FLOWS:
                times = Counter(
                    code
                    for day, code, _ in self.oracle.visits
                    if first <= day <= last and self.belongs(code, unit, day, view)
                )
                mean = sum(times.values()) / len(times)
                variance = sum((n - mean) ** 2 for n in times.values()) / len(times)
                spread *= 1 + variance / mean**2
            effect = max(1.0, 1 + (whole / len(schools) * spread - 1) * icc)
            size = whole / effect
        else:
            size = float(whole)
        if indicator in FLOWS:
            return size
        day = min(last, TODAY)
        population = self.members(unit, day, view)
        if split is not None and split.startswith("school_gender:"):
            gender = split.partition(":")[2]
            population = [c for c in population if self.oracle.register.gender(c, day) == gender]
        left = max(len(population), len(schools)) - len(schools)
        return size * (len(population) - 1) / left if left else float("inf")


def ends(share: float, size: float) -> tuple[float, float]:
    """Wilson's interval, as printed in 1927."""
    if size == float("inf"):
        return share, share
    part = Z * Z / size
    middle = (share + part / 2) / (1 + part)
    half = Z * sqrt(share * (1 - share) / size + part / (4 * size)) / (1 + part)
    return max(0.0, middle - half), min(1.0, middle + half)


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with embedded(tmp_path_factory.mktemp("comparisons")) as house:
        log = await play(house.client, random_history(20180917, 260), TODAY)
        await house.drain()
        units = unit_ids(log)
        yield World(house, Oracle(log), units)


def share(sums: dict[str, list[int]], schools: set[str]) -> Fraction | None:
    num = sum(n for code, (n, _, _) in sums.items() if code in schools)
    den = sum(d for code, (_, d, _) in sums.items() if code in schools)
    return Fraction(num, den) if den else None


def micro(value: Fraction) -> int:
    return (2_000_000 * value.numerator + value.denominator) // (2 * value.denominator)


def change_of(now: dict[str, list[int]], then: dict[str, list[int]]) -> tuple[Any, Any, Any, int]:
    """Change, same schools, composition (in millionths) and how many schools are in both."""
    both = set(now) & set(then)
    after, before = share(now, set(now)), share(then, set(then))
    if after is None or before is None:
        return None, None, None, len(both)
    moved = micro(after) - micro(before)
    same_after, same_before = share(now, both), share(then, both)
    if same_after is None or same_before is None:
        return moved, None, moved, len(both)
    same = micro(same_after) - micro(same_before)
    return moved, same, moved - same, len(both)


@pytest.mark.parametrize(("period", "asked", "before"), CHANGES)
async def test_a_change_is_what_the_same_schools_did_and_the_rest(
    world: World, period: str, asked: str | None, before: str
) -> None:
    said = 0
    for unit in world.units:
        for view in ("as_was", "restated"):
            against = {} if asked is None else {"against": asked}
            answer = await world.get(f"{unit}/change", period=period, view=view, **against)
            assert answer["against"] == before
            now, then = world.sums(unit, period, view), world.sums(unit, before, view)
            for row in answer["changes"]:
                line = (row["indicator"], None)
                if row["indicator"] in (*CENSUS, "visits_made") or row["indicator"] not in {
                    indicator for indicator, _ in (*now, *then)
                }:
                    continue
                wanted = change_of(now.get(line, {}), then.get(line, {}))
                given = tuple(
                    None if row[name] is None else round(row[name] * 1_000_000)
                    for name in ("change", "same_schools", "composition")
                )
                assert (*given, row["schools_in_both"]) == wanted, (unit, view, row)
                said += wanted[1] is not None
    if period != "2018" and before != "2017-Q4" and before != "school-year-2017":
        assert said > 20, "changes of which nothing is known prove nothing"


async def test_one_line_says_what_all_lines_say(world: World) -> None:
    asked = {"period": "2018-12..2019-05"}
    every = await world.get("PK-BA/change", **asked)
    rooms = next(row for row in every["changes"] if row["indicator"] == "usable_rooms")
    one = await world.get("PK-BA/figures/usable_rooms/change", **asked)
    assert {name: one[name] for name in rooms} == rooms
    same = [
        one[name]["numerator"] / one[name]["denominator"] for name in ("same_after", "same_before")
    ]
    assert one["same_schools"] == pytest.approx(same[0] - same[1], abs=1e-6)


async def test_too_many_visits_leave_the_change_whole(world: World) -> None:
    answer = await world.get("PK-BA/change", period="2018", most_visits=1)
    rows = {row["indicator"]: row for row in answer["changes"]}
    assert not any(row["by_school"] for row in rows.values())
    why = answer["not_by_school"]
    assert why["visits"] > why["most_visits"] == 1
    assert str(why["visits"]) in why["detail"]
    assert all(row["composition"] is None for row in rows.values())
    assert rows["student_attendance"]["after"]["value"] is not None


@pytest.mark.parametrize("window", ["2018", "2018-03", "2018-12..2019-05", "school-year-2018"])
async def test_every_interval_is_that_of_its_schools(world: World, window: str) -> None:
    looked = 0
    for unit in world.units:
        for view in ("as_was", "restated"):
            answer = await world.get(f"{unit}/figures", period=window, view=view)
            own = world.sums(unit, window, view)
            for figure in answer["figures"]:
                line = (figure["indicator"], figure["split"])
                if figure["value"] is None or figure["indicator"] in CENSUS or line not in own:
                    continue
                size = world.effective(unit, window, view, line, own)
                if size == float("inf"):
                    assert figure["n_eff"] is None, (unit, view, figure)
                else:
                    assert figure["n_eff"] == pytest.approx(size, rel=1e-6, abs=1e-6), figure
                low, high = ends(figure["numerator"] / figure["denominator"], size)
                assert figure["interval"] == pytest.approx([low, high], abs=1.5e-6), figure
                looked += 1
    assert looked > 200


@pytest.mark.parametrize("window", ["2018", "2018-12..2019-05"])
async def test_ranks_count_who_is_better_and_who_is_wholly_better(
    world: World, window: str
) -> None:
    ranked = 0
    for unit in world.units:
        for indicator in (*CONSTANTS, "schools_without_toilet", "schools_open", "coverage"):
            answer = await world.get(
                f"{unit}/figures/{indicator}/children", period=window, rank="true"
            )
            field = [child for child in answer["children"] if child["state"] == "value"]
            lower = indicator == "schools_without_toilet"
            for child in field:
                value = Fraction(child["numerator"], child["denominator"])
                values = [Fraction(each["numerator"], each["denominator"]) for each in field]
                better = sum(v < value if lower else v > value for v in values)
                low, high = child["interval"]
                above = sum(each["interval"][0] > high for each in field)
                below = sum(each["interval"][1] < low for each in field)
                wholly, worse = (below, above) if lower else (above, below)
                assert child["rank"] == {
                    "position": better + 1,
                    "of": len(field),
                    "low": wholly + 1,
                    "high": len(field) - worse,
                }
                assert child["rank"]["low"] <= child["rank"]["position"] <= child["rank"]["high"]
                ranked += 1
    assert ranked > 50
