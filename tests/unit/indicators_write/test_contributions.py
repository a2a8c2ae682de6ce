"""What one school adds to the cells, worked out by hand (04 §2)."""

from collections import Counter

import numpy as np
import pytest

from services.indicators import contributions
from services.indicators.cells import encode_row, sum_presence
from services.indicators.contributions import Deltas, Entries
from services.indicators.form import measure, read_form
from services.indicators.measures import BIT, FLOW, STOCK
from services.indicators.register import Register
from services.indicators.segments import MIN_DAY, SchoolVersion, UnitVersion
from services.indicators.visits import Visits

LOOK_BACK = 365
UNITS = [
    UnitVersion("P", 0, None, "province", 1),
    UnitVersion("D", 0, "P", "district", 2),
    UnitVersion("C1", 0, "D", "cluster", 3),
    UnitVersion("C2", 0, "D", "cluster", 4),
]
OPEN = SchoolVersion("7", 17_000, "C1", "girls", "open", 5)
ROOMS = {"status": "open", "rooms": {"available": 6, "usable": 5}}
Row = tuple[object, ...]


def visit(name: str, day: int, form: dict, *, monitor: str | None = None, received: int = 0) -> Row:
    flow, stock, groups, mask = measure(read_form(form))
    kind = form.get("visit_type") or "routine"
    head = ("s", name, 0, day, day * 86_400_000_000, received, monitor, kind, "standing")
    return (*head, groups, mask, encode_row(flow), encode_row(stock))


def whole(versions: list[SchoolVersion], rows: list[Row]) -> tuple[Register, Deltas]:
    register = Register.from_versions(UNITS, versions)
    deltas = contributions.whole(
        Visits.from_rows(rows), register, register.known_schools(), LOOK_BACK
    )
    return register, deltas


def cells(register: Register, deltas: Deltas, unit: str, kind: str, name: str) -> dict[int, int]:
    sums = getattr(deltas, kind)
    column = (FLOW if kind == "flow" else STOCK).index(name)
    at = sums.unit == register.unit_index[unit]
    values = zip(sums.when[at].tolist(), sums.values[at, column].tolist(), strict=True)
    return {day: value for day, value in values if value}


def test_an_answer_stands_until_the_next_or_as_long_as_the_look_back() -> None:
    fewer = {"status": "open", "rooms": {"available": 6, "usable": 3}}
    register, deltas = whole(
        [OPEN],
        [
            visit("a", 17_600, ROOMS),
            visit("b", 17_650, {"status": "open"}),  # says nothing of rooms
            visit("c", 17_700, fewer),
        ],
    )
    for unit in ("C1", "D", "P"):
        usable = cells(register, deltas, unit, "stock", "rooms_usable")
        assert usable == {17_600: 5, 17_700: -5 + 3, 18_065: -3}
        girls = cells(register, deltas, unit, "stock", "rooms_girls_available")
        assert girls == {17_600: 6, 18_065: -6}
        known = cells(register, deltas, unit, "stock", "known")
        assert known == {17_600: 1, 18_065: -1}
        assert cells(register, deltas, unit, "stock", "registered") == {MIN_DAY: 1}
        assert cells(register, deltas, unit, "flow", "visits") == {17_600: 1, 17_650: 1, 17_700: 1}
    assert cells(register, deltas, "C2", "stock", "registered") == {}


def test_exactly_the_look_back_is_one_day_too_long() -> None:
    register, deltas = whole([OPEN], [visit("a", 17_600, ROOMS), visit("b", 17_965, ROOMS)])
    assert cells(register, deltas, "P", "stock", "rooms_usable") == {17_600: 5, 18_330: -5}


def test_a_move_carries_what_stands_and_leaves_flows_where_they_were() -> None:
    moved = OPEN._replace(unit_id="C2", gender="mixed", valid_from=17_800, version=6)
    register, deltas = whole([OPEN, moved], [visit("a", 17_600, ROOMS)])
    assert cells(register, deltas, "C1", "stock", "rooms_usable") == {17_600: 5, 17_800: -5}
    assert cells(register, deltas, "C2", "stock", "rooms_usable") == {17_800: 5, 17_965: -5}
    assert cells(register, deltas, "D", "stock", "rooms_usable") == {17_600: 5, 17_965: -5}
    assert cells(register, deltas, "D", "stock", "rooms_girls_usable") == {17_600: 5, 17_800: -5}
    assert cells(register, deltas, "D", "stock", "rooms_mixed_usable") == {17_800: 5, 17_965: -5}
    assert cells(register, deltas, "C1", "flow", "visits") == {17_600: 1}
    assert cells(register, deltas, "C2", "flow", "visits") == {}
    assert cells(register, deltas, "C2", "stock", "registered") == {17_800: 1}


