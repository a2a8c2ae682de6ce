"""Laws that the oracle's figures obey on any history, found by Hypothesis."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.histories.generator import TODAY, histories, random_history, unit_ids
from tests.histories.order import shuffled
from tests.oracle.answers import FIXED
from tests.oracle.compare import VIEWS
from tests.oracle.figures import Oracle
from tests.oracle.visits import Operation

NAMES = ("numerator", "denominator", "visits", "schools")
FLOWS = (
    "student_attendance",
    "teacher_attendance",
    "non_teaching_attendance",
    "official_visits",
    "learning_environment",
    "visits_made",
)
PARTED = ("student_attendance", "teacher_attendance", "non_teaching_attendance", "usable_toilets")
some_days = st.dates(date(2018, 1, 1), date(2019, 5, 31))
quick = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)


def table(answer: dict[str, Any]) -> dict[tuple[str, str | None], tuple[int, ...]]:
    """The integers of every figure that says something."""
    rows = {
        (row["indicator"], row["split"]): tuple(row[name] or 0 for name in NAMES)
        for row in answer["figures"]
    }
    return {key: numbers for key, numbers in rows.items() if any(numbers)}


def children(oracle: Oracle, unit: str, day: date) -> list[str]:
    """The units and schools directly below the unit on the day."""
    chains = [oracle.register.chain(code, day) for code in oracle.register.schools]
    return sorted({chain[chain.index(unit) - 1] for chain in chains if unit in chain})


@quick
@given(histories(20, 80), some_days, st.integers(0, 90), st.sampled_from(VIEWS))
def test_parts_equal_the_whole(
    history: list[Operation], first: date, length: int, view: str
) -> None:
    oracle = Oracle(history)
    for unit in ("PK-BA", "PK-BA-QTA", "CL-01"):
        last = first + timedelta(days=length)
        rows = table(oracle.figures(unit, first, last, TODAY, view))
        for indicator in PARTED:
            parts = [rows.get((indicator, split), (0, 0)) for split in FIXED[indicator]]
            total = rows.get((indicator, None), (0, 0))
            assert total[:2] == tuple(sum(p[n] for p in parts) for n in (0, 1))
        for indicator in ("visits_made", "usable_rooms", "learning_environment"):
            total = rows.get((indicator, None), (0, 0, 0))
            split_rows = [row for (i, s), row in rows.items() if i == indicator and s is not None]
            assert total[:3] == tuple(sum(row[n] for row in split_rows) for n in (0, 1, 2))


@quick
@given(histories(20, 80), some_days, st.sampled_from(VIEWS))
def test_a_parent_is_the_sum_of_its_children_on_a_day(
    history: list[Operation], day: date, view: str
) -> None:
    oracle = Oracle(history)
    whose = TODAY if view == "restated" else day
    for unit in ("PK-BA", *[u for u in oracle.register.units if u != "PK-BA"]):
        whole = table(oracle.figures(unit, day, day, TODAY, view))
        added: dict[tuple[str, str | None], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for child in children(oracle, unit, whose):
            for key, row in table(oracle.figures(child, day, day, TODAY, view)).items():
                added[key] = [a + b for a, b in zip(added[key], row, strict=True)]
        assert whole == {key: tuple(row) for key, row in added.items()}


@quick
@given(histories(20, 80), some_days, st.integers(2, 60), st.sampled_from(VIEWS))
def test_flows_of_two_windows_add_up(
    history: list[Operation], first: date, length: int, view: str
) -> None:
    oracle = Oracle(history)
    middle, last = first + timedelta(days=length // 2), first + timedelta(days=length)
    spans = ((first, middle), (middle + timedelta(days=1), last), (first, last))
    one, two, both = (table(oracle.figures("PK-BA", a, b, TODAY, view)) for a, b in spans)
    for key in one.keys() | two.keys() | both.keys():
        if key[0] in FLOWS:
            pair = [one.get(key, (0, 0, 0)), two.get(key, (0, 0, 0))]
            assert both.get(key, (0, 0, 0))[:3] == tuple(sum(p[n] for p in pair) for n in range(3))


@quick
@given(histories(20, 80), st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_arrival_does_not_matter(
    history: list[Operation], rng: Random, register_first: bool
) -> None:
    other = shuffled(history, rng, register_first=register_first)
    assert sorted(map(repr, other)) == sorted(map(repr, history))
    here, there = Oracle(history), Oracle(other)
    for unit in unit_ids(history)[::3]:
        for view in VIEWS:
            for first in (date(2018, 3, 1), date(2018, 9, 1)):
                window = (first, first + timedelta(days=30))
                assert table(here.figures(unit, *window, TODAY, view)) == table(
                    there.figures(unit, *window, TODAY, view)
                )


@quick
@given(histories(1, 40))
def test_shape_of_every_answer(history: list[Operation]) -> None:
    answer = Oracle(history).figures("PK-BA", date(2018, 3, 1), date(2018, 3, 31), TODAY, "as_was")
    keys = [(row["indicator"], row["split"]) for row in answer["figures"]]
    assert len(keys) == len(set(keys))
    assert {(i, s) for i, splits in FIXED.items() for s in (None, *splits)} <= set(keys)
    for row in answer["figures"]:
        assert 0 <= row["numerator"] <= (row["denominator"] or row["numerator"])
        assert row["schools"] <= row["visits"] or row["indicator"] == "coverage"
        if row["indicator"] != "visits_made":
            assert (row["state"] == "value") == (row["denominator"] > 0)


def test_a_random_history_exercises_everything() -> None:
    history = random_history(7, 600)
    kinds = {operation["op"] for operation in history}
    assert kinds >= {"visit", "correct", "withdraw", "restore", "review", "replay", "conflict"}
    assert {o.get("decision") for o in history} >= {"exclude", "include", "release"}
    oracle = Oracle(history)
    visits = oracle.world.visits.values()
    counted = {(v.source, v.visit_id) for _, _, v in oracle.visits}
    left = [v for v in visits if (v.source, v.visit_id) not in counted]
    superseded = [v for v in left if oracle.world.standing(v)]
    assert len(counted) > 100
    assert len(superseded) > 5
    assert any(v.withdrawn for v in left)
    assert any(v.excluded for v in left)
    assert any(v.released for v in visits)
    assert any(v.day < date(2018, 1, 1) and not v.released for v in left)
    states = set()
    for unit in unit_ids(history):
        month = (date(2018, 3, 1), date(2018, 3, 31))
        for row in oracle.figures(unit, *month, TODAY, "as_was")["figures"]:
            states.add((row["indicator"], row["state"]))
    assert {i for i, state in states if state == "value"} == set(FIXED)
    some = oracle.figures("PK-BA-QTA", date(2018, 3, 1), date(2018, 3, 31), TODAY, "as_was")
    again = oracle.figures("PK-BA-QTA", date(2018, 3, 1), date(2018, 3, 31), TODAY, "restated")
    assert table(some) != table(again)
