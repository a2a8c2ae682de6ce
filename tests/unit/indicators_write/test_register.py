"""Dated versions of units and schools, and where schools belong, worked out by hand."""

import numpy as np

from services.indicators.measures import UNKNOWN_GENDER
from services.indicators.register import Ids, Register
from services.indicators.segments import MAX_DAY, MIN_DAY, SchoolVersion, UnitVersion

UNITS = [
    UnitVersion("P", 100, None, "province", 1),
    UnitVersion("D1", 100, "P", "district", 2),
    UnitVersion("D2", 100, "P", "district", 3),
    UnitVersion("C1", 100, "D1", "cluster", 4),
    UnitVersion("C2", 100, "D2", "cluster", 5),
]


def school(day: int, version: int, *, unit: str = "C1", status: str = "open") -> SchoolVersion:
    return SchoolVersion("9", day, unit, "girls", status, version)


def chain(register: Register, day: int) -> list[str]:
    number = register.school_index["9"]
    return [register.unit_ids[unit] for unit in register.chain(number, day)]


def segments(register: Register) -> list[tuple[int, int, list[str], int, int]]:
    return [
        (
            int(register.seg_start[at]),
            int(register.seg_end[at]),
            [register.unit_ids[unit] for unit in register.paths[register.seg_path[at]]],
            int(register.seg_active[at]),
            int(register.seg_gender[at]),
        )
        for at in range(register.seg_start.size)
    ]


def test_the_first_version_serves_all_days_before_it() -> None:
    register = Register.from_versions(UNITS, [school(200, 6)])
    assert chain(register, -50_000) == chain(register, 50_000) == ["C1", "D1", "P"]
    assert segments(register) == [(MIN_DAY, MAX_DAY, ["C1", "D1", "P"], 1, 1)]


def test_a_school_moves_closes_and_reopens() -> None:
    versions = [
        school(200, 6),
        school(300, 7, unit="C2"),
        school(400, 8, unit="C2", status="closed"),
        school(450, 9, unit="C2", status="merged"),
        school(500, 10, status="non_functional"),
    ]
    register = Register.from_versions(UNITS, versions)
    assert segments(register) == [
        (MIN_DAY, 300, ["C1", "D1", "P"], 1, 1),
        (300, 400, ["C2", "D2", "P"], 1, 1),
        (400, 500, ["C2", "D2", "P"], 0, 1),
        (500, MAX_DAY, ["C1", "D1", "P"], 1, 1),
    ]
    now = register.restated(350)
    assert [path for _, _, path, _, _ in segments(now)] == [["C2", "D2", "P"]] * 4
    assert [active for _, _, _, active, _ in segments(now)] == [1, 1, 0, 1]
    assert register.steady(register.unit_index["P"], 350)
    assert not register.steady(register.unit_index["D1"], 350)
    for day, under in ((250, True), (350, False), (600, True)):
        inside = register.schools_under(register.unit_index["D1"], day)
        assert (inside.size == 1) == under
    at_450 = register.schools_under(register.unit_index["D2"], 450)
    assert at_450.tolist() == [0]
    assert register.schools_under(register.unit_index["D2"], 450, active=True).size == 0


def test_the_same_key_is_replaced_by_the_greater_version_in_any_order() -> None:
    old, new = school(200, 6), school(200, 7, unit="C2")
    for order in ([old, new], [new, old]):
        register = Register.from_versions(UNITS, order)
        assert chain(register, 250) == ["C2", "D2", "P"]


def test_a_cluster_and_a_district_move() -> None:
    register = Register.from_versions(UNITS, [school(200, 6)])
    register, changed = register.patched([UnitVersion("C1", 300, "D2", "cluster", 7)], [])
    assert changed.tolist() == [0]
    assert chain(register, 299) == ["C1", "D1", "P"]
    assert chain(register, 300) == ["C1", "D2", "P"]
    register, changed = register.patched([UnitVersion("D2", 400, None, "district", 8)], [])
    assert chain(register, 400) == ["C1", "D2"]
    register, changed = register.patched([UnitVersion("D1", 250, "P", "district", 9)], [])
    assert changed.size == 0  # another version that says the same


def test_units_may_arrive_in_any_order() -> None:
    register, changed = Register.empty().patched([], [school(200, 6)])
    assert chain(register, 250) == []
    assert changed.tolist() == [0]
    for unit in UNITS:
        register, changed = register.patched([unit], [])
    assert chain(register, 250) == ["C1", "D1", "P"]


def test_a_loop_of_parents_is_cut_where_it_closes() -> None:
    looped = [*UNITS, UnitVersion("P", 300, "C1", "province", 7)]
    register = Register.from_versions(looped, [school(200, 6)])
    assert chain(register, 299) == ["C1", "D1", "P"]
    assert chain(register, 300) == ["C1", "D1", "P"]


def test_integers_given_before_are_kept() -> None:
    first = Register.from_versions(UNITS, [school(200, 6)])
    ids = Ids(first.unit_ids[::-1], ("other", "9"), ((), (1, 2)))
    again = Register.from_versions(UNITS, [school(200, 6)], ids)
    assert again.unit_ids == first.unit_ids[::-1]
    assert again.school_index["9"] == 1
    assert again.known_schools().tolist() == [1]
    assert chain(again, 250) == chain(first, 250)
    assert again.paths[:2] == ((), (1, 2))
    assert not again.has_segments(np.array([0, 7], np.int32)).any()


def test_gender_is_coded_and_may_be_unknown() -> None:
    versions = [
        SchoolVersion("9", 100, "C1", None, "open", 1),
        SchoolVersion("9", 200, "C1", "mixed", "open", 2),
        SchoolVersion("9", 300, "C1", "boys", "open", 3),
    ]
    register = Register.from_versions(UNITS, versions)
    assert register.seg_gender.tolist() == [UNKNOWN_GENDER, 2, 0]
