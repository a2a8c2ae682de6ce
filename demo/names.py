"""Names of the demonstration: areas and places in English and Urdu, read from `demo/data`.

Owns reading the two tables and putting names together; which school gets which name is the
register's affair.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

_DATA = Path(__file__).parent / "data"
_KINDS = {  # (gender, level) of a school -> how Balochistan abbreviates it, and its Urdu words
    "boys": ("B", "بوائز "),
    "girls": ("G", "گرلز "),
    "mixed": ("", ""),
}
_LEVELS = {"primary": ("P", "پرائمری"), "middle": ("M", "مڈل"), "high": ("H", "ہائی")}


@dataclass(frozen=True, slots=True)
class Area:
    """A province, division or district; the numbers are those of a district, otherwise 0."""

    unit_id: str
    level: str
    parent_id: str | None
    name: str
    name_ur: str
    aliases: tuple[str, ...]
    schools: int
    clusters: int
    winter_percent: int
    lat: float
    lon: float
    spread_degrees: float
    reach: float
    places: str

    def body(self) -> dict[str, object]:
        """Return the unit as `PUT /v1/units` takes it."""
        return {
            "unit_id": self.unit_id,
            "name": self.name,
            "names": {"en": self.name, "ur": self.name_ur},
            "level": self.level,
            "parent_id": self.parent_id,
            "valid_from": "2018-01-01",
            "aliases": list(self.aliases),
        }


@dataclass(frozen=True, slots=True)
class Place:
    """A place name in both scripts."""

    en: str
    ur: str


def read_areas() -> list[Area]:
    """Return province, divisions and districts in the order of the table, parents first."""
    with (_DATA / "units.csv").open(encoding="utf-8", newline="") as file:
        return [
            Area(
                unit_id=row["unit_id"],
                level=row["level"],
                parent_id=row["parent_id"] or None,
                name=row["name"],
                name_ur=row["name_ur"],
                aliases=tuple(filter(None, row["aliases"].split(";"))),
                schools=int(row["schools"] or 0),
                clusters=int(row["clusters"] or 0),
                winter_percent=int(row["winter_percent"] or 0),
                lat=float(row["lat"] or 0),
                lon=float(row["lon"] or 0),
                spread_degrees=float(row["spread_degrees"] or 0),
                reach=float(row["reach"] or 0),
                places=row["places"],
            )
            for row in csv.DictReader(file)
        ]


def read_places(region: str) -> list[Place]:
    """Return the places that can be named in one part of the province, likelier ones repeated.

    A person's name may carry a title, the name of a tribe or a plain does not.
    """
    words: dict[str, list[Place]] = {"prefix": [], "title": [], "name": []}
    persons: list[Place] = []
    with (_DATA / "places.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            word = Place(row["name"], row["name_ur"])
            if row["region"] == region:
                words[row["part"]].append(word)
            elif row["region"] == "any":
                (persons if row["part"] == "name" else words[row["part"]]).append(word)
    local = [_join(prefix, name) for prefix in words["prefix"] for name in words["name"]]
    owned = [
        _join(prefix, title, name)
        for prefix in words["prefix"]
        for title in words["title"]
        for name in persons
    ]
    return local * 4 + owned


def _join(*parts: Place) -> Place:
    """Put words together, leaving out the empty ones."""
    return Place(
        " ".join(part.en for part in parts if part.en),
        " ".join(part.ur for part in parts if part.ur),
    )


def school_name(place: Place, gender: str, level: str) -> Place:
    """Return `GGPS Killi Haji Ahmad` and the same written out in Urdu."""
    letter, word = _KINDS[gender]
    short, name = _LEVELS[level]
    return Place(f"G{letter}{short}S {place.en}", f"گورنمنٹ {word}{name} اسکول {place.ur}")
