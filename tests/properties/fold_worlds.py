"""Small random worlds for the fold: registers, visits, and their cells by plain brute force.

Shares no arithmetic with the services: day by day, school by school, with dictionaries. A world's
days are few and its look-back short, so that visits meet, supersede and expire all the time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from random import Random

from services.indicators import measures
from services.indicators.cells import encode_row
from services.indicators.measures import FLOW, GENDERS, GROUP_COLUMNS, GROUPS, STOCK
from services.indicators.segments import SchoolVersion, UnitVersion

LOOK_BACK = 7
DAYS = range(17_600, 17_640)
CLUSTERS = ("C1", "C2", "C3")
DISTRICTS = ("D1", "D2")
SCHOOLS = ("1", "2", "3", "4", "BEF-5")
DAY_MICROS = 86_400_000_000
Cells = Counter[tuple[str, int, str]]


@dataclass(frozen=True)
class Known:
    """One revision of a visit as a client might know it."""

    source: str
    visit_id: str
    revision: int
    code: str
    day: int
    minute: int
    received: int
    monitor: str | None
    kind: str
    standing: str
    groups: int
    mask: int
    flow: tuple[int, ...]
    stock: tuple[int, ...]

    @property
    def at(self) -> int:
        return self.day * DAY_MICROS + self.minute * 60_000_000

    def row(self, school: int) -> tuple[object, ...]:
        """The row of COLUMNS."""
        return (
            self.source,
            self.visit_id,
            school,
            self.day,
            self.at,
            self.received,
            self.monitor,
            self.kind,
            self.standing,
            self.groups,
            self.mask,
            encode_row(self.flow),
            encode_row(self.stock),
        )


def units(rng: Random) -> list[UnitVersion]:
    """A province, districts and clusters, some of which move on some day."""
    made = [UnitVersion("P", DAYS[0], None, "province", 1)]
    made += [UnitVersion(district, DAYS[0], "P", "district", 1) for district in DISTRICTS]
    for cluster in CLUSTERS:
        if rng.random() < 0.9:
            made.append(UnitVersion(cluster, DAYS[0], rng.choice(DISTRICTS), "cluster", 1))
    return made


def unit_change(rng: Random, version: int) -> UnitVersion:
    """A cluster, or a district, has another parent from some day on."""
    if rng.random() < 0.8:
        parent = rng.choice((*DISTRICTS, "P", None, "D9"))
        return UnitVersion(rng.choice(CLUSTERS), rng.choice(DAYS), parent, "cluster", version)
    parent = rng.choice(("P", None, *DISTRICTS))
    return UnitVersion(rng.choice(DISTRICTS), rng.choice(DAYS), parent, "district", version)


def school_change(rng: Random, version: int) -> SchoolVersion:
    """A school moves, closes, reopens or changes its gender from some day on."""
    return SchoolVersion(
        rng.choice(SCHOOLS),
        rng.choice((DAYS[0], *rng.choices(DAYS, k=3))),
        rng.choice((*CLUSTERS, "C9")),
        rng.choice((*GENDERS, None)),
        rng.choice(("open", "open", "open", "closed", "merged", "non_functional")),
        version,
    )


def visit(rng: Random, number: int) -> Known:
    """A visit; few minutes, monitors and days, so that they meet."""
    flow = [0] * len(FLOW)
    flow[0] = 1
    for name in ("students_boys_present", "environment_yes", "environment_items"):
        flow[measures.F[name]] = rng.randint(0, 40_000 if rng.random() < 0.02 else 9)
    environment = rng.random() < 0.5
    flow[measures.F["environment_answered"]] = int(environment)
    groups = rng.randrange(1 << (len(GROUPS) - 1)) | measures.KNOWN
    stock = [0] * len(STOCK)
    stock[measures.S["known"]] = 1
    for place, group in enumerate(GROUPS[:-1]):
        if groups >> place & 1:
            for column in GROUP_COLUMNS[group]:
                if not STOCK[column].startswith(tuple(f"rooms_{gender}_" for gender in GENDERS)):
                    stock[column] = rng.randint(0, 5)
    return Known(
        source=rng.choice(("a", "a", "b")),
        visit_id=f"{rng.randrange(1 << 32):08x}-{number:04x}",
        revision=1,
        code=rng.choice(SCHOOLS[: rng.choice((2, 5))]),
        day=rng.choice(DAYS),
        minute=rng.choice((0, 1, 600)),
        received=rng.randrange(6) if rng.random() < 0.3 else 100 + number,
        monitor=rng.choice(("m", "m", "n", None)),
        kind=rng.choice(("routine", "routine", "spot", "follow_up", "verification")),
        standing=rng.choice(("standing",) * 5 + ("withdrawn", "excluded", "quarantined")),
        groups=groups,
        mask=1 | (measures.ENVIRONMENT if environment else 0),
        flow=tuple(flow),
        stock=tuple(stock),
    )


def corrected(rng: Random, held: Known, revision: int) -> Known:
    """Another revision: of date, school, measures, monitor or standing."""
    other = visit(rng, 0)
    same = replace(held, revision=revision)
    what = rng.randrange(5)
    if what == 0:
        return replace(same, day=other.day, minute=other.minute)
    if what == 1:
        return replace(same, code=other.code)
    if what == 2:
        return replace(
            same, flow=other.flow, stock=other.stock, groups=other.groups, mask=other.mask
        )
    if what == 3:
        return replace(same, monitor=other.monitor, kind=other.kind)
    return replace(same, standing=other.standing)


class Book:
    """A register by brute force."""

    def __init__(self, unit_versions: list[UnitVersion], schools: list[SchoolVersion]) -> None:
        self.units: dict[str, dict[int, UnitVersion]] = {}
        self.schools: dict[str, dict[int, SchoolVersion]] = {}
        for unit in sorted(unit_versions, key=lambda v: v.version):
            self.units.setdefault(unit.unit_id, {})[unit.valid_from] = unit
        for school in sorted(schools, key=lambda v: v.version):
            self.schools.setdefault(school.code, {})[school.valid_from] = school

    def school(self, code: str, day: int) -> SchoolVersion:
        days = self.schools[code]
        begun = [since for since in days if since <= day]
        return days[max(begun) if begun else min(days)]

    def chain(self, code: str, day: int) -> list[str]:
        chain: list[str] = []
        unit = self.school(code, day).unit_id
        while unit in self.units and unit not in chain:
            chain.append(unit)
            days = self.units[unit]
            begun = [since for since in days if since <= day]
            unit = days[max(begun) if begun else min(days)].parent_id
        return chain

    def active(self, code: str, day: int) -> bool:
        return self.school(code, day).status not in ("closed", "merged")


def counted(visits: list[Known]) -> list[Known]:
    """The visits that count, in the order of each school's visits."""
    eligible = [v for v in visits if v.standing == "standing" and v.kind != "verification"]
    kept = []
    for one in eligible:
        rivals = [
            v
            for v in eligible
            if one.monitor is not None
            and (v.code, v.day, v.monitor) == (one.code, one.day, one.monitor)
        ]
        if not rivals or one == max(rivals, key=lambda v: (v.received, v.visit_id, v.source)):
            kept.append(one)
    return sorted(kept, key=lambda v: (v.at, v.visit_id, v.source))


