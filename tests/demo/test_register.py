"""The made-up register: Balochistan's areas, sizes that are true to it, and dated changes."""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from demo.register import DAYS, HIGH, Register


@pytest.fixture(scope="module")
def units(register: Register) -> dict[str, dict[str, Any]]:
    return {body["unit_id"]: body for body in register.unit_bodies()}  # type: ignore[misc]


@pytest.fixture(scope="module")
def schools(register: Register) -> list[dict[str, Any]]:
    return [register.school_body(school) for school in range(len(register))]


def test_the_levels_are_those_of_2017(units: dict[str, dict[str, Any]]) -> None:
    levels = Counter(body["level"] for body in units.values())
    assert levels == {"province": 1, "division": 6, "district": 32, "cluster": 1004}
    above = {"division": "province", "district": "division", "cluster": "district"}
    for body in units.values():
        if body["level"] != "province":
            assert units[body["parent_id"]]["level"] == above[body["level"]]
        else:
            assert (body["unit_id"], body["parent_id"]) == ("PK-BA", None)


def test_every_unit_has_a_name_in_both_languages(units: dict[str, dict[str, Any]]) -> None:
    for body in units.values():
        assert body["name"].isascii()
        assert body["names"]["en"] == body["name"]
        assert any("\u0600" <= letter <= "\u06ff" for letter in body["names"]["ur"])
    assert units["PK-BA-QTA"]["names"] == {"en": "Quetta", "ur": "کوئٹہ"}


def test_cluster_ids_are_numbered_within_their_district(units: dict[str, dict[str, Any]]) -> None:
    for body in units.values():
        if body["level"] == "cluster":
            district, number = body["unit_id"].rsplit("-C", 1)
            assert district == body["parent_id"]
            assert len(number) == 3


def test_sizes_are_about_the_real_ones(
    register: Register, schools: list[dict[str, Any]], units: dict[str, dict[str, Any]]
) -> None:
    assert len(schools) == 14_000
    levels = Counter(body["level"] for body in schools)
    assert 0.80 < levels["primary"] / 14_000 < 0.87
    genders = Counter(body["gender"] for body in schools)
    assert 0.5 < genders["boys"] / 14_000 < 0.7
    sizes = Counter(body["unit_id"] for body in schools)
    assert set(sizes) <= set(units)
    assert min(sizes.values()) >= 5
    assert max(sizes.values()) <= 45
    assert 100 < sum(body["status"] == "non_functional" for body in schools) < 600
    assert {body["zone"] for body in schools} == {"summer", "winter"}


def test_codes_are_five_digits_and_unlike(schools: list[dict[str, Any]]) -> None:
    codes = [body["school_code"] for body in schools]
    assert all(len(code) == 5 and code.isdigit() for code in codes)
    assert len({int(code) for code in codes}) == len(codes)
    assert sum(code.startswith("0") for code in codes) > 3_000


def test_a_cluster_is_headed_by_a_high_school_of_its_own(register: Register) -> None:
    for number, cluster in enumerate(register.clusters):
        assert register.level[cluster.head] == HIGH
        assert register.cluster[cluster.head] == number
        assert register.closed_from[cluster.head] == DAYS
        assert register.registered_on[cluster.head] == -1


def test_schools_lie_near_their_district(register: Register) -> None:
    for school in range(0, len(register), 50):
        area = register.districts[register.district[school]]
        assert abs(register.lat[school] - area.lat) < 1.2
        assert abs(register.lon[school] - area.lon) < 1.2
        assert 24.5 < register.lat[school] < 32.5
        assert 60.5 < register.lon[school] < 71


def test_changes_are_dated_and_each_of_another_school(register: Register) -> None:
    changed = [change.school for change in register.changes]
    assert len(set(changed)) == len(changed)
    kinds: Counter[str] = Counter()
    for change in register.changes:
        body, before = register.change_body(change), register.school_body(change.school)
        assert date(2018, 3, 1) < date.fromisoformat(str(body["valid_from"])) < date(2019, 5, 31)
        assert change.known >= change.since
        kinds.update(name for name in body if body[name] != before[name])
        kinds[str(body["status"])] += body["status"] != before["status"]
    assert kinds["closed"] == 48
    assert kinds["merged"] == 12
    assert kinds["unit_id"] == 48
    assert kinds["level"] == 20
    assert kinds["non_functional"] >= 10


def test_some_schools_are_registered_after_their_first_visits(register: Register) -> None:
    late = [school for school in range(len(register)) if register.registered_on[school] >= 0]
    assert len(late) == 30
    first = {body["school_code"] for body in register.school_bodies()}
    assert len(first) == 14_000 - 30
    assert not first & {register.school_code(school) for school in late}
