"""A register of Bangladesh's size: its divisions, districts and upazilas, with invented clusters.

Owns who belongs to whom. One district was split halfway through the first year. Visits are
`demo.synthetic`'s, loading is `country_load`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

ROOT = "BD"
SCHOOLS = 65_000
FIRST, LAST = date(2018, 1, 1), date(2019, 12, 31)
SPLIT_ON = date(2018, 7, 1)
SPLIT, CAME = "BD-1-1", "BD-1-1-NEW"
"""The district that was split, and the one that came of it."""
_STAYED = 11
_CLUSTER = 20
_UNEVEN = 0.45
_UPAZILAS = (
    ("Chattagram", (17, 6, 9, 10, 9, 8, 5, 15, 9, 9, 7)),
    ("Rajshahi", (9, 9, 12, 9, 7, 5, 5, 11)),
    ("Khulna", (8, 7, 3, 3, 4, 6, 4, 9, 9, 6)),
    ("Barisal", (4, 8, 7, 10, 7, 6)),
    ("Sylhet", (13, 7, 8, 12)),
    ("Dhaka", (6, 5, 6, 5, 12, 13, 7, 5, 6, 5, 5, 5, 9)),
    ("Rangpur", (5, 13, 5, 6, 7, 5, 8, 9)),
    ("Mymensingh", (5, 13, 7, 10)),
)
"""Divisions, and how many upazilas each of their districts has."""


@dataclass(frozen=True, slots=True)
class Country:
    """So many schools in upazilas of unequal size; `upazila` says of each school which is its."""

    upazila: NDArray[np.int32]
    cluster: NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of schools."""
        return len(self.upazila)

    def code(self, school: int) -> str:
        """Return the school's code."""
        return f"{school + 1:05d}"

    def first_units(self) -> list[dict[str, Any]]:
        """Return every unit as it began, parents first."""
        bodies = [_unit(ROOT, "province", None)]
        for number, (name, districts) in enumerate(_UPAZILAS, 1):
            bodies.append(_unit(f"BD-{number}", "division", ROOT, name))
            for place, count in enumerate(districts, 1):
                district = f"BD-{number}-{place}"
                bodies.append(_unit(district, "district", f"BD-{number}"))
                bodies += [
                    _unit(f"{district}-{upazila}", "upazila", district)
                    for upazila in range(1, count + 1)
                ]
        bodies.append(_unit(CAME, "district", "BD-1", since=SPLIT_ON) | {"predecessors": [SPLIT]})
        names = upazilas()
        first = np.flatnonzero(np.diff(self.cluster, prepend=-1))
        bodies += [
            _unit(f"BD-C{number:05d}", "cluster", names[int(self.upazila[school])])
            | {"head_school_code": self.code(int(school))}
            for number, school in enumerate(first)
        ]
        return bodies

    def moved_units(self) -> list[dict[str, Any]]:
        """Return the upazilas of the new district as they are since the split."""
        _, (count, *_) = _UPAZILAS[0]
        return [
            _unit(f"{SPLIT}-{number}", "upazila", CAME, since=SPLIT_ON)
            for number in range(_STAYED + 1, count + 1)
        ]

    def unit_bodies(self) -> list[dict[str, Any]]:
        """Return all units; of those that moved both records, the newer one last."""
        return self.first_units() + self.moved_units()

    def school_bodies(self) -> Iterator[dict[str, Any]]:
        """Yield all schools as `PUT /v1/schools` takes them."""
        for school in range(len(self)):
            kind = school % 7
            yield {
                "school_code": self.code(school),
                "name": f"School {school + 1}",
                "unit_id": f"BD-C{self.cluster[school]:05d}",
                "level": "high" if kind == 0 else "middle" if kind == 1 else "primary",
                "gender": ("boys", "girls", "mixed")[school % 3],
                "shift": "morning",
                "zone": ("summer", "winter")[int(self.upazila[school]) % 2],
                "status": "open",
                "lat": 27 + school % 400 / 100,
                "lon": 62 + school % 700 / 100,
                "valid_from": FIRST.isoformat(),
            }


def upazilas() -> list[str]:
    """The ids of all upazilas, in order."""
    return [
        f"BD-{number}-{place}-{upazila}"
        for number, (_, districts) in enumerate(_UPAZILAS, 1)
        for place, count in enumerate(districts, 1)
        for upazila in range(1, count + 1)
    ]


def country(schools: int = SCHOOLS, seed: int = 1) -> Country:
    """A country of `schools` schools (a thousand or more), in clusters of about twenty."""
    count = len(upazilas())
    rng = Generator(PCG64(SeedSequence([seed, 81])))
    weights = np.exp(rng.normal(0, _UNEVEN, count))
    sizes = 1 + np.floor(weights / weights.sum() * (schools - count)).astype(np.int64)
    sizes[0] += schools - int(sizes.sum())
    upazila = np.repeat(np.arange(count, dtype=np.int32), sizes)
    within = np.arange(schools) - (np.cumsum(sizes) - sizes)[upazila]
    cluster = np.cumsum(within % _CLUSTER == 0) - 1
    return Country(upazila, cluster.astype(np.int32))


def _unit(
    unit_id: str, level: str, parent_id: str | None, name: str | None = None, since: date = FIRST
) -> dict[str, Any]:
    return {
        "unit_id": unit_id,
        "name": name or f"{level} {unit_id}",
        "names": {},
        "level": level,
        "parent_id": parent_id,
        "valid_from": since.isoformat(),
    }
