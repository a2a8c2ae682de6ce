"""Adding deltas to cells and presence: read, add, write, under one writer slot. SQL only.

Owns the slots: two instances keep their own rows of the same cell, so that neither waits for the
province's row; readers sum over slots. A slot is held until the transaction ends, so what was
read stays true until it is written. Formats are `cells`', sums `contributions`'.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.indicators.cells import (
    FLOWS,
    STOCKS,
    decode_presence,
    decode_rows,
    encode_presence,
    encode_rows,
    sum_presence,
)
from services.indicators.contributions import Deltas, PresenceChange, Sums
from shared.db.transaction import Tx

_SLOTS = 16
Blob = bytes | None


async def take_slot(tx: Tx) -> int:
    """Take a free writer slot until the transaction ends; wait for the first when all are busy."""
    for slot in range(_SLOTS):
        if await tx.try_lock(f"slot:{slot}"):
            return slot
    await tx.lock("slot:0")
    return 0


async def add(tx: Tx, deltas: Deltas) -> None:
    """Add deltas to day cells, month cells and presence."""
    if deltas.touched_path.size == 0:
        return
    slot = await take_slot(tx)
    await _add_cells(tx, "day_cells", "day", slot, deltas.flow, deltas.stock)
    flow, stock = deltas.flow.by_month(), deltas.stock.by_month()
    await _add_cells(tx, "month_cells", "month", slot, flow, stock)
    await _add_presence(tx, slot, deltas.presence)


async def _add_cells(tx: Tx, table: str, when: str, slot: int, flow: Sums, stock: Sums) -> None:
    """Add flow and stock sums to the slot's rows of a table."""
    flow_key, stock_key = _keys(flow), _keys(stock)
    keys = np.union1d(flow_key, stock_key)
    if keys.size == 0:
        return
    units, times = (keys >> 32).tolist(), (keys & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    times = times.tolist()
    rows = await _held(tx, table, ("unit", when), ("flow", "stock"), units, times, slot)
    held_flow: list[Blob] = [None] * keys.size
    held_stock: list[Blob] = [None] * keys.size
    if rows:
        at = np.searchsorted(keys, _pack([row[0] for row in rows], [row[1] for row in rows]))
        for place, row in zip(at.tolist(), rows, strict=True):
            held_flow[place], held_stock[place] = row[2], row[3]
    _add_rows(held_flow, np.searchsorted(keys, flow_key).tolist(), flow, FLOWS)
    _add_rows(held_stock, np.searchsorted(keys, stock_key).tolist(), stock, STOCKS)
    await tx.upsert_rows(
        table,
        ("unit", when, "slot"),
        ("unit", when, "slot", "flow", "stock"),
        list(zip(units, times, [slot] * len(units), held_flow, held_stock, strict=True)),
    )


def _keys(sums: Sums) -> NDArray[np.int64]:
    """Return one sortable integer per (unit, when)."""
    return (sums.unit.astype(np.int64) << 32) | sums.when.view(np.uint32)


def _pack(units: Sequence[int], times: Sequence[int]) -> NDArray[np.int64]:
    when = np.array(times, np.int32).view(np.uint32)
    return (np.array(units, np.int64) << 32) | when


def _add_rows(held: list[Blob], places: list[int], sums: Sums, width: int) -> None:
    """Add sums to the encoded rows at `places`, in place."""
    if not places:
        return
    before = [held[place] for place in places]
    values = sums.values
    if any(blob is not None for blob in before):
        values = values + decode_rows(before, width)
    for place, blob in zip(places, encode_rows(values), strict=True):
        held[place] = blob


async def _held(
    tx: Tx,
    table: str,
    keys: tuple[str, str],
    columns: Sequence[str],
    one: Sequence[int],
    other: Sequence[int],
    slot: int,
) -> list[Any]:
    """Fetch the slot's rows of these key pairs."""
    first, second = keys
    chosen = ",".join(f"c.{column}" for column in (first, second, *columns))
    if tx.dialect == "postgresql":
        return await tx.fetch(
            f"SELECT {chosen} FROM unnest($1::integer[],$2::integer[]) AS q(a, b) "
            f"JOIN {table} c ON c.{first} = q.a AND c.{second} = q.b AND c.slot = $3",
            one,
            other,
            slot,
        )
    return await tx.fetch(
        f"SELECT {chosen} FROM json_each($1) q CROSS JOIN {table} c "
        f"ON c.{first} = json_extract(q.value, '$[0]') "
        f"AND c.{second} = json_extract(q.value, '$[1]') AND c.slot = $2",
        json.dumps(list(zip(one, other, strict=True))),
        slot,
    )


async def _add_presence(tx: Tx, slot: int, change: PresenceChange) -> None:
    """Add presence records to the slot's rows."""
    if change.path.size == 0:
        return
    key = _pack_arrays(change.path, change.quarter)
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    stops = [*starts[1:].tolist(), key.size]
    paths, quarters = change.path[starts].tolist(), change.quarter[starts].tolist()
    rows = await _held(tx, "presence", ("path", "quarter"), ("data",), paths, quarters, slot)
    held = {(row[0], row[1]): row[2] for row in rows}
    written = []
    for path, quarter, start, stop in zip(paths, quarters, starts.tolist(), stops, strict=True):
        before = held.get((path, quarter), b"")
        records = change.records[start:stop]
        data = before + encode_presence(records)
        if (records["count"] < 0).any():
            # A subtraction meets what it takes back: rows must not grow with corrections.
            data = encode_presence(sum_presence(decode_presence([data])))
        written.append((path, quarter, slot, data))
    await tx.upsert_rows(
        "presence", ("path", "quarter", "slot"), ("path", "quarter", "slot", "data"), written
    )


def _pack_arrays(one: NDArray[np.int32], other: NDArray[np.int32]) -> NDArray[np.int64]:
    return (one.astype(np.int64) << 32) | other.astype(np.int64)
