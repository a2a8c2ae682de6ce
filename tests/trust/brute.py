"""The trust signals by brute force: every visit against every other, straight from the guide.

Owns an independent reading of `docs/trust.md`; shares no code with the product and looks at all
pairs where the product looks at neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

PAKISTAN = timezone(timedelta(hours=5))
SIGNALS = (
    "impossible_speed",
    "round_hours",
    "enrolment_jump",
    "rooms_fewer",
    "posted_jump",
    "repeated_photo",
    "copied_answers",
    "far_from_school",
)
_GROUPS = (
    "students",
    "teachers",
    "non_teaching",
    "rooms",
    "toilets",
    "facilities",
    "participation",
    "environment",
)


@dataclass
class Known:
    """A visit as the outside knows it: what was sent, when it came, and how it stands."""

    form: dict[str, Any]
    source: str
    received: int
    standing: str = "standing"  # standing, excluded, withdrawn

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.form["visited_at"])

    @property
    def order(self) -> tuple[datetime, str, str]:
        return self.at, self.form["visit_id"], self.source

    @property
    def monitor(self) -> tuple[str, str] | None:
        name = self.form.get("monitor_id")
        return None if name is None else (self.source, name)

    @property
    def circle(self) -> object:
        if self.form.get("monitor_id") is None:
            return self.source, self.form["visit_id"]
        day = self.at.astimezone(PAKISTAN).date()
        return self.form["school_code"], self.form["monitor_id"], day


Points = dict[str, tuple[float, float] | None]


def expected(visits: list[Known], points: Points) -> dict[tuple[str, str], set[str]]:
    """The signals of every visit that is not withdrawn; `points` are the registered schools."""
    standing = [v for v in visits if v.standing == "standing" and v.form["school_code"] in points]
    judged = [*standing, *(v for v in visits if v.standing == "excluded")]
    counted = [v for v in standing if _counts(v, standing)]
    found = {}
    for visit in visits:
        if visit.standing == "withdrawn":
            continue
        flags = set()
        if any(visit is v for v in judged):
            flags = {code for code, says in _SIGNALS.items() if says(visit, standing, points)}
            flags |= _jumps(visit, counted)
        if _far(visit, points):
            flags.add("far_from_school")
        found[visit.source, visit.form["visit_id"]] = flags
    return found


def _counts(visit: Known, standing: list[Known]) -> bool:
    if visit.form.get("visit_type") == "verification":
        return False
    rivals = [
        v
        for v in standing
        if v.circle == visit.circle and v.form.get("visit_type") != "verification"
    ]
    return max(rivals, key=lambda v: (v.received, v.form["visit_id"], v.source)) is visit


def _far(visit: Known, points: Points) -> bool:
    place, point = visit.form.get("location"), points.get(visit.form["school_code"])
    if place is None or point is None:
        return False
    limit = 1500 if place.get("accuracy_m", 0) > 100 else 500
    return distance((place["lat"], place["lon"]), point) > limit


def _place(visit: Known, points: Points) -> tuple[tuple[float, float], float] | None:
    place = visit.form.get("location")
    if place is not None:
        return (place["lat"], place["lon"]), place.get("accuracy_m", 0)
    point = points.get(visit.form["school_code"])
    return None if point is None else (point, 500)


def _speed(visit: Known, standing: list[Known], points: Points) -> bool:
    here = _place(visit, points)
    if here is None or visit.monitor is None:
        return False
    mine = [v for v in standing if v is not visit and v.monitor == visit.monitor]
    mine = [v for v in mine if _place(v, points) is not None]
    before = [v for v in mine if v.order < visit.order]
    after = [v for v in mine if v.order > visit.order]
    nearest = [max(before, key=_order)] if before else []
    nearest += [min(after, key=_order)] if after else []
    for other in nearest:
        there = _place(other, points)
        assert there is not None
        metres = distance(here[0], there[0]) - here[1] - there[1]
        hours = abs((visit.at - other.at).total_seconds()) / 3600
        if metres > 500 and metres / 1000 > 100 * hours:
            return True
    return False


def _order(visit: Known) -> tuple[datetime, str, str]:
    return visit.order


def _round(visit: Known) -> bool:
    return (visit.at.minute, visit.at.second) in ((0, 0), (30, 0))


def _round_hours(visit: Known, standing: list[Known], points: Points) -> bool:
    if visit.monitor is None:
        return False
    mine = sorted(
        {id(v): v for v in (*standing, visit) if v.monitor == visit.monitor}.values(), key=_order
    )
    place = mine.index(visit)
    for start in range(max(0, place - 4), place + 1):
        run = mine[start : start + 5]
        if len(run) == 5 and all(_round(v) for v in run):
            return True
    return False


def _photo(visit: Known, standing: list[Known], points: Points) -> bool:
    mine = {p.lower() for p in visit.form.get("photos", [])}
    return any(
        mine & {p.lower() for p in v.form.get("photos", [])}
        for v in standing
        if v.circle != visit.circle
    )


def _copied(visit: Known, standing: list[Known], points: Points) -> bool:
    mine = {name: visit.form[name] for name in _GROUPS if name in visit.form}
    present = sum(cell.get("present", 0) for cell in mine.get("students", {}).values())
    if _leaves(mine) < 12 or present < 30:
        return False
    for other in standing:
        same = mine == {name: other.form[name] for name in _GROUPS if name in other.form}
        kin = (visit.monitor is not None and other.monitor == visit.monitor) or other.form[
            "school_code"
        ] == visit.form["school_code"]
        if same and kin and other.circle != visit.circle:
            return True
    return False


def _leaves(value: Any) -> int:
    return sum(map(_leaves, value.values())) if isinstance(value, dict) else 1


def _jumps(visit: Known, counted: list[Known]) -> set[str]:
    school = [v for v in counted if v.form["school_code"] == visit.form["school_code"]]
    past = sorted((v for v in school if v.order < visit.order), key=_order)
    found = set()
    for code, group, field, share in (
        ("enrolment_jump", "students", "enrolled", 0.4),
        ("posted_jump", "teachers", "posted", 0.5),
    ):
        now = _cells(visit, group, field)
        was = [cells for v in past if (cells := _cells(v, group, field))]
        if now and was:
            old, new = was[-1], now
            if "unspecified" not in old and "unspecified" not in new:
                old = {name: old[name] for name in old if name in now}
                new = {name: now[name] for name in now if name in was[-1]}
            before, after = sum(old.values()), sum(new.values())
            if old and abs(after - before) > share * before + 1e-9:
                found.add(code)
    rooms = [v.form["rooms"]["available"] for v in past if "rooms" in v.form]
    if rooms and "rooms" in visit.form and visit.form["rooms"]["available"] < rooms[-1]:
        found.add("rooms_fewer")
    return found


def _cells(visit: Known, group: str, field: str) -> dict[str, int]:
    cells = visit.form.get(group, {})
    return {name: cell[field] for name, cell in cells.items() if field in cell}


def distance(one: tuple[float, float], two: tuple[float, float]) -> float:
    """Metres by the spherical law of cosines, on a sphere of the Earth's mean radius."""
    (a, b), (c, d) = (map(math.radians, point) for point in (one, two))
    cosine = math.sin(a) * math.sin(c) + math.cos(a) * math.cos(c) * math.cos(b - d)
    return 6_371_008.8 * math.acos(min(1.0, max(-1.0, cosine)))


_SIGNALS = {
    "impossible_speed": _speed,
    "round_hours": _round_hours,
    "repeated_photo": _photo,
    "copied_answers": _copied,
}
