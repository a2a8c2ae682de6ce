"""Reorganisations: units renamed, split, merged, dissolved and put under others, with dates.

Owns what a government would announce and a client then PUTs: new units with predecessors, the
clusters or schools that follow them from a day on, often announced late, sometimes ahead, sometimes
taken back. Single facts about one school or unit are `register`'s.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from tests.histories.register import (
    BEGIN,
    END,
    Facts,
    Record,
    school,
    some_day,
    unit,
    without_dates,
)

AHEAD = date(2019, 6, 30)
ALIASES = ("GGPS Mehrabad", "9001")
"""What a school is also called; one looks like a code, and is the code of no school."""


def anything(rng: Random, facts: Facts) -> list[Record]:
    """One reorganisation: the calls that tell it."""
    chosen = rng.choice(
        (
            rename,
            split_district,
            split_district,
            merge_districts,
            split_cluster,
            split_cluster,
            merge_clusters,
            insert_tehsil,
            move_schools,
            take_back,
            say_again,
            successor_of_a_school,
        )
    )
    return chosen(rng, facts)


def _day(rng: Random) -> str:
    """A day for a reorganisation: within the visits, before them, or still to come."""
    chance = rng.random()
    if chance < 0.1:
        return some_day(rng, BEGIN - timedelta(days=400), BEGIN).isoformat()
    if chance < 0.2:
        return some_day(rng, END, AHEAD).isoformat()
    return some_day(rng).isoformat()


def _units(facts: Facts, *levels: str) -> list[Record]:
    return [record for record in facts.units.values() if record["level"] in levels]


def _schools_of(facts: Facts, unit_id: str) -> list[Record]:
    return [record for record in facts.schools.values() if record["unit_id"] == unit_id]


def _below(facts: Facts, unit_id: str) -> list[Record]:
    return [record for record in facts.units.values() if record.get("parent_id") == unit_id]


def _dated(record: Record, since: str, **changes: Any) -> Record:
    """The record as it is from that day on."""
    return {**without_dates(record), **changes, "valid_from": since}


def _put_units(rng: Random, facts: Facts, records: list[Record]) -> Record:
    """A PUT of units in any order: parents may come after children."""
    facts.units.update({record["unit_id"]: record for record in records})
    return {"op": "units", "items": rng.sample(records, len(records))}


def _put_schools(rng: Random, facts: Facts, records: list[Record]) -> list[Record]:
    """A PUT of schools, or none when there are none."""
    facts.schools.update({record["school_code"]: record for record in records})
    return [{"op": "schools", "items": rng.sample(records, len(records))}] if records else []


def _new(rng: Random, facts: Facts, level: str, parent: str | None, since: str) -> Record:
    """A unit that was not there; sometimes without a day, as if it had always been."""
    record = unit(f"{level[:2].upper()}-N{len(facts.units):03}", level, parent)
    if rng.random() < 0.7:
        record["valid_from"] = since
    return record


def rename(rng: Random, facts: Facts) -> list[Record]:
    """Another name, other spellings: nothing moves."""
    since = _day(rng)
    if rng.random() < 0.3:
        old = rng.choice(list(facts.schools.values()))
        names = {"name": f"Renamed on {since}", "aliases": [old["name"], rng.choice(ALIASES)]}
        return _put_schools(rng, facts, [_dated(old, since, **names)])
    old = rng.choice(list(facts.units.values()))
    new = _dated(old, since, name=f"New {old['unit_id']}", aliases=[old["name"]])
    return [_put_units(rng, facts, [new])]


def split_district(rng: Random, facts: Facts) -> list[Record]:
    """A new district takes some clusters of an old one, in one upload or cluster by cluster."""
    old = rng.choice(_units(facts, "district"))
    since = _day(rng)
    parent = old["parent_id"]
    if rng.random() < 0.3:
        parent = rng.choice(_units(facts, "division"))["unit_id"]
    new = _new(rng, facts, "district", parent, since)
    new["predecessors"] = [old["unit_id"]]
    below = _below(facts, old["unit_id"])
    leaving = rng.sample(below, rng.randint(0, len(below)))
    moved = [_dated(record, since, parent_id=new["unit_id"]) for record in leaving]
    if rng.random() < 0.5:
        return [_put_units(rng, facts, [new, *moved])]
    return [_put_units(rng, facts, [record]) for record in (new, *moved)]


def merge_districts(rng: Random, facts: Facts) -> list[Record]:
    """Two districts become one of them, or a third one; what is left over ends."""
    one, other = rng.sample(_units(facts, "district"), 2)
    since = _day(rng)
    records = []
    target, gone = other, [one]
    if rng.random() < 0.4:
        target, gone = _new(rng, facts, "district", other["parent_id"], since), [one, other]
        target["predecessors"] = [one["unit_id"], other["unit_id"]]
        records.append(target)
    for old in gone:
        under = _below(facts, old["unit_id"])
        records += [_dated(record, since, parent_id=target["unit_id"]) for record in under]
        if rng.random() < 0.5 and old.get("valid_from", BEGIN.isoformat()) <= since:
            records.append({**old, "valid_to": since})  # the same key: only its end is new
    return [_put_units(rng, facts, records)] if records else rename(rng, facts)


def split_cluster(rng: Random, facts: Facts) -> list[Record]:
    """A new cluster takes some schools of an old one."""
    old = rng.choice(_units(facts, "cluster"))
    since = _day(rng)
    new = _new(rng, facts, "cluster", old["parent_id"], since)
    new["predecessors"] = [old["unit_id"]]
    schools = _schools_of(facts, old["unit_id"])
    leaving = rng.sample(schools, rng.randint(0, len(schools)))
    moved = [_dated(record, since, unit_id=new["unit_id"]) for record in leaving]
    return [_put_units(rng, facts, [new]), *_put_schools(rng, facts, moved)]


def merge_clusters(rng: Random, facts: Facts) -> list[Record]:
    """All schools of a cluster go to another one."""
    one, other = rng.sample(_units(facts, "cluster"), 2)
    since = _day(rng)
    schools = _schools_of(facts, one["unit_id"])
    moved = [_dated(record, since, unit_id=other["unit_id"]) for record in schools]
    return _put_schools(rng, facts, moved) or rename(rng, facts)


def insert_tehsil(rng: Random, facts: Facts) -> list[Record]:
    """A level between district and clusters, for some of them."""
    district = rng.choice(_units(facts, "district"))
    since = _day(rng)
    new = _new(rng, facts, "tehsil", district["unit_id"], since)
    under = [r for r in _below(facts, district["unit_id"]) if r["level"] == "cluster"]
    inside = rng.sample(under, rng.randint(0, len(under)))
    moved = [_dated(record, since, parent_id=new["unit_id"]) for record in inside]
    return [_put_units(rng, facts, [new, *moved])]


def move_schools(rng: Random, facts: Facts) -> list[Record]:
    """A list of transfers, some schools more than once, some straight under a district."""
    targets = _units(facts, "cluster", "tehsil", "district")
    records = []
    for old in rng.sample(list(facts.schools.values()), rng.randint(1, 4)):
        for _ in range(rng.choice((1, 1, 2))):
            cluster = rng.choice(targets)["unit_id"]
            records.append(_dated(old, _day(rng), unit_id=cluster))
    calls = _put_schools(rng, facts, records)
    # What was told last of a school is in the order of the list, not of the days.
    facts.schools.update({record["school_code"]: record for record in calls[0]["items"]})
    return calls


def take_back(rng: Random, facts: Facts) -> list[Record]:
    """What was told last of a unit was wrong from its day on: the same key, another parent."""
    dated = [r for r in _units(facts, "cluster", "district", "tehsil") if "valid_from" in r]
    if not dated:
        return rename(rng, facts)
    old = rng.choice(dated)
    above = {"cluster": ("district", "tehsil"), "tehsil": ("district",), "district": ("division",)}
    parents: list[str | None] = [r["unit_id"] for r in _units(facts, *above[old["level"]])]
    if rng.random() < 0.1:
        parents = [None]  # under nobody: its schools are under it alone
    return [_put_units(rng, facts, [{**old, "parent_id": rng.choice(parents)}])]


def say_again(rng: Random, facts: Facts) -> list[Record]:
    """What holds is told once more from a later or earlier day, as yearly lists do."""
    if rng.random() < 0.5:
        again = [_dated(record, _day(rng)) for record in facts.schools.values()]
        return _put_schools(rng, facts, rng.sample(again, rng.randint(1, len(again))))
    listed = [_dated(record, _day(rng)) for record in facts.units.values()]
    return [_put_units(rng, facts, rng.sample(listed, rng.randint(1, len(listed))))]


def successor_of_a_school(rng: Random, facts: Facts) -> list[Record]:
    """A school is merged into another from a day on; its own visits stay its own."""
    old = rng.choice(list(facts.schools.values()))
    ended = _dated(old, _day(rng), status="merged")
    if f"{old['school_code']}-2" in facts.schools or rng.random() < 0.5:
        return _put_schools(rng, facts, [ended])
    new = school(f"{old['school_code']}-2", old["unit_id"], rng.choice(("boys", "girls", "mixed")))
    new["predecessors"] = [old["school_code"]]
    return _put_schools(rng, facts, [ended, new])
