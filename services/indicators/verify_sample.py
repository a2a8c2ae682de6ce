"""A cheap look at a few figures: the cells around one school, recomputed; events, looked up.

Owns what a sample is and how it is compared: every cell of the clusters in which the school ever
was, from all visits of their schools; for every unit above, on one day, that it is the sum of its
parts and its month the sum of its days; and a stretch of ingest's journal against the visits held.
Whatever is wrong anywhere is met by some sample; `verify` looks at all. Reads one snapshot.
"""

import asyncio
from random import Random

import numpy as np

from services.indicators import read_store, store
from services.indicators.cells import FLOWS, STOCKS, months_of
from services.indicators.contributions import Sums, whole
from services.indicators.halts import Verdict
from services.indicators.measures import FLOW, STOCK
from services.indicators.recount import Finished, no_presence, no_sums
from services.indicators.register import Register
from services.indicators.registry_store import Registers, line_of
from services.indicators.verify_cells import compare_finished, day_name
from services.indicators.verify_schools import name_schools, schools_ever_in, stands_higher
from services.indicators.verify_visits import Asked, Differences, compare_stretch, legible
from services.indicators.visits import Visits
from shared.db.engine import Database
from shared.db.transaction import Tx

_RECORDS = 200


async def sample(database: Database, ledger: Database, asked: Asked, random: Random) -> Verdict:
    """Return every difference around one school chosen by `random`, and in a stretch of events."""
    found = Differences()
    async with database.reading() as tx:
        register, line = await Registers().current(tx), await line_of(tx)
        schools = register.known_schools()
        if schools.size:
            school = int(schools[random.randrange(schools.size)])
            await around(tx, register, asked.look_back_days, school, random, found)
            await name_schools(tx, register, asked.look_back_days, found)
        await compare_stretch(tx, ledger, register, asked.zone, random, found, _RECORDS)
    return Verdict(line, found.told())


async def around(
    tx: Tx, register: Register, look_back: int, school: int, random: Random, found: Differences
) -> None:
    """Note what is wrong in the cells of the school's clusters and of the units above them."""
    paths = np.unique(register.seg_path[register.seg_school == school])
    clusters = {register.paths[path][0] for path in paths.tolist() if register.paths[path]}
    for cluster in sorted(clusters):
        finished = await recounted(tx, register, look_back, cluster, found)
        await compare_finished(tx, register, finished, found)
    day = await _some_day(tx, school, random)
    if day is None:
        return
    chain = register.chain(school, day)
    for place, unit in enumerate(chain):
        try:
            await month_is_its_days(tx, register, unit, day, found)
            if place:
                await whole_is_its_parts(tx, register, unit, day, found)
        except ValueError as error:
            name = register.unit_ids[unit]
            found.add(f"cells of {name} or below, around {day_name(day)}: cannot be read: {error}")


async def recounted(
    tx: Tx, register: Register, look_back: int, cluster: int, found: Differences
) -> Finished:
    """Compute what the cells of a lowest unit should hold, from all visits of its schools.

    Of a unit that has units under it as well, only who is present straight in it: its cells hold
    more than its own schools, and are looked at as wholes.
    """
    under = np.flatnonzero(register.path_units[:, 0] == cluster)
    schools = schools_ever_in(register, cluster)
    rows = await store.visits_of(tx, schools.tolist())
    try:
        deltas = await asyncio.to_thread(
            whole, Visits.from_rows(rows), register, schools, look_back
        )
    except ValueError:
        readable = Visits.from_rows(legible(rows, found))
        deltas = await asyncio.to_thread(whole, readable, register, schools, look_back)
    inside = np.isin(deltas.presence.path, under)
    presence = no_presence()
    if inside.any():
        presence = type(deltas.presence)(
            deltas.presence.path[inside],
            deltas.presence.quarter[inside],
            deltas.presence.records[inside],
        )
    return Finished(
        np.array([] if stands_higher(register, cluster) else [cluster], np.int32),
        _of_unit(deltas.flow, cluster, FLOWS),
        _of_unit(deltas.stock, cluster, STOCKS),
        under.astype(np.int32),
        presence,
    )


def _of_unit(sums: Sums, unit: int, width: int) -> Sums:
    at = sums.unit == unit
    if not at.any():
        return no_sums(width)
    return Sums(sums.unit[at], sums.when[at], sums.values[at])


async def _some_day(tx: Tx, school: int, random: Random) -> int | None:
    """A day on which the school was visited; None when it never was."""
    rows = await tx.fetch("SELECT DISTINCT day FROM visits WHERE school = $1", school)
    return random.choice(sorted(int(row[0]) for row in rows)) if rows else None


async def month_is_its_days(
    tx: Tx, register: Register, unit: int, day: int, found: Differences
) -> None:
    """Note where the month of a day is not the sum of its days, in one unit."""
    month, first, last = _month_of(day)
    months = await read_store.month_cells(tx, [unit], month, month, month)
    days = await read_store.day_cells(tx, [unit], first, last)
    at = months.time == month
    flow = months.flow[at].sum(axis=0) - days.flow.sum(axis=0)
    stock = months.stock[at].sum(axis=0) - days.stock.sum(axis=0)
    for names, wrong in ((FLOW, flow), (STOCK, stock)):
        for column in np.flatnonzero(wrong).tolist():
            found.add(
                f"unit {register.unit_ids[unit]}, month of {day_name(day)}, {names[column]}: "
                f"the month is {int(wrong[column]):+d} against its days"
            )


async def whole_is_its_parts(
    tx: Tx, register: Register, unit: int, day: int, found: Differences
) -> None:
    """A unit's flow on a day, and what stands that day, are the sums of those below it."""
    parts = await asyncio.to_thread(_parts_of, register, unit, day)
    if parts is None:
        return
    units = [unit, *parts]
    month, first, _ = _month_of(day)
    months = await read_store.month_cells(tx, units, month, month, month - 1)
    days = await read_store.day_cells(tx, units, first, day)
    sign = np.where(np.arange(len(units)) == 0, 1, -1)
    earlier = months.time < month
    flow = (days.flow * sign[days.place][:, None])[days.time == day].sum(axis=0)
    stock = (days.stock * sign[days.place][:, None]).sum(axis=0)
    stock = stock + (months.stock * sign[months.place][:, None])[earlier].sum(axis=0)
    for names, wrong in ((FLOW, flow), (STOCK, stock)):
        for column in np.flatnonzero(wrong).tolist():
            found.add(
                f"unit {register.unit_ids[unit]}, day {day_name(day)}, {names[column]}: "
                f"it is {int(wrong[column]):+d} against its parts"
            )


def _parts_of(register: Register, unit: int, day: int) -> list[int] | None:
    """The units straight under a unit on a day; None when schools are: their parts are no cells."""
    schools = register.known_schools()
    now = register.seg_path[register.segment_at(schools, np.full(schools.size, day, np.int32))]
    levels = register.path_units[np.unique(now)]
    row, level = np.nonzero(levels == unit)
    if (level == 0).any():
        return None
    parts: list[int] = np.unique(levels[row, level - 1]).tolist()
    return parts


def day_of_month(month: int) -> int:
    """The first day of a month of the cells."""
    return int(np.datetime64(month - 1970 * 12, "M").astype("datetime64[D]").astype(np.int64))


def _month_of(day: int) -> tuple[int, int, int]:
    """The month of a day, and the first and last day of that month."""
    month = int(months_of(np.array([day], np.int32))[0])
    return month, day_of_month(month), day_of_month(month + 1) - 1
