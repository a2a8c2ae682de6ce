"""Finished cells and presence as the rows that are stored.

Owns the joining of flows and stocks into one row of a unit and a day or month, in slot 0. The
bytes of measures are `cells`', those of rows `rebuild_rows`'. Pure.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from services.indicators.cells import Rows as Measures
from services.indicators.cells import encode_presence, encode_rows
from services.indicators.contributions import PresenceChange, Sums
from services.indicators.rebuild_rows import Keys, cell_rows
from services.indicators.recount import Finished
from services.indicators.segments import MIN_DAY

Rows = list[tuple[Any, ...]] | bytes
"""Rows of a table, or the bytes that PostgreSQL copies into it."""


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """Rows of day cells, month cells and presence."""

    days: Rows
    months: Rows
    presence: list[tuple[Any, ...]]


def written(finished: Finished, *, packed: bool) -> Written:
    """The rows of what is finished; `packed`: cells as the bytes that PostgreSQL copies."""
    days = _joined(finished.flow, finished.stock)
    months = _joined(finished.flow.by_month(), finished.stock.by_month())
    presence = _presence(finished.presence)
    if packed:
        return Written(cell_rows(*days), cell_rows(*months), presence)
    return Written(_rows(*days), _rows(*months), presence)


def _joined(flow: Sums, stock: Sums) -> tuple[Keys, Measures, Measures]:
    """Unit and day or month, flow and stock of the cells that any of the two falls on."""
    one, other = _keys(flow), _keys(stock)
    keys = np.union1d(one, other)
    rows = []
    for sums, own in ((flow, one), (stock, other)):
        row = np.zeros((keys.size, sums.values.shape[1]), np.int64)
        row[np.searchsorted(keys, own)] = sums.values
        rows.append(row)
    return np.stack((keys >> 32, (keys & 0xFFFFFFFF) + MIN_DAY), axis=1), rows[0], rows[1]


def _rows(keys: Keys, flow: Measures, stock: Measures) -> list[tuple[Any, ...]]:
    """Rows (unit, when, slot, flow, stock)."""
    units, times = keys[:, 0].tolist(), keys[:, 1].tolist()
    slots = [0] * len(units)
    return list(zip(units, times, slots, encode_rows(flow), encode_rows(stock), strict=True))


def _keys(sums: Sums) -> Keys:
    """One integer for each (unit, when), in the same order."""
    return (sums.unit.astype(np.int64) << 32) + (sums.when.astype(np.int64) - MIN_DAY)


def _presence(change: PresenceChange) -> list[tuple[Any, ...]]:
    """Rows (path, quarter, slot, data)."""
    key = (change.path.astype(np.int64) << 32) + change.quarter
    order = np.argsort(key, kind="stable")
    ordered, records = key[order], change.records[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    stops = [*starts[1:].tolist(), ordered.size]
    return [
        (int(ordered[start] >> 32), int(ordered[start] & 0xFFFFFFFF), 0, data)
        for start, stop in zip(starts.tolist(), stops, strict=False)
        if (data := encode_presence(records[start:stop]))
    ]
