"""What stands in the schools: rooms, toilets, child clubs, procurement meetings.

Owns the answers that stand until the next visit. Every school has fixed thresholds, so that two
visits of one school agree unless something was repaired or broke down between them. The level of
each rate is set on what stands on the last day.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from demo.chance import Spread, effect, logistic, standing
from demo.register import DAYS, Flags, Floats, Ints, Limits, Register
from demo.tours import Tours

LOOK_BACK = 365
MOST_ROOMS = 24
KINDS = ("boys", "girls", "shared", "staff")
PROCUREMENT = ("attended", "invited_absent", "not_invited", "no_meeting_held", "dont_know")


@dataclass(frozen=True, slots=True)
class Stock:
    """Available and usable: one row for rooms, four (boys, girls, shared, staff) for toilets."""

    available: Ints
    usable: Ints


def standing_rows(
    register: Register, tours: Tours, answered: Flags, counted: Flags
) -> NDArray[np.intp]:
    """Return the visits whose answers stand on the last day, of schools active on it."""
    last = standing(tours.school, tours.day, answered & counted, LOOK_BACK)
    return np.asarray(last[register.closed_from[tours.school[last]] >= DAYS])


def _usable(available: Ints, thresholds: Limits, school: Ints, share: Floats) -> Ints:
    """Count per kind and visit the available places whose threshold lies under the share.

    Shapes: available and share (kinds, visits), thresholds (kinds, places, schools).
    """
    usable = np.zeros_like(available)
    for kind, places in enumerate(thresholds):
        for place, limits in enumerate(places):
            usable[kind] += (place < available[kind]) & (limits[school] < share[kind])
    return usable


def _level(
    available: Ints,
    thresholds: Limits,
    school: Ints,
    logit: Floats,
    rows: NDArray[np.intp],
    target: float,
) -> float:
    """Return the intercept for which the usable share of `rows` reaches `target`."""
    whole, schools, part = available[:, rows], school[rows], logit[:, rows]
    total = int(whole.sum())
    low, high = -8.0, 8.0
    for _ in range(22):
        middle = (low + high) / 2
        usable = _usable(whole, thresholds, schools, logistic(part + middle))
        if int(usable.sum()) < target * total:
            low = middle
        else:
            high = middle
    return high


def rooms(
    register: Register,
    tours: Tours,
    answered: Flags,
    counted: Flags,
    target: float,
    rng: Generator,
) -> Stock:
    """Draw the rooms of every visit, shape (1, visits)."""
    count = len(register)
    mean = np.array([1.6, 5.5, 11.0])[register.level]
    of_school = np.clip(1 + rng.poisson(mean), 1, MOST_ROOMS - 1).astype(np.int32)
    of_school[(register.level == 0) & (rng.random(count) < 0.06)] = 0  # shelterless schools
    built = np.where(rng.random(count) < 0.04, rng.integers(30, DAYS, count), DAYS)
    available = of_school[tours.school] + (tours.day >= built[tours.school])
    limits = rng.random((1, MOST_ROOMS, count), dtype=np.float32)
    logit = effect(register, tours, Spread(0.4, 0.3, 0.9, 0.0, 0.15), rng)[None]
    rows = standing_rows(register, tours, answered, counted)
    whole = available.astype(np.int32)[None]
    level = _level(whole, limits, tours.school, logit, rows, target)
    return Stock(whole, _usable(whole, limits, tours.school, logistic(logit + level)))


def toilets(
    register: Register,
    tours: Tours,
    answered: Flags,
    counted: Flags,
    target: float,
    rng: Generator,
) -> Stock:
    """Draw the toilets of every visit by kind, shape (4, visits); a third of schools has none."""
    count = len(register)
    without = rng.random(count) < np.array([0.42, 0.12, 0.03])[register.level]
    size = np.array([0.5, 1.2, 2.2])[register.level]
    boys, girls = register.gender != 1, register.gender != 0
    staff = np.minimum(rng.poisson(size * 0.5), 2)
    kinds = [
        np.where(boys, np.minimum(rng.poisson(size), 4), 0),
        np.where(girls, np.minimum(rng.poisson(size * 1.1), 4), 0),
        np.minimum(rng.poisson(0.25, count), 2),
        staff,
    ]
    kinds[2] = np.where(kinds[0] + kinds[1] + kinds[2] + kinds[3] == 0, 1, kinds[2])
    of_school = np.where(without, 0, np.array(kinds)).astype(np.int32)
    available = np.ascontiguousarray(of_school[:, tours.school])
    limits = rng.random((4, 4, count), dtype=np.float32)
    logit = effect(register, tours, Spread(0.45, 0.3, 0.9, 0.0, 0.3), rng)
    by_kind = logit + np.array([-0.05, 0.05, -0.2, 0.35])[:, None]
    rows = standing_rows(register, tours, answered, counted)
    level = _level(available, limits, tours.school, by_kind, rows, target)
    return Stock(available, _usable(available, limits, tours.school, logistic(by_kind + level)))


def clubs(register: Register, tours: Tours, share: float, rng: Generator) -> Flags:
    """Return per visit whether the school has a child club; about `share` of them do."""
    limits = rng.random(len(register))
    logit = effect(register, tours, Spread(0.6, 0.5, 0.4, 0.0, 0.6), rng)
    logit = logit + 0.5 * register.level[tours.school]
    middle = np.log(share / (1 - share)) - 0.15
    return np.asarray(limits[tours.school] < logistic(logit + middle))


def procurement(register: Register, tours: Tours, share: float, rng: Generator) -> Ints:
    """Return per visit an index into PROCUREMENT; about `share` of the three asked attended."""
    limits = rng.random(len(register))
    other = rng.random(len(register))[tours.school]
    logit = effect(register, tours, Spread(0.5, 0.7, 0.3, 0.0, 0.4), rng)
    attended = limits[tours.school] < logistic(logit + np.log(share / (1 - share)) - 0.1)
    rest = np.searchsorted(np.array([0.24, 0.72, 0.92]), other) + 1
    early = (other > 0.5) & attended & (rng.random(len(tours)) < 0.08)
    return np.where(early, 3, np.where(attended, 0, rest)).astype(np.int32)
