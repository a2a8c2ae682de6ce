"""Whose is a wrong cell: the schools that add to it, named in its line.

Owns the naming, for cells of the lowest units; a cell further up that is wrong alone is nobody's.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np

from services.indicators import store
from services.indicators.contributions import whole
from services.indicators.register import Ints, Register
from services.indicators.verify_visits import Differences, WrongCell, legible
from services.indicators.visits import COLUMNS, Visits
from shared.db.transaction import Tx

_SCHOOL = COLUMNS.index("school")


def schools_ever_in(register: Register, unit: int) -> Ints:
    """Return the schools whose own unit this was on any day."""
    paths = np.flatnonzero(register.path_units[:, 0] == unit)
    schools: Ints = np.unique(register.seg_school[np.isin(register.seg_path, paths)])
    return schools


def stands_higher(register: Register, unit: int) -> bool:
    """Tell whether a unit ever had units under it: then schools directly in it are not all of it.

    A school may stand straight under a district whose other schools stand in clusters.
    """
    return bool((register.path_units[:, 1:] == unit).any())


async def name_schools(tx: Tx, register: Register, look_back: int, found: Differences) -> None:
    """Add to the line of each noted cell the schools that should add to it, with how much."""
    for cell in found.cells:
        schools = schools_ever_in(register, cell.unit)
        if not schools.size or stands_higher(register, cell.unit):
            continue
        rows = legible(await store.visits_of(tx, schools.tolist()), Differences())
        named = await asyncio.to_thread(_named, rows, register, schools, look_back, cell)
        found.lines[cell.line] += f"; schools that add to it: {', '.join(named) or 'none'}"
    found.cells.clear()


def _named(
    rows: Sequence[Any], register: Register, schools: Ints, look_back: int, cell: WrongCell
) -> list[str]:
    return [
        f"{register.school_codes[school]} {much:+d}"
        for school in schools.tolist()
        if (much := _adds(rows, register, school, look_back, cell)) is not None
    ]


def _adds(
    rows: Sequence[Any], register: Register, school: int, look_back: int, cell: WrongCell
) -> int | None:
    """What a school adds to the measure of a cell; None when it adds nothing to the whole cell."""
    own = Visits.from_rows(row for row in rows if row[_SCHOOL] == school)
    deltas = whole(own, register, np.array([school], np.int32), look_back)
    sums = deltas.stock if cell.stock else deltas.flow
    sums = sums.by_month() if cell.monthly else sums
    at = (sums.unit == cell.unit) & (sums.when == cell.when)
    return int(sums.values[at, cell.column].sum()) if at.any() else None
