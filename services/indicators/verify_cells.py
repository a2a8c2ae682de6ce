"""Comparing what cells and presence hold with what they should hold, unit by unit.

Owns the comparison and the words of a difference. What they should hold is `recount`'s or
`verify_sample`'s; the work that is no reading is done in a thread, so that requests go on.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np

from services.indicators.cells import decode_presence, decode_rows
from services.indicators.contributions import PresenceChange, Sums, merged
from services.indicators.measures import FLOW, STOCK
from services.indicators.recount import Finished, no_sums
from services.indicators.register import Ints, Register
from services.indicators.verify_visits import Differences, WrongCell
from shared.db.transaction import Tx
from shared.domain.days import day_date, month_first

_UNITS_AT_ONCE = 25


async def compare_finished(
    tx: Tx, register: Register, finished: Finished, found: Differences
) -> None:
    """Compare the finished units and paths with what is stored."""
    for begin in range(0, finished.units.size, _UNITS_AT_ONCE):
        units = finished.units[begin : begin + _UNITS_AT_ONCE]
        for name, names, sums in (("flow", FLOW, finished.flow), ("stock", STOCK, finished.stock)):
            expected = await asyncio.to_thread(_of_units, sums, units)
            for table, when in (("day_cells", "day"), ("month_cells", "month")):
                rows = await _rows_of(tx, table, when, name, units)
                right = expected if when == "day" else expected.by_month()
                await asyncio.to_thread(
                    _compare_rows, register, table, when, (name, names), rows, right, found
                )
    for begin in range(0, finished.paths.size, _UNITS_AT_ONCE):
        await _compare_presence(
            tx, register, finished.paths[begin : begin + _UNITS_AT_ONCE], finished.presence, found
        )


def _of_units(sums: Sums, units: Ints) -> Sums:
    at = np.isin(sums.unit, units)
    return Sums(sums.unit[at], sums.when[at], sums.values[at])


async def _rows_of(tx: Tx, table: str, when: str, column: str, units: Ints) -> list[Any]:
    return await tx.fetch(
        f"SELECT unit, {when}, {column} FROM {table} "
        f"WHERE unit = ANY($1::integer[]) AND {column} IS NOT NULL",
        units.tolist(),
    )


def _compare_rows(
    register: Register,
    table: str,
    when: str,
    column: tuple[str, Sequence[str]],
    rows: list[Any],
    right: Sums,
    found: Differences,
) -> None:
    name, names = column
    held = _read(register, table, when, name, rows, len(names), found)
    _describe(register, table, when, names, held, right, found)


def _read(
    register: Register,
    table: str,
    when: str,
    column: str,
    rows: list[Any],
    width: int,
    found: Differences,
) -> Sums:
    """Sum the rows of cells (unit, when, bytes); what cannot be read is noted and is nothing."""
    values = []
    try:
        values.append(decode_rows([row[2] for row in rows], width))
    except ValueError:
        written = month_name if when == "month" else day_name
        every, rows = rows, []
        for row in every:
            try:
                values.append(decode_rows([row[2]], width))
            except ValueError as error:
                cell = f"unit {register.unit_ids[row[0]]}, {when} {written(row[1])}, {column}"
                found.add(f"{table}: {cell}: cannot be read: {error}")
            else:
                rows.append(row)
    if not rows:
        return no_sums(width)
    unit, time = (np.array([row[place] for row in rows], np.int32) for place in (0, 1))
    return merged([Sums(unit, time, np.concatenate(values))])


def _describe(
    register: Register,
    table: str,
    when: str,
    names: Sequence[str],
    held: Sums,
    right: Sums,
    found: Differences,
) -> None:
    """Note every measure of every cell that is not what it should be."""
    wrong = merged([held, Sums(right.unit, right.when, -right.values)])
    if wrong.unit.size == 0:
        return
    stored = {
        (unit, time): place
        for place, (unit, time) in enumerate(
            zip(held.unit.tolist(), held.when.tolist(), strict=True)
        )
    }
    written = month_name if when == "month" else day_name
    for row in range(wrong.unit.size):
        unit, time = int(wrong.unit[row]), int(wrong.when[row])
        place = stored.get((unit, time))
        for column in np.flatnonzero(wrong.values[row]).tolist():
            has = 0 if place is None else int(held.values[place, column])
            found.add_cell(
                f"{table}: unit {register.unit_ids[unit]}, {when} {written(time)}, "
                f"{names[column]}: stored {has}, should be {has - int(wrong.values[row, column])}",
                WrongCell(0, unit, time, when == "month", names is STOCK, column),
            )


def day_name(day: int) -> str:
    """Write a day number as an ISO date."""
    return day_date(day).isoformat()


def month_name(month: int) -> str:
    """Write a month number as year-month."""
    return month_first(month).strftime("%Y-%m")


async def _compare_presence(
    tx: Tx, register: Register, paths: Ints, right: PresenceChange, found: Differences
) -> None:
    rows = await tx.fetch(
        "SELECT path, quarter, data FROM presence WHERE path = ANY($1::integer[])", paths.tolist()
    )
    await asyncio.to_thread(_compare_records, register, paths, rows, right, found)


def _compare_records(
    register: Register, paths: Ints, rows: list[Any], right: PresenceChange, found: Differences
) -> None:
    counts: dict[tuple[int, int, int, int, int], int] = {}
    for path, quarter, data in rows:
        try:
            records = decode_presence([data]).tolist()
        except ValueError as error:
            units = [register.unit_ids[unit] for unit in register.paths[path]]
            found.add(
                f"presence: {units}, quarter {quarter % 4 + 1} of {quarter // 4}: "
                f"cannot be read: {error}"
            )
            continue
        for school, day, mask, count in records:
            key = (path, quarter, school, day, mask)
            counts[key] = counts.get(key, 0) + count
    stored = dict(counts)
    at = np.isin(right.path, paths)
    for path, quarter, record in zip(
        right.path[at].tolist(), right.quarter[at].tolist(), right.records[at].tolist(), strict=True
    ):
        school, day, mask, count = record
        key = (path, quarter, school, day, mask)
        counts[key] = counts.get(key, 0) - count
    for key, difference in counts.items():
        if difference:
            path, _, school, day, _ = key
            has = stored.get(key, 0)
            found.add_presence(
                f"presence: school {register.school_codes[school]} in "
                f"{[register.unit_ids[unit] for unit in register.paths[path]]}, "
                f"day {day_name(day)}: stored {has}, should be {has - difference}",
                next(iter(register.paths[path]), None),
            )
