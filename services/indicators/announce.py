"""What is told after a fold: which units of which district moved, over which days (06, Events).

Owns the `rtsm.figures` events. No values: whoever wants them asks. Pure.
"""

from collections.abc import Iterable

import msgspec
import numpy as np

from services.indicators.contributions import Deltas
from services.indicators.register import Register
from shared.domain.days import day_date
from shared.journal.records import Event

_DISTRICT = "district"


def moved(deltas: Deltas, register: Register, now: int) -> list[Event]:
    """Make one event per district touched; `now` in microseconds.

    A unit above the districts is named in each of its districts' events; where a path has no
    district, its highest unit stands for it.
    """
    if deltas.touched_path.size == 0:
        return []
    order = np.argsort(deltas.touched_path, kind="stable")
    paths, days = deltas.touched_path[order], deltas.touched_day[order]
    starts = np.flatnonzero(np.concatenate(([True], paths[1:] != paths[:-1])))
    first = np.minimum.reduceat(days, starts).tolist()
    last = np.maximum.reduceat(days, starts).tolist()
    return _events(zip(paths[starts].tolist(), first, last, strict=True), register, now)


def everything(register: Register, first: int, last: int, now: int) -> list[Event]:
    """Make the events that say that any figure of these days may have moved."""
    return _events(((path, first, last) for path in range(len(register.paths))), register, now)


def _events(touched: Iterable[tuple[int, int, int]], register: Register, now: int) -> list[Event]:
    """Join (path, first day, last day) by district."""
    districts: dict[int, tuple[set[int], int, int]] = {}
    for number, begin, end in touched:
        path = register.paths[number]
        if not path:
            continue
        district = next((u for u in path if register.levels.get(u) == _DISTRICT), path[-1])
        held = districts.get(district)
        if held is None:
            districts[district] = (set(path), begin, end)
        else:
            held[0].update(path)
            districts[district] = (held[0], min(held[1], begin), max(held[2], end))
    names = register.unit_ids
    return [
        Event(
            "rtsm.figures",
            "rtsm.figures.changed.v1",
            names[district],
            names[district],
            now,
            now,
            msgspec.json.encode(
                {
                    "units": sorted(names[unit] for unit in units),
                    "first_day": day_date(begin).isoformat(),
                    "last_day": day_date(end).isoformat(),
                }
            ),
        )
        for district, (units, begin, end) in sorted(districts.items())
    ]
