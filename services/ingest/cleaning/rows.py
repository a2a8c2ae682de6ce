"""What is wrong with a whole row: sums that pose as schools, rows told twice, points turned round.

Owns faults that need more than one cell or more than one row; a point is never mended silently.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from services.ingest.cleaning.faults import Fault
from services.ingest.cleaning.words import folded

_TOTAL = re.compile(
    r"(?:(?:grand|sub|over ?all|district|tehsil|province|provincial|page)[ -]?)?totals?"
    r"(?:[ -](?:schools?|records?|rows?|students?|enrolment|enrollment))?[ :.=]*[0-9,]*|"
    r"(?:کل|میزان|کل میزان|মোট|সর্বমোট)[ :.=]*"
)
_HALF = 0.5


def total_row(cells: Iterable[str]) -> Fault | None:
    """A fault when one of the row's cells (its code, its name) says that the row is a sum."""
    if any(_TOTAL.fullmatch(folded(cell)) for cell in cells):
        return Fault(
            "total_row",
            "The row is a sum of other rows, not a record.",
            "Remove the row; sums are made by the system.",
        )
    return None


class Doubles:
    """Remembers the rows of one file by their key; 40 bytes a row, whatever the row holds."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, bytes]] = {}

    def fault(self, key: str, row: int, cells: Iterable[str]) -> Fault | None:
        """A fault when an earlier row has the key: the same row again, or one that disagrees."""
        content = "\x1f".join(map(folded, cells))
        digest = hashlib.blake2b(content.encode("utf-8", "replace"), digest_size=16).digest()
        first, known = self._seen.setdefault(key, (row, digest))
        if first == row:
            return None
        if known == digest:
            return Fault(
                "double_row",
                f"The row repeats row {first}.",
                "Remove the row; it changes nothing.",
            )
        return Fault(
            "double_key",
            f"Row {first} has the same key and other values.",
            "Keep the row that is right, or give each its own date or code.",
        )


@dataclass(frozen=True, slots=True)
class Area:
    """The box of degrees in which every point of the register lies."""

    south: float
    north: float
    west: float
    east: float

    def holds(self, lat: float, lon: float) -> bool:
        """Whether a point lies in the box, its edges included."""
        return self.south <= lat <= self.north and self.west <= lon <= self.east


# Pakistan with its islands and a margin; no latitude in it is also a longitude of it.
PAKISTAN = Area(23.5, 37.2, 60.5, 78.0)


@dataclass(frozen=True, slots=True)
class Point:
    """A point as it may be stored (both or neither), and what was wrong with it as it was given."""

    lat: float | None
    lon: float | None
    fault: Fault | None = None


def point(
    lat: float | None, lon: float | None, area: Area | None = None, mend_swapped: bool = False
) -> Point:
    """A row's point. A faulty one is left out with a fault; the row itself is good all the same.

    A point that lies in the `area` only when its coordinates are turned round is `swapped`: told
    always, turned round only with `mend_swapped`, which a mapping has to say.
    """
    if lat is None and lon is None:
        return Point(None, None)
    if lat is None or lon is None:
        detail = "The point has one coordinate and lacks the other."
        return Point(None, None, Fault("half_a_point", detail, "Enter both coordinates."))
    if abs(lat) < _HALF and abs(lon) < _HALF:
        detail = "The point is that of a device without a fix (0, 0)."
        return Point(None, None, Fault("no_fix", detail, "Measure the point again."))
    if area is None:
        within, turned = abs(lat) <= 90 and abs(lon) <= 180, abs(lon) <= 90 < abs(lat) <= 180
    else:
        within, turned = area.holds(lat, lon), area.holds(lon, lat)
    if within:
        return Point(lat, lon)
    if not turned:
        detail = "The point lies outside the area of the register."
        return Point(None, None, Fault("outside_area", detail, "Measure the point again."))
    detail = "Latitude and longitude are swapped."
    if mend_swapped:
        return Point(lon, lat, Fault("swapped_point", detail, "Taken the other way round."))
    fix = "Exchange the two cells, or let the mapping turn swapped points round."
    return Point(None, None, Fault("swapped_point", detail, fix))
