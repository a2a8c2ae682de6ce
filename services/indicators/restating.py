"""Which cells say what a unit would hold if today's tree had always been (02 §4, 04 §4).

Owns the division of a unit of today into units that nothing ever entered or left, whose own cells
are as true today as they were, and the clusters that some school entered or left, of which the
visits must be read. A district that was split is the upazilas it has today. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.indicators.intervals import Integers
from services.indicators.register import Register
from services.indicators.sums import Grouping


@dataclass(frozen=True, slots=True)
class Parts:
    """What some units consist of today.

    `cells`: the units whose cells are summed, each once; `place`: of every term of the sums which
    asked unit it is a part of, and `cell`: which of `cells` it is; `grouping`: the paths whose
    schools' visits must be read, each in the asked units that it is such a path of; `schools`:
    those schools.
    """

    cells: list[int]
    place: Integers
    cell: Integers
    grouping: Grouping
    schools: Integers

    def summed(self, rows: Integers, windows: int) -> Integers:
        """Sums of every (asked unit, window) from those of every (cell unit, window)."""
        width = rows.shape[1]
        by_cell = rows.reshape(len(self.cells), windows, width)
        found = np.zeros((self.grouping.size, windows, width), np.int64)
        np.add.at(found, self.place, by_cell[self.cell])
        return found.reshape(self.grouping.size * windows, width)


def parts_today(was: Register, placed: Register, units: Sequence[int], grouping: Grouping) -> Parts:
    """Divide units (integers) by today's tree; `placed` is the register restated."""
    unsteady = _unsteady(was, placed)
    used = np.unique(placed.seg_path)
    pairs: list[tuple[int, int]] = []
    loose: set[tuple[int, int]] = set()
    for place, unit in enumerate(units):
        if unit not in unsteady:
            pairs.append((place, unit))
            continue
        below: set[int] = set()
        for number in used[placed.has_unit(unit)[used]].tolist():
            path = placed.paths[number]
            nearer = reversed(path[: path.index(unit)])
            top = next((part for part in nearer if part not in unsteady), None)
            if top is None:
                loose.add((place, number))
            else:
                below.add(top)
        pairs += [(place, part) for part in sorted(below)]
    cells = sorted({unit for _, unit in pairs})
    where = {unit: number for number, unit in enumerate(cells)}
    layers = tuple(
        np.array(
            [
                place if (place, number) in loose else -1
                for number, place in enumerate(layer.tolist())
            ],
            np.int64,
        )
        for layer in (grouping.layers if loose else ())
    )
    inside = np.zeros(len(placed.paths), np.bool_)
    inside[[number for _, number in loose]] = True
    return Parts(
        cells,
        np.array([place for place, _ in pairs], np.int64),
        np.array([where[unit] for _, unit in pairs], np.int64),
        Grouping(layers or (np.full(len(placed.paths), -1, np.int64),), grouping.size),
        np.unique(placed.seg_school[inside[placed.seg_path]]).astype(np.int64),
    )


def _unsteady(was: Register, placed: Register) -> set[int]:
    """The units that some school belonged to on some day, and does not today, or the reverse."""
    moved = was.seg_path != placed.seg_path
    before, now = was.seg_path[moved], placed.seg_path[moved]
    found: set[int] = set()
    for one, other in set(zip(before.tolist(), now.tolist(), strict=True)):
        found |= set(was.paths[one]) ^ set(was.paths[other])
    return found


def path_today(placed: Register) -> Integers:
    """The path that each school has today; the empty one for those without a place."""
    found = np.zeros(len(placed.school_codes), np.int64)
    found[placed.seg_school] = placed.seg_path
    return found
