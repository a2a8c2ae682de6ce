"""Registers and visits of any size for measuring: full forms, made fast from templates.

Owns bodies that obey every rule of the form and differ in school, time, monitor and counts. No
figure is aimed at; the demonstration with the circular's figures is `demo.visits`.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

DISTRICTS = 32
_CLUSTER = 14  # schools
_TEMPLATES = 1024
_CHUNK = 8192
_HOUR = 3_600_000_000
_OPEN = 5 * 3600  # seconds of a day on which visits begin, from 08:00 local
_ITEMS = (
    "lesson_plan",
    "teacher_engaged",
    "teaching_aids",
    "blackboard",
    "textbooks",
    "work_checked",
    "seating",
    "clean",
    "timetable",
    "no_corporal_punishment",
)
_KINDS = ("boys", "girls", "shared", "staff")
# visit_id, school_code, day and time twice, monitor, device, latitude, longitude, then the rest
_HEAD = (
    b'{"visit_id":"%08x-%04x-7%03x-%04x-%012x","source":"synthetic","form_version":"1",'
    b'"school_code":"%05d","visited_at":"%sT%02d:%02d:%02d+05:00",'
    b'"ended_at":"%sT%02d:%02d:59+05:00","visit_type":"routine","monitor_id":"M-%05d",'
    b'"device_id":"T-%d","location":{"lat":%d.%06d,"lon":%d.%06d,"accuracy_m":%d,"mock":false},'
)


@dataclass(frozen=True, slots=True)
class Register:
    """A province of 6 divisions and 32 districts of unequal size, in clusters of 14 schools."""

    district: NDArray[np.int32]  # of each school, in order
    seed: int

    def __len__(self) -> int:
        """Return the number of schools."""
        return len(self.district)

    def code(self, school: int) -> str:
        """Return the school's code."""
        return f"{school + 1:05d}"

    def unit_bodies(self) -> list[dict[str, Any]]:
        """Return all units as `PUT /v1/units` takes them, parents first."""
        bodies = [_unit("PK-BA", "province", None)]
        bodies += [_unit(f"SYN-V{number}", "division", "PK-BA") for number in range(6)]
        bodies += [
            _unit(f"SYN-D{number:02d}", "district", f"SYN-V{number % 6}")
            for number in range(DISTRICTS)
        ]
        first = np.flatnonzero(np.diff(self._clusters(), prepend=-1))
        bodies += [
            _unit(f"SYN-C{number:05d}", "cluster", f"SYN-D{self.district[school]:02d}")
            | {"head_school_code": self.code(int(school))}
            for number, school in enumerate(first)
        ]
        return bodies

    def school_bodies(self) -> Iterator[dict[str, Any]]:
        """Yield all schools as `PUT /v1/schools` takes them."""
        clusters = self._clusters()
        for school in range(len(self)):
            kind = school % 7
            yield {
                "school_code": self.code(school),
                "name": f"School {school + 1}",
                "unit_id": f"SYN-C{clusters[school]:05d}",
                "level": "high" if kind == 0 else "middle" if kind == 1 else "primary",
                "gender": ("boys", "girls", "mixed")[school % 3],
                "shift": "morning",
                "zone": ("summer", "winter")[int(self.district[school]) % 2],
                "status": "open",
                "lat": 27 + school % 400 / 100,
                "lon": 62 + school % 700 / 100,
                "valid_from": "2018-01-01",
            }

    def _clusters(self) -> NDArray[np.int32]:
        """Return the cluster of each school: none spans two districts."""
        start = np.flatnonzero(np.diff(self.district, prepend=-1))
        within = np.arange(len(self)) - start[self.district - self.district[0]]
        fresh = within % _CLUSTER == 0
        return np.asarray(np.cumsum(fresh) - 1, dtype=np.int32)


def _unit(unit_id: str, level: str, parent_id: str | None) -> dict[str, Any]:
    """Return one unit's body."""
    return {
        "unit_id": unit_id,
        "name": f"{level} {unit_id}",
        "names": {},
        "level": level,
        "parent_id": parent_id,
        "valid_from": "2018-01-01",
    }


def register(n_schools: int, seed: int) -> Register:
    """Return a register of `n_schools` (32 or more); the largest district has a tenth of them."""
    if n_schools < DISTRICTS:
        raise ValueError(f"at least {DISTRICTS} schools, one a district")
    weights = 1 / (np.arange(DISTRICTS) + 4.8)
    sizes = 1 + np.floor(weights / weights.sum() * (n_schools - DISTRICTS)).astype(np.int64)
    sizes[0] += n_schools - int(sizes.sum())
    return Register(np.repeat(np.arange(DISTRICTS, dtype=np.int32), sizes), seed)


