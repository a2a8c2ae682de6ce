"""The pure fold against brute force: whole, difference and refold, all units, days and measures."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.indicators import contributions
from services.indicators.cells import sum_presence
from services.indicators.contributions import Deltas, Sums
from services.indicators.measures import FLOW, STOCK
from services.indicators.register import Register
from services.indicators.visits import Visits
from tests.properties.fold_worlds import (
    DAYS,
    LOOK_BACK,
    SCHOOLS,
    Book,
    Cells,
    Known,
    corrected,
    flows,
    school_change,
    stocks,
    unit_change,
    units,
    visit,
)

SEEDS = st.integers(0, 2**32)


def named(sums: Sums, names: tuple[str, ...], register: Register) -> Cells:
    cells: Cells = Counter()
    for unit, when, values in zip(sums.unit, sums.when, sums.values, strict=True):
        for name, value in zip(names, values.tolist(), strict=True):
            if value:
                cells[register.unit_ids[unit], int(when), name] += value
    return cells


def plus(one: Cells, other: Cells, sign: int = 1) -> Cells:
    total = Counter(one)
    for key, value in other.items():
        total[key] += sign * value
    return Counter({key: value for key, value in total.items() if value})


def standing(changes: Cells, day: int) -> Cells:
    total: Cells = Counter()
    for (unit, when, name), value in changes.items():
        if when <= day:
            total[unit, day, name] += value
    return Counter({key: value for key, value in total.items() if value})


def columns(visits: list[Known], register: Register) -> Visits:
    """Visits of registered schools only, as the fold loads them."""
    return Visits.from_rows(
        v.row(register.school_index[v.code]) for v in visits if v.code in register.school_index
    )


def whole(visits: list[Known], register: Register, look_back: int = LOOK_BACK) -> Deltas:
    return contributions.whole(
        columns(visits, register), register, register.known_schools(), look_back
    )


def compare_with_brute_force(deltas: Deltas, visits: list[Known], register: Register, book: Book):
    assert named(deltas.flow, FLOW, register) == flows(visits, book)
    changes = named(deltas.stock, STOCK, register)
    for day in (*range(DAYS[0] - 2, DAYS[-1] + LOOK_BACK + 3),):
        assert standing(changes, day) == stocks(visits, book, day), day


def world(rng: Random) -> tuple[list, list, list[Known]]:
    unit_versions = units(rng) + [unit_change(rng, n + 2) for n in range(rng.randrange(4))]
    schools = [school_change(rng, n + 10) for n in range(rng.randrange(1, 12))]
    visits = [visit(rng, n) for n in range(rng.randrange(40))]
    return unit_versions, schools, visits


@settings(max_examples=120, deadline=None)
@given(SEEDS)
def test_whole_is_what_brute_force_says(seed: int) -> None:
    unit_versions, schools, visits = world(Random(seed))
    register = Register.from_versions(unit_versions, schools)
    deltas = whole(visits, register)
    compare_with_brute_force(deltas, visits, register, Book(unit_versions, schools))


@settings(max_examples=120, deadline=None)
@given(SEEDS)
def test_difference_is_whole_after_minus_whole_before(seed: int) -> None:
    rng = Random(seed)
    unit_versions, schools, visits = world(rng)
    register = Register.from_versions(unit_versions, schools)
    after = [v if rng.random() < 0.7 else corrected(rng, v, 2) for v in visits]
    after += [visit(rng, 1000 + n) for n in range(rng.randrange(5))]
    after = [v for v in after if rng.random() < 0.9]
    union = visits + [v for v in after if v not in visits]
    known = [v for v in union if v.code in register.school_index]
    loaded = columns(union, register)
    was = np.array([v in visits for v in known], bool)
    is_now = np.array([v in after for v in known], bool)
    change = contributions.difference(loaded, was, is_now, register, LOOK_BACK)
    old, new = whole(visits, register), whole(after, register)
    for part, names in (("flow", FLOW), ("stock", STOCK)):
        expected = plus(
            named(getattr(new, part), names, register),
            named(getattr(old, part), names, register),
            -1,
        )
        assert named(getattr(change, part), names, register) == expected
    assert presence(new) == plus(presence(old), presence(change))


def presence(deltas: Deltas) -> Counter:
    """(path, quarter, school, day, mask) -> count."""
    change = deltas.presence
    found: Counter = Counter()
    for path, quarter, record in zip(change.path, change.quarter, change.records, strict=True):
        key = (int(path), int(quarter), *(int(record[n]) for n in ("school", "day", "mask")))
        found[key] += int(record["count"])
    return Counter({key: value for key, value in found.items() if value})


@settings(max_examples=120, deadline=None)
@given(SEEDS)
def test_refold_follows_any_change_of_the_register(seed: int) -> None:
    rng = Random(seed)
    unit_versions, schools, visits = world(rng)
    old = Register.from_versions(unit_versions, schools)
    more_units = [unit_change(rng, n + 50) for n in range(rng.randrange(3))]
    more_schools = [school_change(rng, n + 60) for n in range(rng.randrange(4))]
    new, changed = old.patched(more_units, more_schools)
    chosen = set(changed.tolist())
    mine = [v for v in visits if new.school_index.get(v.code) in chosen]
    change = contributions.refold(columns(mine, new), old, new, changed, LOOK_BACK)
    before, after = whole(visits, old), whole(visits, new)
    for part, names in (("flow", FLOW), ("stock", STOCK)):
        total = plus(
            named(getattr(before, part), names, new), named(getattr(change, part), names, new)
        )
        assert total == named(getattr(after, part), names, new)
    assert presence(after) == plus(presence(before), presence(change))
    all_units, all_schools = unit_versions + more_units, schools + more_schools
    compare_with_brute_force(after, visits, new, Book(all_units, all_schools))


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_a_patched_register_is_the_register_built_at_once(seed: int) -> None:
    rng = Random(seed)
    unit_versions, schools, _ = world(rng)
    grown = Register.empty()
    left_units, left_schools = list(unit_versions), list(schools)
    rng.shuffle(left_units)
    rng.shuffle(left_schools)
    while left_units or left_schools:
        some = rng.randrange(3)
        grown, _ = grown.patched(left_units[:some], left_schools[: 2 - some])
        left_units, left_schools = left_units[some:], left_schools[2 - some :]
    book = Book(unit_versions, schools)
    for code in {version.code for version in schools}:
        for day in DAYS:
            chain = grown.chain(grown.school_index[code], day)
            assert [grown.unit_ids[unit] for unit in chain] == book.chain(code, day)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_months_are_the_sums_of_their_days(seed: int) -> None:
    unit_versions, schools, visits = world(Random(seed))
    register = Register.from_versions(unit_versions, schools)
    sums = whole(visits, register).stock
    months: Cells = Counter()
    for (unit, day, name), value in named(sums, STOCK, register).items():
        date = np.datetime64(day, "D").item()
        months[unit, date.year * 12 + date.month - 1, name] += value
    assert named(sums.by_month(), STOCK, register) == plus(months, Counter())


@pytest.mark.parametrize("school", SCHOOLS)
def test_nothing_adds_nothing(school: str) -> None:
    register = Register.from_versions(units(Random(1)), [])
    deltas = whole([], register)
    assert deltas.flow.unit.size == deltas.stock.unit.size == deltas.presence.path.size == 0
    assert sum_presence(deltas.presence.records).size == 0
