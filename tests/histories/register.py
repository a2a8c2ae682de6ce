"""The small register of the histories, and the random facts that change it.

Owns units and schools as a client would PUT them: a province, divisions, districts, clusters and
schools with genders, some codes with leading zeros, one head school.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

Record = dict[str, Any]

PROVINCE = "PK-BA"
DIVISIONS = ("PK-BA-QDIV", "PK-BA-MDIV")
DISTRICTS = {
    "PK-BA-QTA": DIVISIONS[0],
    "PK-BA-PSN": DIVISIONS[0],
    "PK-BA-KHZ": DIVISIONS[1],
    "PK-BA-AWR": DIVISIONS[1],
}
CLUSTERS = {
    "CL-01": "PK-BA-QTA",
    "CL-02": "PK-BA-QTA",
    "CL-03": "PK-BA-PSN",
    "CL-04": "PK-BA-KHZ",
    "CL-05": "PK-BA-KHZ",
    "CL-06": "PK-BA-AWR",
}
CODES = (
    "01001",
    "1002",
    "001003",
    "1004",
    "2001",
    "02002",
    "2003",
    "3001",
    "3002",
    "BEF001",
    "BEF002",
    "NCHD_072",
    "NCHD_073",
    "4001",
)
LATER = ("05001", "5002", "BEF099")  # visited before they are registered
HEAD = CODES[0]
GENDERS = ("boys", "girls", "mixed")
BEGIN, END = date(2018, 1, 1), date(2019, 5, 31)


def some_day(rng: Random, begin: date = BEGIN, end: date = END) -> date:
    """A day between the two, both included."""
    return begin + timedelta(days=rng.randint(0, (end - begin).days))


def school(code: str, cluster: str, gender: str, **more: Any) -> Record:
    """A school record as PUT /v1/schools takes it."""
    return {
        "school_code": code,
        "name": f"Government School {code}",
        "unit_id": cluster,
        "level": "primary",
        "gender": gender,
        "status": "open",
        **more,
    }


def unit(unit_id: str, level: str, parent: str | None, **more: Any) -> Record:
    """A unit record as PUT /v1/units takes it."""
    return {"unit_id": unit_id, "name": unit_id, "level": level, "parent_id": parent, **more}


def without_dates(record: Record) -> Record:
    """The record without the days from which and until which it holds."""
    return {name: value for name, value in record.items() if name not in ("valid_from", "valid_to")}


@dataclass
class Facts:
    """What the client has told the register so far: the latest record of each unit and school."""

    units: dict[str, Record] = field(default_factory=dict)
    schools: dict[str, Record] = field(default_factory=dict)

    def unit_ids(self) -> list[str]:
        """Every unit and every school, as unit ids of a figures call."""
        return [*self.units, *(f"school:{code}" for code in self.schools)]


def first_register(facts: Facts) -> list[Record]:
    """The calls that found the register: units (children before parents), then schools."""
    units = [unit(c, "cluster", d) for c, d in CLUSTERS.items()]
    units[0]["head_school_code"] = HEAD
    units += [unit(d, "district", above) for d, above in DISTRICTS.items()]
    units += [unit(d, "division", PROVINCE) for d in DIVISIONS]
    units.append(unit(PROVINCE, "province", None))
    clusters = list(CLUSTERS)
    schools = []
    for place, code in enumerate(CODES):
        record = school(code, clusters[place % len(clusters)], GENDERS[place % 3])
        if place % 5 == 4:  # a first record that begins late also serves the days before it
            record["valid_from"] = "2018-06-15"
        schools.append(record)
    facts.units = {record["unit_id"]: record for record in units}
    facts.schools = {record["school_code"]: record for record in schools}
    return [{"op": "units", "items": units}, {"op": "schools", "items": schools}]


def register_late_school(rng: Random, facts: Facts) -> Record | None:
    """The first record of a school that visits may already name; None when all are known."""
    missing = [code for code in LATER if code not in facts.schools]
    if not missing:
        return None
    record = school(rng.choice(missing), rng.choice(list(CLUSTERS)), rng.choice(GENDERS))
    if rng.random() < 0.5:
        record["valid_from"] = some_day(rng).isoformat()
    facts.schools[record["school_code"]] = record
    return {"op": "schools", "items": [record]}


def change_school(rng: Random, facts: Facts) -> Record:
    """A move, closure, merger, reopening or change of gender, mostly dated in the past."""
    code = rng.choice(list(facts.schools))
    latest = facts.schools[code]
    record = without_dates(latest)
    what = rng.choice(("move", "move", "close", "gender", "both"))
    if what in ("move", "both"):
        record["unit_id"] = rng.choice(list(CLUSTERS))
    if what in ("gender", "both"):
        record["gender"] = rng.choice(GENDERS)
    if what == "close":
        record["status"] = rng.choice(("closed", "merged", "non_functional", "open", "open"))
    record["valid_from"] = _since(rng, latest)
    if rng.random() < 0.1:
        del record["valid_from"]  # the server's today
    facts.schools[code] = record
    return {"op": "schools", "items": [record]}


def change_unit(rng: Random, facts: Facts) -> Record:
    """A cluster goes to another district, or a district to another division."""
    choices = list(CLUSTERS) if rng.random() < 0.7 else list(DISTRICTS)
    latest = facts.units[rng.choice(choices)]
    parents = list(DISTRICTS) if latest["level"] == "cluster" else list(DIVISIONS)
    record = without_dates(latest)
    record |= {"parent_id": rng.choice(parents), "valid_from": _since(rng, latest)}
    facts.units[record["unit_id"]] = record
    return {"op": "units", "items": [record]}


def _since(rng: Random, latest: Record) -> str:
    if "valid_from" in latest and rng.random() < 0.2:
        return str(latest["valid_from"])  # the same key replaces
    return some_day(rng).isoformat()