def visits(
    register: Register, n: int, seed: int, first: date, last: date, shuffled: bool
) -> Iterator[tuple[int, bytes]]:
    """Yield `n` pairs (received, body) for visits on the days first to last, both included.

    `received` is in microseconds since the epoch and rises from one to the next. Visits come in
    the order of their time, each received four hours later or, with `shuffled`, in no order at
    all, received one after another from 14 hours after the last visiting day began.
    """
    rng = Generator(PCG64(SeedSequence([seed, 77])))
    days = (last - first).days + 1
    seconds = rng.integers(0, days * _OPEN, n)
    if not shuffled:
        seconds.sort()
    dates = [(first + timedelta(day)).isoformat().encode() for day in range(days)]
    opening = datetime(first.year, first.month, first.day, 3, tzinfo=UTC)
    start = int(opening.timestamp()) * 1_000_000
    tails = _tails(random.Random(seed))
    received = start + (days - 1) * 24 * _HOUR + 6 * _HOUR if shuffled else 0
    for begin in range(0, n, _CHUNK):
        part = seconds[begin : begin + _CHUNK]
        day, second = np.divmod(part, _OPEN)
        schools = rng.integers(0, len(register), len(part))
        noise = rng.integers(0, 2**63, (3, len(part)), dtype=np.int64)
        columns = (day.tolist(), second.tolist(), schools.tolist(), *noise.tolist())
        for at, clock, school, one, two, three in zip(*columns, strict=True):
            if shuffled:
                received += 1
            else:
                sent = start + at * 24 * _HOUR + clock * 1_000_000 + 4 * _HOUR
                received = max(received + 1, sent)
            yield received, _body(dates[at], clock, school, (one, two, three), tails)


def _body(
    day: bytes, second: int, school: int, noise: tuple[int, int, int], tails: list[bytes]
) -> bytes:
    """Return one form's bytes: a head of its own and one of the templates."""
    one, two, three = noise
    minute, second = divmod(second, 60)
    hour, begun = divmod(minute + 480, 60)
    later, ended = divmod(minute + 505 + one % 20, 60)
    monitor = three % 6007
    head = _HEAD % (
        *(one & 0xFFFFFFFF, (one >> 32) & 0xFFFF, (one >> 48) & 0xFFF),
        *(0x8000 | (two & 0x3FFF), (two >> 14) & 0xFFFFFFFFFFFF),
        *(school + 1, day, hour, begun, second, day, later, ended, monitor, monitor),
        *(27 + school % 400 // 100, school % 100 * 10_000 + two % 600),
        *(62 + school % 700 // 100, school % 100 * 10_000 + three % 600),
        4 + one % 30,
    )
    return head + tails[three % _TEMPLATES]


def _tails(draw: random.Random) -> list[bytes]:
    """Return the templates: what follows the head, without its opening brace."""
    encode = msgspec.json.encode
    return [encode(_rest(draw, draw.random() < 0.94))[1:] for _ in range(_TEMPLATES)]


def _rest(draw: random.Random, is_open: bool) -> dict[str, Any]:
    """Return status and answers of one template."""
    premises: dict[str, Any] = {
        "rooms": _part(draw, 8, "available", "usable"),
        "toilets": {kind: _part(draw, 3, "available", "usable") for kind in _KINDS},
        "oversight": {
            "official_visit_last_30_days": draw.random() < 0.7,
            "visitor_post": draw.choice(("deo", "ddeo", "adeo", "cluster_head", "other")),
            "evidence": "log_book",
        },
    }
    if not is_open:
        return {"status": "closed_temporarily", "closure_reason": "staff_absent"} | premises
    premises["rooms"] |= {"classrooms_used": premises["rooms"]["usable"], "open_air_classes": 1}
    premises["toilets"] |= {"handwash": draw.random() < 0.4, "soap": draw.random() < 0.1}
    return {
        "status": "open",
        "students": _students(draw),
        "teachers": {
            "male": _staff(draw),
            "female": _staff(draw),
            "sanctioned": 12,
            "head_present": "yes",
            "proxies": 0,
        },
        "non_teaching": {
            "male": _part(draw, 4, "posted", "present"),
            "female": _part(draw, 2, "posted", "present"),
        },
        **premises,
        "facilities": {
            "water": {"available": True, "functional": draw.random() < 0.8},
            "electricity": {"available": True, "functional": draw.random() < 0.6},
            "boundary_wall": {"available": False},
        },
        "participation": {
            "child_club_formed": draw.random() < 0.4,
            "ptsmc_formed": draw.random() < 0.8,
            "feeder_attended_procurement": draw.choice(("attended", "not_invited")),
        },
        "environment": {item: draw.choice(("yes", "no", "no")) for item in _ITEMS},
        "remarks": draw.choice(("all well", "roof leaks", "no water since March")),
    }


def _part(draw: random.Random, most: int, whole: str, part: str) -> dict[str, int]:
    """Return a whole of up to `most` and a part of it."""
    count = draw.randint(0, most)
    return {whole: count, part: sum(draw.random() < 0.75 for _ in range(count))}


def _students(draw: random.Random) -> dict[str, Any]:
    """Return both sexes, and one grade that was counted head by head."""
    cells = {sex: _part(draw, 120, "enrolled", "present") for sex in ("boys", "girls")}
    grade = {
        sex: {"enrolled": cell["enrolled"] // 6, "present": cell["present"] // 6}
        for sex, cell in cells.items()
    }
    return cells | {"grades": [{"grade": "3"} | grade]}


def _staff(draw: random.Random) -> dict[str, int]:
    """Return five numbers of staff that add up."""
    cell = _part(draw, 6, "posted", "present")
    away = cell["posted"] - cell["present"]
    cell["on_leave"] = draw.randint(0, away)
    cell["on_duty"] = draw.randint(0, away - cell["on_leave"])
    cell["absent"] = away - cell["on_leave"] - cell["on_duty"]
    return cell
