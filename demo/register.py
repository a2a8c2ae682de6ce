"""The made-up register of Balochistan: areas, clusters, schools and what changes with time.

Owns who exists where, with attributes and dated changes, as arrays of one entry per school and
as bodies for `PUT /v1/units` and `PUT /v1/schools`. Drawing one is left to `demo.settlement`, what
is found in the schools to `demo.visits`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from demo.names import Area, Place, school_name

SEED = 57158
FIRST_DAY = date(2018, 1, 1)
LAST_DAY = date(2019, 5, 31)
DAYS = (LAST_DAY - FIRST_DAY).days + 1

LEVELS = ("primary", "middle", "high")
GENDERS = ("boys", "girls", "mixed")
ZONES = ("summer", "winter")
PRIMARY, MIDDLE, HIGH = range(3)
BOYS, GIRLS, MIXED = range(3)


Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Limits = NDArray[np.float32]
Flags = NDArray[np.bool_]


def stream(seed: int, part: int) -> Generator:
    """Return the random numbers of one part, independent of how many another part draws."""
    return Generator(PCG64(SeedSequence([seed, part])))


def day_of(index: int) -> date:
    """Return the date of a day counted from 2018-01-01."""
    return FIRST_DAY + timedelta(days=index)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster: a high school and the schools around it; `head` is an index of the schools."""

    unit_id: str
    district: int
    place: Place
    zone: int
    head: int

    @property
    def name(self) -> Place:
        """Return the name of the cluster, from its place."""
        return Place(f"{self.place.en} cluster", f"کلسٹر {self.place.ur}")


@dataclass(frozen=True, slots=True)
class Change:
    """A later record of a school: valid from day `since`, sent to the register on day `known`."""

    school: int
    since: int
    known: int
    fields: tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Register:
    """All units and schools; arrays have one entry per school, in district and cluster order."""

    areas: list[Area]
    districts: list[Area]
    clusters: list[Cluster]
    places: list[Place]
    code: Ints
    cluster: Ints
    district: Ints
    level: Ints
    gender: Ints
    zone: Ints
    lat: Floats
    lon: Floats
    remoteness: Floats
    idle: Flags  # non-functional on the register from the start
    closed_from: Ints  # first day closed or merged, DAYS when never
    registered_on: Ints  # day the first record is sent, -1 when at the start
    changes: list[Change]

    def __len__(self) -> int:
        """Return the number of schools."""
        return len(self.code)

    def school_code(self, school: int) -> str:
        """Return the code as the register writes it: five digits."""
        return f"{self.code[school]:05d}"

    def unit_bodies(self) -> list[dict[str, object]]:
        """Return areas and clusters as `PUT /v1/units` takes them, parents first."""
        bodies = [area.body() for area in self.areas]
        bodies.extend(
            {
                "unit_id": cluster.unit_id,
                "name": cluster.name.en,
                "names": {"en": cluster.name.en, "ur": cluster.name.ur},
                "level": "cluster",
                "parent_id": self.districts[cluster.district].unit_id,
                "valid_from": FIRST_DAY.isoformat(),
                "head_school_code": self.school_code(cluster.head),
            }
            for cluster in self.clusters
        )
        return bodies

    def school_body(self, school: int) -> dict[str, object]:
        """Return the first record of a school as `PUT /v1/schools` takes it."""
        level, gender = LEVELS[self.level[school]], GENDERS[self.gender[school]]
        name = school_name(self.places[school], gender, level)
        return {
            "school_code": self.school_code(school),
            "name": name.en,
            "unit_id": self.clusters[self.cluster[school]].unit_id,
            "level": level,
            "gender": gender,
            "shift": "morning",
            "zone": ZONES[self.zone[school]],
            "status": "non_functional" if self.idle[school] else "open",
            "lat": round(float(self.lat[school]), 5),
            "lon": round(float(self.lon[school]), 5),
            "valid_from": FIRST_DAY.isoformat(),
            "attributes": {"name_ur": name.ur},
        }

    def school_bodies(self) -> Iterator[dict[str, object]]:
        """Yield the records of the schools that are registered from the start."""
        for school in np.flatnonzero(self.registered_on < 0):
            yield self.school_body(int(school))

    def change_body(self, change: Change) -> dict[str, object]:
        """Return a later record: the first one with the changed fields and its own date."""
        body = self.school_body(change.school)
        return body | dict(change.fields) | {"valid_from": day_of(change.since).isoformat()}