def test_a_closed_school_stands_nowhere_and_a_visit_after_closing_counts_as_a_visit() -> None:
    closed = OPEN._replace(status="closed", valid_from=17_700, version=6)
    again = OPEN._replace(valid_from=17_750, version=7)
    register, deltas = whole(
        [OPEN, closed, again], [visit("a", 17_600, ROOMS), visit("b", 17_720, ROOMS)]
    )
    assert cells(register, deltas, "P", "stock", "registered") == {
        MIN_DAY: 1,
        17_700: -1,
        17_750: 1,
    }
    # The second visit ends the first answer and, made while closed, gives none itself.
    assert cells(register, deltas, "P", "stock", "rooms_usable") == {17_600: 5, 17_700: -5}
    known = cells(register, deltas, "P", "stock", "known")
    assert known == {17_600: 1, 17_700: -1, 17_750: 1, 17_720 + LOOK_BACK: -1}
    assert cells(register, deltas, "P", "flow", "visits") == {17_600: 1, 17_720: 1}


def test_the_later_submission_of_a_monitor_counts_and_verification_is_out_before() -> None:
    verification = {**ROOMS, "visit_type": "verification"}
    register, deltas = whole(
        [OPEN],
        [
            visit("a", 17_600, ROOMS, monitor="m", received=2),
            visit("b", 17_600, {"status": "closed_temporarily"}, monitor="m", received=1),
            visit("c", 17_600, ROOMS, monitor="n", received=0),
            visit("d", 17_600, {"status": "refused"}, received=0),
            visit("e", 17_600, verification, monitor="m", received=9),
        ],
    )
    assert cells(register, deltas, "P", "flow", "visits") == {17_600: 3}
    records = sum_presence(deltas.presence.records)
    counts = Counter({int(record["mask"]): int(record["count"]) for record in records})
    assert counts == {BIT["visits"] | BIT["visits_routine"]: 3}


def test_equal_receipts_are_told_apart_by_the_visit_id() -> None:
    closed = {"status": "closed_temporarily"}
    register, deltas = whole(
        [OPEN],
        [
            visit("b", 17_600, ROOMS, monitor="m", received=1),
            visit("a", 17_600, closed, monitor="m", received=1),
        ],
    )
    assert cells(register, deltas, "P", "stock", "status_open") == {17_600: 1, 17_965: -1}


def test_at_one_instant_the_greater_visit_id_stands() -> None:
    fewer = {"status": "open", "rooms": {"available": 6, "usable": 3}}
    register, deltas = whole([OPEN], [visit("b", 17_600, fewer), visit("a", 17_600, ROOMS)])
    assert cells(register, deltas, "P", "stock", "rooms_usable") == {17_600: 3, 17_965: -3}


@pytest.mark.parametrize("largest", [9, 2**31, 2**52, 2**61])
def test_many_rows_are_summed_as_exactly_as_few(largest: int) -> None:
    rng = np.random.default_rng(largest)
    path_units = np.array([[-1, -1], [0, 2], [1, 2]], np.int32)
    count = 3_000
    path, day = rng.integers(0, 3, count), rng.integers(-5, 5, count)
    values = rng.integers(-largest, largest, (count, 4)) // (count if largest > 2**53 else 1)
    values[:, 2] = 0
    entries = Entries(path.astype(np.int32), day.astype(np.int32), values)
    sums = contributions.summed(entries, path_units)
    expected: Counter[tuple[int, int, int]] = Counter()
    for row in range(count):
        for unit in path_units[path[row]].tolist():
            for column in range(4):
                expected[unit, int(day[row]), column] += int(values[row, column])
    found = {
        (int(unit), int(when), column): int(row[column])
        for unit, when, row in zip(sums.unit, sums.when, sums.values, strict=True)
        for column in range(4)
    }
    wanted = {key: value for key, value in expected.items() if key[0] >= 0}
    assert found == wanted
    months = sums.by_month()
    assert months.values.sum() == sums.values.sum()


def test_a_correction_of_the_date_is_one_difference() -> None:
    register = Register.from_versions(UNITS, [OPEN])
    rows = [visit("a", 17_600, ROOMS), visit("b", 17_610, ROOMS), visit("a", 17_620, ROOMS)]
    visits = Visits.from_rows(rows)
    before, after = np.array([True, True, False]), np.array([False, True, True])
    deltas = contributions.difference(visits, before, after, register, LOOK_BACK)
    assert cells(register, deltas, "P", "flow", "visits") == {17_600: -1, 17_620: 1}
    # 5 stood from 17,600 to 17,975; now from 17,610 to 17,985.
    assert cells(register, deltas, "P", "stock", "rooms_usable") == {
        17_600: -5,
        17_610: 5,
        17_975: 5,
        17_985: -5,
    }
    same = contributions.difference(visits, before, before, register, LOOK_BACK)
    assert same.flow.unit.size == same.stock.unit.size == same.presence.path.size == 0