def flows(visits: list[Known], book: Book) -> Cells:
    """(unit, day, measure) -> sum, zeros left out."""
    cells: Cells = Counter()
    for one in counted(visits):
        if one.code not in book.schools:
            continue
        values = dict(zip(FLOW, one.flow, strict=True))
        gender = book.school(one.code, one.day).gender
        if gender is not None:
            for part in ("yes", "items", "answered"):
                values[f"environment_{gender}_{part}"] = values[f"environment_{part}"]
        for unit in book.chain(one.code, one.day):
            for name, value in values.items():
                cells[unit, one.day, name] += value
    return Counter({key: value for key, value in cells.items() if value})


def stocks(visits: list[Known], book: Book, day: int) -> Cells:
    """(unit, day, measure) -> what stands on the day, zeros left out."""
    cells: Cells = Counter()
    ordered = counted(visits)
    for code in book.schools:
        if not book.active(code, day):
            continue
        mine = [v for v in ordered if v.code == code and v.day <= day]
        values = Counter({"registered": 1})
        for place, group in enumerate(GROUPS):
            values.update(_standing(group, [v for v in mine if v.groups >> place & 1], book, day))
        for unit in book.chain(code, day):
            for name, value in values.items():
                cells[unit, day, name] += value
    return Counter({key: value for key, value in cells.items() if value})


def _standing(group: str, said: list[Known], book: Book, day: int) -> dict[str, int]:
    """What the last of a school's answers to a group gives on the day."""
    if not said or day - said[-1].day >= LOOK_BACK:
        return {}
    latest = said[-1]
    if group != "known" and not book.active(latest.code, latest.day):
        return {}
    values = {STOCK[column]: latest.stock[column] for column in GROUP_COLUMNS[group]}
    gender = book.school(latest.code, day).gender
    if group == "rooms" and gender is not None:
        for part in ("usable", "available", "answered"):
            values[f"rooms_{gender}_{part}"] = values[f"rooms_{part}"]
    return values
