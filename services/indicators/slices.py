"""Which visits of a school are enough to know what a change does (04 §2).

A change of some days moves, of every stock group, the answers of those days and the nearest
counted answer before them (its end), and needs the nearest one after them (their end). So whole
days around the change are enough once they hold such an answer on either side, or reach as far as
an answer can stand, or reach the end of the school's history. Owns that judgement; loading is
`store`'s. A property test holds slice = whole. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.indicators.register import Ints
from services.indicators.visits import Bools, Visits

NEIGHBOURS = 2
"""Visits looked at on either side of a change before all within the look-back are."""


class Changed(NamedTuple):
    """A school, the first and last day that change, and the groups it ever answered."""

    school: int
    first: int
    last: int
    groups: int


def too_short(visits: Visits, changed: Sequence[Changed]) -> list[Changed]:
    """Return the schools whose loaded visits may be too few; `changed` is in order of school.

    `visits` are those within the look-back of each school that lie on its changed days, and on
    either side the nearest NEIGHBOURS visits with whole days. Fewer than that on a side are all.
    """
    if not changed:
        return []
    schools = np.array([change.school for change in changed], np.int32)
    place = np.searchsorted(schools, visits.school)
    first = np.array([change.first for change in changed], np.int32)[place]
    last = np.array([change.last for change in changed], np.int32)[place]
    groups = np.array([change.groups for change in changed], np.int32)
    counted = visits.counted()
    short = np.zeros(len(changed), bool)
    for side in (visits.day < first, visits.day > last):
        seen, answered = _answers(visits, place, side, counted, len(changed))
        short |= (seen >= NEIGHBOURS) & (groups & ~answered != 0)
    return [changed[at] for at in np.flatnonzero(short).tolist()]


def _answers(
    visits: Visits, place: NDArray[np.intp], side: Bools, counted: Bools, schools: int
) -> tuple[NDArray[np.intp], Ints]:
    """Return how many visits each school has on a side, and which groups those counted answer."""
    seen = np.bincount(place[side], minlength=schools)
    answered = np.zeros(schools, np.int32)
    at = np.flatnonzero(side & counted)
    np.bitwise_or.at(answered, place[at], visits.groups[at])
    return seen, answered


def ever_answered(
    held: Mapping[int, int], added: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return (groups, school) of those schools that answer groups they never answered before."""
    now = dict(held)
    for school, groups in added:
        now[school] = now.get(school, 0) | groups
    return [(groups, school) for school, groups in now.items() if groups != held.get(school, 0)]
