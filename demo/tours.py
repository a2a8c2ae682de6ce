"""Who visits which school when: the monitors' tours through the seventeen months.

Owns the choice of school, monitor, day and minute of every visit; a monitor makes one tour a day,
to one cluster, and sees no school twice on it. What is found there is left to `demo.answers`.
"""

import random
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from demo.register import DAYS, MIDDLE, Floats, Ints, Register, stream
from demo.seasons import vacation, working_days

MONITORS = 130
_ON_VACATION = 0.02  # share of tours that meet a cluster on vacation all the same


@dataclass(frozen=True, slots=True)
class Tours:
    """Visits in the order of time, one entry each; `minute` is local and of the day."""

    school: Ints
    monitor: Ints
    day: Ints
    minute: Ints
    minutes: Ints  # how long the visit takes

    def __len__(self) -> int:
        """Return the number of visits."""
        return len(self.school)


def plan(register: Register, count: int, seed: int) -> Tours:
    """Return exactly `count` visits, shared among districts by size and reach."""
    rng = stream(seed, 2)
    size = np.array([area.schools for area in register.districts], dtype=np.float64)
    reach = np.array([area.reach for area in register.districts])
    visits = _shares(size * reach, count)
    monitors = np.maximum(2, _shares(size * np.sqrt(reach), MONITORS))
    open_days = np.array([~vacation(zone) for zone in (0, 1)])
    found: list[tuple[int, int, int, int, int]] = []
    first_monitor = 0
    for district in range(len(register.districts)):
        rounds = _Rounds(register, district, random.Random(seed * 1000 + district), open_days)
        days = _tour_days(register, district, int(monitors[district]), open_days, rng)
        found.extend(_visits(rounds, days, first_monitor, int(visits[district])))
        first_monitor += int(monitors[district])
    table = np.array(found, dtype=np.int32)
    order = np.lexsort((table[:, 0], table[:, 3], table[:, 2]))
    school, monitor, day, minute, minutes = np.ascontiguousarray(table[order].T)
    return Tours(school, monitor, day, minute, minutes)


def _shares(weights: Floats, total: int) -> Ints:
    """Split `total` by weight into whole numbers, largest remainders first."""
    exact = weights / weights.sum() * total
    parts: Ints = np.floor(exact).astype(np.int32)
    parts[np.argsort(parts - exact, kind="stable")[: total - int(parts.sum())]] += 1
    return np.asarray(parts)


def _tour_days(
    register: Register, district: int, monitors: int, open_days: Ints, rng: Generator
) -> list[tuple[int, int]]:
    """Return (monitor of the district, day) pairs, the likeliest first."""
    zones = np.array([one.zone for one in register.clusters if one.district == district])
    winter = float(zones.mean())
    open_share = open_days[0] * (1 - winter) + open_days[1] * winter
    start = np.clip(0.3 + np.arange(DAYS) / 90, 0.0, 1.0)  # the system grew in its first quarter
    weight = start * np.clip(open_share, 0.015, 1.0) * working_days()
    keys = rng.random((monitors, DAYS)) ** (1 / np.maximum(weight, 1e-9))
    order = np.argsort(-keys, axis=None, kind="stable")
    order = order[np.tile(weight > 0, monitors)[order]]
    return [divmod(pair, DAYS) for pair in order.tolist()]


class _Rounds:
    """The clusters of a district and the schools of each, visited in rounds."""

    def __init__(
        self, register: Register, district: int, draw: random.Random, open_days: Ints
    ) -> None:
        self.draw = draw
        self._open_days = open_days.tolist()
        self._zones: dict[int, int] = {}
        self._members: dict[int, list[tuple[int, float, int]]] = {}
        self._waiting: dict[int, deque[int]] = {}
        self._clusters: deque[int] = deque()
        for school in np.flatnonzero(register.district == district).tolist():
            cluster = int(register.cluster[school])
            self._zones[cluster] = register.clusters[cluster].zone
            chance = 1.0
            if register.level[school] < MIDDLE:
                chance = max(0.03, 1.0 - 1.05 * float(register.remoteness[school]))
            if register.idle[school]:
                chance *= 0.4
            member = (school, chance, int(register.closed_from[school]))
            self._members.setdefault(cluster, []).append(member)

    def cluster(self, day: int) -> int | None:
        """Return the cluster whose turn it is, None when all are on vacation."""
        for again in range(2):
            for _ in range(len(self._clusters)):
                cluster = self._clusters.popleft()
                if self._open_days[self._zones[cluster]][day] or (
                    self.draw.random() < _ON_VACATION / 4
                ):
                    return cluster
                self._clusters.append(cluster)
            if again or len(self._clusters) > len(self._members):
                break
            turn = [
                cluster
                for cluster, members in self._members.items()
                for _ in range(max(1, round(len(members) / 4 * self.draw.uniform(0.6, 1.4))))
            ]
            self.draw.shuffle(turn)
            self._clusters.extend(turn)
        return None

    def schools(self, cluster: int, day: int, count: int) -> list[int]:
        """Return up to `count` different schools of the cluster whose turn it is."""
        waiting = self._waiting.setdefault(cluster, deque())
        chosen: list[int] = []
        for _ in range(3):
            while waiting and len(chosen) < count:
                school = waiting.popleft()
                if school not in chosen:
                    chosen.append(school)
            if len(chosen) == count:
                break
            turn = [
                school
                for school, chance, closed in self._members[cluster]
                if self.draw.random() < (chance if day < closed else 0.05)
            ]
            self.draw.shuffle(turn)
            waiting.extend(turn)
        return chosen


def _visits(
    rounds: _Rounds, days: list[tuple[int, int]], first_monitor: int, count: int
) -> list[tuple[int, int, int, int, int]]:
    """Make tours, in the order of days, until there are `count` visits."""
    visits: list[tuple[int, int, int, int, int]] = []
    taken = 0
    while len(visits) < count:
        step = max(1, (count - len(visits)) // 2)
        if taken >= len(days):
            raise RuntimeError("the district has too few monitors for its visits")
        part = sorted(days[taken : taken + step], key=lambda pair: (pair[1], pair[0]))
        taken += step
        for monitor, day in part:
            visits.extend(_tour(rounds, first_monitor + monitor, day))
    # Cut at random: cutting the end would empty the last weeks.
    for _ in range(len(visits) - count):
        index = rounds.draw.randrange(len(visits))
        visits[index] = visits[-1]
        visits.pop()
    return visits


def _tour(rounds: _Rounds, monitor: int, day: int) -> list[tuple[int, int, int, int, int]]:
    """Return the visits of one monitor on one day."""
    draw = rounds.draw
    cluster = rounds.cluster(day)
    if cluster is None:
        return []
    count = 1 + (draw.random() < 0.75) + (draw.random() < 0.4)
    minute = 60 * 15 if draw.random() < 0.004 else draw.randrange(8 * 60 + 10, 9 * 60 + 20)
    visits = []
    for school in rounds.schools(cluster, day, count):
        minutes = draw.randrange(4, 10) if draw.random() < 0.01 else draw.randrange(20, 56)
        visits.append((school, monitor, day, minute, minutes))
        minute += minutes + draw.randrange(15, 46)
    return visits
