"""Whom the visits meet: the school open or shut, students, teachers and other staff.

Owns the status of every visit and the counts of people, drawn so that the province's attendance
comes out at the wanted rates. All arrays have one entry a visit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from demo.chance import Spread, effect, settle, shares
from demo.register import (
    BOYS,
    DAYS,
    GIRLS,
    HIGH,
    MIDDLE,
    MIXED,
    Flags,
    Floats,
    Ints,
    Register,
)
from demo.seasons import harvest, ramadan, vacation
from demo.tours import Tours

STATUSES = (
    "open",
    "closed_temporarily",
    "closed_permanently",
    "not_found",
    "refused",
    "inaccessible",
    "merged",
)
OPEN, CLOSED, GONE, NOT_FOUND, REFUSED, INACCESSIBLE, MERGED = range(7)
REASONS = (
    "staff_absent",
    "no_teacher_posted",
    "holiday",
    "security",
    "building_unsafe",
    "no_students",
    "occupied",
    "other",
)
STAFF_ABSENT, NO_TEACHER, HOLIDAY = 0, 1, 2
_PLAINS = ("PK-BA-NSB", "PK-BA-JFB", "PK-BA-SBP", "PK-BA-KCH", "PK-BA-JMG", "PK-BA-LHR")
_SLIDE = ("PK-BA-KCH", 470, 1.1)  # teachers of Kachhi stay away from the middle of April 2019


@dataclass(frozen=True, slots=True)
class Pair:
    """Present and enrolled (or posted) of both sexes: rows 0 boys or men, 1 girls or women."""

    whole: Ints
    present: Ints


@dataclass(frozen=True, slots=True)
class Status:
    """Whether the school was open, and why not."""

    status: Ints
    reason: Ints


def statuses(register: Register, tours: Tours, rng: Generator) -> Status:
    """Draw the status of every visit."""
    count = len(tours)
    spread = Spread(0.45, 0.3, 0.8, 0.0, -0.3)
    shut = shares(effect(register, tours, spread, rng), np.ones(count, dtype=np.int32), 0.05)
    draw = rng.random(count)
    status = np.where(draw < shut, CLOSED, OPEN).astype(np.int32)
    reason = rng.choice(8, size=count, p=[0.56, 0.12, 0.04, 0.06, 0.05, 0.1, 0.03, 0.04])
    rare = rng.random(count)
    status[rare < 0.0025] = REFUSED
    status[(rare >= 0.0025) & (rare < 0.009)] = INACCESSIBLE

    idle = register.idle[tours.school]
    kind = rng.choice(
        np.array([OPEN, CLOSED, GONE, NOT_FOUND]), size=count, p=[0.1, 0.6, 0.18, 0.12]
    )
    status[idle] = kind[idle]
    reason[idle] = np.where(rng.random(count) < 0.6, NO_TEACHER, STAFF_ABSENT)[idle]

    away = np.array([vacation(zone) for zone in (0, 1)])[register.zone[tours.school], tours.day]
    locked = away & (status == OPEN) & (rng.random(count) < 0.85)
    status[locked] = CLOSED
    reason[locked] = HOLIDAY

    after = tours.day >= register.closed_from[tours.school]
    status[after] = np.where(rng.random(count) < 0.7, GONE, MERGED)[after]
    return Status(status, reason.astype(np.int32))


def _season(register: Register, tours: Tours, fasting: float, fields: float) -> Floats:
    """Return what Ramadan, harvest, winter and Saturdays take from attendance, as logits."""
    ids = [area.unit_id for area in register.districts]
    plains = np.isin(register.district[tours.school], [ids.index(one) for one in _PLAINS])
    cold = register.zone[tours.school] == 1
    late = (tours.day % 365 >= 320) & cold
    saturday = tours.day % 7 == 5  # 2018-01-01 was a Monday
    return np.asarray(
        -fasting * ramadan()[tours.day]
        - fields * (harvest()[tours.day] & plains)
        - 0.2 * late
        - 0.1 * saturday
    )


def students(
    register: Register, tours: Tours, counted: Flags, target: float, rng: Generator
) -> Pair:
    """Draw enrolment and presence; `counted` (2 × visits) says which cells enter the figure."""
    level, gender = register.level, register.gender
    middle = np.array([44.0, 115.0, 250.0])[level]
    deviation = np.array([0.55, 0.4, 0.45])[level]
    size = middle * np.exp(rng.normal(0.0, 1.0, len(register)) * deviation)
    size = np.clip(size * (1.15 - 0.4 * register.remoteness), 7, 1400)
    girls = np.where(gender == GIRLS, 1.0, 0.0)
    guests = (gender == BOYS) & (level < HIGH) & (rng.random(len(register)) < 0.15)
    share = rng.random(len(register))
    girls[guests] = 0.05 + 0.15 * share[guests]
    girls[gender == MIXED] = 0.3 + 0.3 * share[gender == MIXED]

    session = 1.0 + 0.03 * (tours.day >= 59) + 0.03 * (tours.day >= 424)
    book = session * (1.0 + rng.normal(0.0, 0.015, len(tours)))
    total = size[tours.school] * book
    of_girls = girls[tours.school]
    whole = np.rint(np.array([total * (1 - of_girls), total * of_girls])).astype(np.int32)

    spread = Spread(0.32, 0.2, 0.45, 0.3, 0.25)
    logit = effect(register, tours, spread, rng) + _season(register, tours, 0.3, 0.45)
    both = np.array([logit + 0.03, logit - 0.03])
    share_present = shares(both, whole * counted, target)
    present = rng.binomial(whole, share_present).astype(np.int32)
    settle(present.reshape(-1), whole.reshape(-1), counted.reshape(-1), target, rng)
    return Pair(whole, present)


def _posts(register: Register, tours: Tours, posts: Ints, women: Floats, rng: Generator) -> Ints:
    """Split posts by sex; a sixth of the schools gain or lose one by a transfer."""
    count = len(register)
    female = rng.binomial(posts, women).astype(np.int32)
    of_school = np.array([posts - female, female])
    moved = np.where(rng.random(count) < 0.16, rng.integers(30, DAYS, count), DAYS)
    gained = np.where(rng.random(count) < 0.55, 1, -1)
    row = (of_school[1] > of_school[0]).astype(np.int32)
    whole = of_school[:, tours.school]
    after = np.flatnonzero(tours.day >= moved[tours.school])
    whole[row[tours.school[after]], after] += gained[tours.school[after]]
    return np.asarray(np.maximum(whole, 0), dtype=np.int32)


def teachers(
    register: Register, tours: Tours, counted: Flags, target: float, rng: Generator
) -> Pair:
    """Draw teachers posted and present; a school that is open has nearly always someone."""
    level = register.level
    mean = np.array([1.0, 4.2, 9.5])[level]
    posts = 1 + rng.poisson(mean * np.exp(rng.normal(-0.05, 0.35, len(register))))
    women = np.array([0.01, 0.97, 0.55])[register.gender]
    whole = _posts(register, tours, posts.astype(np.int32), women, rng)

    spread = Spread(0.33, 0.22, 0.5, 0.35, 0.3)
    logit = effect(register, tours, spread, rng) + _season(register, tours, 0.2, 0.0)
    name, since, fall = _SLIDE
    ids = [area.unit_id for area in register.districts]
    slide = (register.district[tours.school] == ids.index(name)) & (tours.day >= since)
    logit -= fall * slide
    share_present = shares(np.array([logit, logit]), whole * counted, target)
    present = rng.binomial(whole, share_present).astype(np.int32)
    nobody = (present.sum(axis=0) == 0) & (rng.random(len(tours)) < 0.85)
    row = (whole[1] > whole[0]).astype(np.int32)
    alone = np.flatnonzero(nobody & (whole.max(axis=0) > 0))
    present[row[alone], alone] = 1
    settle(present.reshape(-1), whole.reshape(-1), counted.reshape(-1), target, rng)
    return Pair(whole, present)


def other_staff(
    register: Register, tours: Tours, counted: Flags, target: float, rng: Generator
) -> Pair:
    """Draw non-teaching staff posted and present; many primary schools have none."""
    level = register.level
    posts = rng.poisson(np.array([0.75, 2.6, 5.5])[level]) + (level >= MIDDLE)
    women = np.array([0.02, 0.5, 0.2])[register.gender]
    whole = _posts(register, tours, posts.astype(np.int32), women, rng)
    spread = Spread(0.35, 0.2, 0.6, 0.3, 0.1)
    logit = effect(register, tours, spread, rng) + _season(register, tours, 0.1, 0.0)
    share_present = shares(np.array([logit, logit]), whole * counted, target)
    present = rng.binomial(whole, share_present).astype(np.int32)
    settle(present.reshape(-1), whole.reshape(-1), counted.reshape(-1), target, rng)
    return Pair(whole, present)
