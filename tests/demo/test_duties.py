"""Targets, officers and rules of the demonstration: whole, and nobody's real address."""

import phonenumbers

from demo import duties
from demo.register import Register


def test_targets_are_fractions_above_their_baselines() -> None:
    targets = duties.targets()
    assert all(0 < one["baseline"] < one["target"] < 1 for one in targets)
    assert len({(one["unit_id"], one["indicator"]) for one in targets}) == len(targets)
    assert sum(one["unit_id"] == "PK-BA" for one in targets) == 9


def test_every_district_has_its_officer(register: Register) -> None:
    officers = duties.officers(register)
    posted = {posting["unit_id"] for one in officers for posting in one["postings"]}
    assert {area.unit_id for area in register.districts} < posted
    assert len({one["officer_id"] for one in officers}) == len(officers) == 33
    for one in officers:
        assert one["email"].endswith("@example.org")
        assert phonenumbers.is_valid_number(phonenumbers.parse(one["phone"]))


def test_rules_recover_above_where_they_fire() -> None:
    for rule in duties.rules():
        assert 0 < rule["below"] < rule["recover_above"] < 1
        assert rule["level"] in ("district", "cluster")
