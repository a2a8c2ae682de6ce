"""Finished cells and presence as the rows that are stored.

Owns the joining of flows and stocks into one row of a unit and a day or month, in slot 0. The
bytes of measures are `cells`', those of rows `rebuild_rows`'. Pure.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.indicators.cells import encode_presence, encode_rows
from services.indicators.contributions import PresenceChange, Sums
from services.indicators.rebuild_rows import cell_rows
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
    flow, stock = finished.flow, finished.stock
    days, months = _joined(flow, stock), _joined(flow.by_month(), stock.by_month())
    presence = _presence(finished.presence)
    if packed:
        return Written(_packed(days), _packed(months), presence)
    return Written(days, months, presence)


def _packed(rows: list[tuple[Any, ...]]) -> bytes:
    return cell_rows(rows) if rows else b""


def _joined(flow: Sums, stock: Sums) -> list[tuple[Any, ...]]:
    """Rows (unit, when, slot, flow, stock) of the cells that any of the two falls on."""
    one, other = _keys(flow), _keys(stock)
    keys = np.union1d(one, other)
    blobs: list[list[bytes | None]] = []
    for sums, own in ((flow, one), (stock, other)):
        row: list[bytes | None] = [None] * keys.size
        places = np.searchsorted(keys, own).tolist()
        for place, blob in zip(places, encode_rows(sums.values), strict=True):
            row[place] = blob
        blobs.append(row)
    units = (keys >> 32).tolist()
    times = ((keys & 0xFFFFFFFF) + MIN_DAY).tolist()
    return list(zip(units, times, [0] * keys.size, *blobs, strict=True))


def _keys(sums: Sums) -> NDArray[np.int64]:
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
