"""Chance with a memory: effects of district, cluster and school, and rates that hit a target.

Owns the two tools that every answer of the demonstration is drawn with: `effect`, a sum of random
effects on the logit scale, and the settling of integer counts on a wanted ratio of sums.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from demo.register import DAYS, Flags, Floats, Ints, Register
from demo.tours import Tours

Counts = NDArray[np.signedinteger]


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations on the logit scale, and the mean gain over the seventeen months."""

    district: float
    cluster: float
    school: float
    visit: float
    gain: float


def logistic(value: Floats) -> Floats:
    """Return the share that belongs to a logit, to six decimals.

    Processors disagree about the last bit of an exponential; six decimals are the same on all.
    """
    share = np.exp(-value)
    share += 1
    np.reciprocal(share, out=share)
    return np.asarray(np.round(share, 6, out=share))


def effect(register: Register, tours: Tours, spread: Spread, rng: Generator) -> Floats:
    """Return one logit a visit: of place, of the visit itself, and of time by district."""
    districts = len(register.districts)
    of_school = (
        rng.normal(0.0, spread.district, districts)[register.district]
        + rng.normal(0.0, spread.cluster, len(register.clusters))[register.cluster]
        + rng.normal(0.0, spread.school, len(register))
    )
    gain = rng.normal(spread.gain, abs(spread.gain) * 0.8 + 0.05, districts)
    time = tours.day / DAYS - 0.5
    noise = rng.normal(0.0, spread.visit, len(tours))
    return np.asarray(
        of_school[tours.school] + gain[register.district[tours.school]] * time + noise
    )


def shares(logit: Floats, weight: Ints | Flags, target: float) -> Floats:
    """Return shares whose weighted mean over the entries with weight is about `target`."""
    some, weights = logit[weight > 0], weight[weight > 0]
    low, high = -12.0, 12.0
    total = float(weights.sum())
    for _ in range(24):
        middle = (low + high) / 2
        if float((logistic(some + middle) * weights).sum()) < target * total:
            low = middle
        else:
            high = middle
    return logistic(logit + high)


def settle(part: Counts, whole: Counts, counted: Flags, target: float, rng: Generator) -> None:
    """Move single counts, in place, until sum(part)/sum(whole) of the counted rounds to `target`.

    Never leaves 0..whole of an entry; which entries give way is random.
    """
    wanted = round(target * int(whole[counted].sum()))
    fruitless = 0
    while missing := wanted - int(part[counted].sum()):
        step = 1 if missing > 0 else -1
        drawn = np.unique(rng.integers(0, len(part), 4 * abs(missing) + 64))
        room = part[drawn] < whole[drawn] if step > 0 else part[drawn] > 0
        able = rng.permutation(drawn[counted[drawn] & room])[: abs(missing)]
        part[able] += step
        fruitless = 0 if len(able) else fruitless + 1
        if fruitless > 100:
            raise ValueError("the target cannot be reached")


def standing(school: Ints, day: Ints, answered: Flags, look_back: int) -> NDArray[np.intp]:
    """Return the entries whose answers stand on the last day, entries being in order of time.

    The last answer of a school stands when it is less than `look_back` days old.
    """
    entries = np.flatnonzero(answered)
    _, from_end = np.unique(school[entries][::-1], return_index=True)
    last = entries[len(entries) - 1 - from_end]
    return np.asarray(last[DAYS - 1 - day[last] < look_back])
