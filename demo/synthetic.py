"""Registers and visits of any size for measuring: full forms, made fast from templates.

Owns bodies that obey every rule of the form and differ in school, time, monitor and counts. No
figure is aimed at; the demonstration with the circular's figures is `demo.visits`.
"""

import random
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

DISTRICTS = 32
_CLUSTER = 14  # schools
TEMPLATES = 1024
"""So many kinds of answers there are: a visit has the one of its third chance, modulo this."""
MONITORS = 6007
"""So many people visit: the one of the third chance, modulo this."""
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


@dataclass(frozen=True, slots=True)
class Draws:
    """What distinguishes some visits, one array each, visits in the order of their receipt.

    `received`: microseconds since the epoch; `day`: days after the first; `second`: since 08:00;
    `school`: its place in the register; `noise`: three arrays of chance below 2**63.
    """

    received: NDArray[np.int64]
    day: NDArray[np.int64]
    second: NDArray[np.int64]
    school: NDArray[np.int64]
    noise: NDArray[np.int64]

    def rows(self) -> Iterator[tuple[int, ...]]:
        """Yield (received, day, second, school, three of chance) of each visit."""
        columns = (self.received, self.day, self.second, self.school, *self.noise)
        return zip(*(column.tolist() for column in columns), strict=True)


def draws(
    n_schools: int, n: int, seed: int, first: date, last: date, shuffled: bool
) -> Iterator[Draws]:
    """Yield what chance decides of the `n` visits that `visits` gives, some thousands at a time."""
    rng = Generator(PCG64(SeedSequence([seed, 77])))
    days = (last - first).days + 1
    seconds = rng.integers(0, days * _OPEN, n)
    if not shuffled:
        seconds.sort()
    opening = datetime(first.year, first.month, first.day, 3, tzinfo=UTC)
    start = int(opening.timestamp()) * 1_000_000
    received = start + (days - 1) * 24 * _HOUR + 6 * _HOUR if shuffled else 0
    for begin in range(0, n, _CHUNK):
        part = seconds[begin : begin + _CHUNK]
        day, second = np.divmod(part, _OPEN)
        school = rng.integers(0, n_schools, len(part))
        noise = rng.integers(0, 2**63, (3, len(part)), dtype=np.int64)
        one_by_one = received + 1 + np.arange(len(part))
        if shuffled:
            at = one_by_one
        else:
            sent = start + day * 24 * _HOUR + second * 1_000_000 + 4 * _HOUR
            # Rising: where two were sent in the same moment, one after the other.
            places = np.arange(len(part))
            at = places + np.maximum.accumulate(np.maximum(sent - places, received + 1))
        received = int(at[-1])
        yield Draws(at, day, second, school, noise)


def visits(
    register: Sized, n: int, seed: int, first: date, last: date, shuffled: bool
) -> Iterator[tuple[int, bytes]]:
    """Yield `n` pairs (received, body) for visits on the days first to last, both included.

    `received` is in microseconds since the epoch and rises from one to the next. Visits come in
    the order of their time, each received four hours later or, with `shuffled`, in no order at
    all, received one after another from 14 hours after the last visiting day began.
    """
    write = bodies(seed, first)
    for some in draws(len(register), n, seed, first, last, shuffled):
        for received, *drawn in some.rows():
            yield received, write(*drawn)


def bodies(seed: int, first: date) -> Callable[..., bytes]:
    """Return the writer of a visit's body from (day, second, school, three of chance)."""
    tails = _tails(random.Random(seed))

    def write(day: int, second: int, school: int, one: int, two: int, three: int) -> bytes:
        date_text = (first + timedelta(day)).isoformat().encode()
        return _body(date_text, second, school, (one, two, three), tails)

    return write


def visit_id(one: int, two: int) -> str:
    """Return the id that chance gives a visit."""
    parts = (one & 0xFFFFFFFF, (one >> 32) & 0xFFFF, (one >> 48) & 0xFFF)
    return "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}".format(
        *parts,
        0x8000 | (two & 0x3FFF),
        (two >> 14) & 0xFFFFFFFFFFFF,
    )


def _body(
    day: bytes, second: int, school: int, noise: tuple[int, int, int], tails: list[bytes]
) -> bytes:
    """Return one form's bytes: a head of its own and one of the templates."""
    one, two, three = noise
    minute, second = divmod(second, 60)
    hour, begun = divmod(minute + 480, 60)
    later, ended = divmod(minute + 505 + one % 20, 60)
    monitor = three % MONITORS
    head = _HEAD % (
        *(one & 0xFFFFFFFF, (one >> 32) & 0xFFFF, (one >> 48) & 0xFFF),
        *(0x8000 | (two & 0x3FFF), (two >> 14) & 0xFFFFFFFFFFFF),
        *(school + 1, day, hour, begun, second, day, later, ended, monitor, monitor),
        *(27 + school % 400 // 100, school % 100 * 10_000 + two % 600),
        *(62 + school % 700 // 100, school % 100 * 10_000 + three % 600),
        4 + one % 30,
    )
    return head + tails[three % TEMPLATES]


def _tails(draw: random.Random) -> list[bytes]:
    """Return the templates: what follows the head, without its opening brace."""
    encode = msgspec.json.encode
    return [encode(_rest(draw, draw.random() < 0.94))[1:] for _ in range(TEMPLATES)]


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
