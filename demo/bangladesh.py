"""A register of Bangladesh for measuring: its own units by name, with made-up schools.

Owns the tree (one country, 8 divisions, 64 districts and 494 upazilas by name, from
`data/bangladesh.csv`) and the drawing of schools in clusters, as bodies for `PUT /v1/units` and
`PUT /v1/schools`. Visits to them are `demo.synthetic`'s, which knows schools by their number only.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

_UNITS = Path(__file__).parent / "data" / "bangladesh.csv"
_CLUSTER = 22  # schools of one assistant education officer
_SPREAD = 0.6  # of the logarithm of an upazila's number of schools
_FIRST_DAY = "2018-01-01"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the country, by its names in English and Bangla."""

    unit_id: str
    level: str
    parent_id: str | None
    name: str
    name_bn: str


def units() -> list[Unit]:
    """Return the country, its divisions, districts and upazilas, parents first."""
    with _UNITS.open(encoding="utf-8", newline="") as file:
        return [
            Unit(
                row["unit_id"], row["level"], row["parent_id"] or None, row["name"], row["name_bn"]
            )
            for row in csv.DictReader(file)
        ]


@dataclass(frozen=True, slots=True)
class Country:
    """The country's units and, for each school in order, the upazila (by place) it stands in."""

    units: list[Unit]
    upazilas: list[Unit]
    upazila: NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of schools."""
        return len(self.upazila)

    def code(self, school: int) -> str:
        """Return the school's code."""
        return f"{school + 1:05d}"

    def cluster(self, school: int) -> str:
        """Return the id of the school's cluster: none spans two upazilas."""
        place = int(self.upazila[school])
        first = int(np.searchsorted(self.upazila, place))
        return f"{self.upazilas[place].unit_id}-C{(school - first) // _CLUSTER + 1:02d}"

    def unit_bodies(self) -> list[dict[str, Any]]:
        """Return all units as `PUT /v1/units` takes them, parents first."""
        bodies = [
            _body(unit.unit_id, unit.level, unit.parent_id, unit.name, bn=unit.name_bn)
            for unit in self.units
        ]
        clusters: dict[str, dict[str, Any]] = {}
        for school in range(len(self)):
            above, unit_id = self.upazilas[int(self.upazila[school])], self.cluster(school)
            name = f"{above.name} cluster {unit_id.rpartition('C')[2]}"
            clusters.setdefault(unit_id, _body(unit_id, "cluster", above.unit_id, name))
        return bodies + list(clusters.values())

    def school_body(self, school: int) -> dict[str, Any]:
        """Return one school as `PUT /v1/schools` takes it."""
        above = self.upazilas[int(self.upazila[school])]
        return {
            "school_code": self.code(school),
            "name": f"{above.name} Government Primary School {school + 1}",
            "unit_id": self.cluster(school),
            "level": "primary",
            "gender": ("mixed", "mixed", "girls", "boys")[school % 4],
            "shift": ("morning", "evening")[school % 3 == 0],
            "status": "open",
            "valid_from": _FIRST_DAY,
        }

    def school_bodies(self) -> Iterator[dict[str, Any]]:
        """Yield all schools as `PUT /v1/schools` takes them."""
        return (self.school_body(school) for school in range(len(self)))


def country(n_schools: int, seed: int) -> Country:
    """Return the country with `n_schools` schools (1 or more), unequally over its upazilas."""
    every = units()
    upazilas = [unit for unit in every if unit.level == "upazila"]
    draw = Generator(PCG64(SeedSequence([seed, 880])))
    shares = np.exp(draw.normal(0, _SPREAD, len(upazilas)))
    place = np.searchsorted(
        np.cumsum(shares / shares.sum()), (np.arange(n_schools) + 0.5) / n_schools
    )
    return Country(every, upazilas, np.minimum(place, len(upazilas) - 1).astype(np.int32))


def _body(
    unit_id: str, level: str, parent_id: str | None, name: str, **names: str
) -> dict[str, Any]:
    return {
        "unit_id": unit_id,
        "name": name,
        "names": names,
        "level": level,
        "parent_id": parent_id,
        "valid_from": _FIRST_DAY,
    }
