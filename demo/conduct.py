"""How the schools are led: officials' visits, and what teaching and learning look like.

Owns the oversight answers and the ten items of the environment, drawn so that the province comes
out at the wanted shares. All arrays have one entry a visit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from demo.chance import Counts, Spread, effect, logistic, settle, shares
from demo.register import Flags, Floats, Ints, Register
from demo.tours import Tours

ITEMS = (
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
_EASE = (-1.1, 0.5, -1.4, 0.9, 0.6, -0.6, -0.1, -0.2, -0.7, 0.8)  # logit against the mean item
_NOT_APPLICABLE = (0.01, 0.0, 0.02, 0.01, 0.02, 0.05, 0.02, 0.0, 0.04, 0.03)
POSTS = (
    "deo",
    "ddeo",
    "adeo",
    "cluster_head",
    "learning_coordinator",
    "rtsm_monitor",
    "other",
)
NO, YES, SKIPPED, OMITTED = range(4)


@dataclass(frozen=True, slots=True)
class Officials:
    """Whether an official came in the last 30 days, how many days ago (0: not said), and who."""

    came: Ints
    days_ago: Ints
    post: Ints


def officials(
    register: Register, tours: Tours, counted: Flags, target: float, rng: Generator
) -> Officials:
    """Draw the oversight answers; `counted` says which visits enter the figure."""
    spread = Spread(0.45, 0.45, 0.5, 0.0, 0.35)
    logit = effect(register, tours, spread, rng)
    logit += 0.35 * register.level[tours.school] - 0.8 * register.remoteness[tours.school]
    share = shares(logit, counted.astype(np.int32), target)
    came = (rng.random(len(tours)) < share).astype(np.int32)
    settle(came, np.ones(len(tours), dtype=np.int32), counted, target, rng)
    recent = rng.integers(1, 29, len(tours))
    before = np.where(rng.random(len(tours)) < 0.6, rng.integers(35, 200, len(tours)), 0)
    post = rng.choice(7, size=len(tours), p=[0.06, 0.12, 0.13, 0.38, 0.16, 0.1, 0.05])
    days_ago = np.where(came == 1, recent, before)
    return Officials(came, days_ago.astype(np.int32), post.astype(np.int32))


def environment(
    register: Register, tours: Tours, counted: Flags, target: float, rng: Generator
) -> Counts:
    """Draw the ten items, shape (10, visits), each NO, YES, SKIPPED or OMITTED."""
    count = len(tours)
    spread = Spread(0.4, 0.35, 0.7, 0.4, 0.35)
    logit = effect(register, tours, spread, rng) + 0.2 * register.level[tours.school]
    draw = [rng.random(count, dtype=np.float32) for _ in ITEMS]
    asked = np.array([luck >= rare for luck, rare in zip(draw, _NOT_APPLICABLE, strict=True)])
    omitted = np.array([luck > 0.993 for luck in draw])
    del draw
    enters = asked & ~omitted & counted
    level = _level(logit, enters, target)
    answers = np.empty((len(ITEMS), count), dtype=np.int8)
    for item, ease in enumerate(_EASE):
        answers[item] = rng.random(count, dtype=np.float32) < logistic(logit + (ease + level))
    one = np.ones(answers.size, dtype=np.int8)
    settle(answers.reshape(-1), one, enters.reshape(-1), target, rng)
    answers[~asked] = SKIPPED
    answers[omitted] = OMITTED
    return answers


def _level(logit: Floats, enters: Flags, target: float) -> float:
    """Return the intercept at which the mean share over all items that enter is the target."""
    total = int(enters.sum())
    low, high = -8.0, 8.0
    for _ in range(22):
        middle = (low + high) / 2
        sums = [
            float(logistic(logit[some] + (ease + middle)).sum())
            for ease, some in zip(_EASE, enters, strict=True)
        ]
        if sum(sums) < target * total:
            low = middle
        else:
            high = middle
    return high
