"""Adding deltas to cells and presence: read, add, write, under one writer slot. SQL only.

Owns the slots: two instances keep their own rows of the same cell, so that neither waits for the
province's row; readers sum over slots. A slot is held until the transaction ends, so what was
read stays true until it is written. Formats are `cells`', sums `contributions`'.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.indicators.beside import beside
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
from shared.db.packing import literal
from shared.db.transaction import Tx

_SLOTS = 16
_LARGE = 1_000
"""Cells from this number on are added off the event loop, beside what the database does."""
Blob = bytes | None


@dataclass(slots=True)
class _Cells:
    """The rows of one table that a change touches, keys sorted; blobs as they will be written."""

    table: str
    when: str
    flow: Sums
    stock: Sums
    keys: NDArray[np.int64]
    units: list[int]
    times: list[int]
    there: NDArray[np.bool_]
    addresses: list[object]
    rows: list[tuple[object, ...]]

    @classmethod
    def of(cls, table: str, when: str, flow: Sums, stock: Sums) -> "_Cells":
        """Find the rows that sums of flows and stocks fall on."""
        keys = np.union1d(_keys(flow), _keys(stock))
        times = (keys & 0xFFFFFFFF).astype(np.uint32).view(np.int32).tolist()
        none = np.zeros(keys.size, bool)
        return cls(table, when, flow, stock, keys, (keys >> 32).tolist(), times, none, [], [])

    def add_to(self, slot: int, held: Sequence[Any]) -> None:
        """Add the sums to the rows held (unit, when, flow, stock, address)."""
        flow: list[Blob] = [None] * len(self.units)
        stock: list[Blob] = [None] * len(self.units)
        if held:
            at = np.searchsorted(self.keys, _pack([r[0] for r in held], [r[1] for r in held]))
            self.there[at] = True
            for place, row in zip(at.tolist(), held, strict=True):
                flow[place], stock[place] = row[2], row[3]
        _add_rows(flow, np.searchsorted(self.keys, _keys(self.flow)).tolist(), self.flow, FLOWS)
        _add_rows(stock, np.searchsorted(self.keys, _keys(self.stock)).tolist(), self.stock, STOCKS)
        # By place: the order in which `there` names them.
        self.addresses = [held[row][4] for row in np.argsort(at).tolist()] if held else []
        slots = [slot] * len(self.units)
        self.rows = list(zip(self.units, self.times, slots, flow, stock, strict=True))

    async def write(self, tx: Tx) -> None:
        """Write the rows: of many, the new ones are appended and the others set where they are."""
        keys, blobs = ("unit", self.when, "slot"), ("flow", "stock")
        rows = self.rows
        if len(rows) < _LARGE:
            await tx.upsert_rows(self.table, keys, (*keys, *blobs), rows)
            return
        fresh = [rows[place] for place in np.flatnonzero(~self.there).tolist()]
        if fresh:
            await tx.insert_rows(self.table, (*keys, *blobs), fresh)
        held = np.flatnonzero(self.there).tolist()
        await tx.update_at(
            self.table,
            blobs,
            [
                (address, *rows[place][3:])
                for address, place in zip(self.addresses, held, strict=True)
            ],
        )


async def take_slot(tx: Tx) -> int:
    """Take a free writer slot until the transaction ends; wait for the first when all are busy."""
    for slot in range(_SLOTS):
        if await tx.try_lock(f"slot:{slot}"):
            return slot
    await tx.lock("slot:0")
    return 0


async def add(tx: Tx, deltas: Deltas) -> None:
    """Add deltas to day cells, month cells and presence.

    Each step's arithmetic runs beside the statement of another: the database's time and ours are
    about the same.
    """
    if deltas.touched_path.size == 0:
        return
    slot = await take_slot(tx)
    large = deltas.flow.unit.size + deltas.stock.unit.size >= _LARGE
    days = _Cells.of("day_cells", "day", deltas.flow, deltas.stock)
    held, months = await beside(_held_cells(tx, days, slot), large, _months, deltas)
    held_months, _ = await beside(_held_cells(tx, months, slot), large, days.add_to, slot, held)
    await beside(days.write(tx), large, months.add_to, slot, held_months)
    await months.write(tx)
    await _add_presence(tx, slot, deltas.presence)


def _months(deltas: Deltas) -> _Cells:
    return _Cells.of("month_cells", "month", deltas.flow.by_month(), deltas.stock.by_month())


async def _held_cells(tx: Tx, cells: _Cells, slot: int) -> list[Any]:
    keys = ("unit", cells.when)
    return await _held(tx, cells.table, keys, ("flow", "stock"), cells.units, cells.times, slot)


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
    """Fetch the slot's rows of these key pairs, each with its address last."""
    if not one:
        return []
    first, second = keys
    chosen = ",".join(f"c.{column}" for column in (first, second, *columns, tx.address))
    if tx.dialect == "postgresql":
        return await tx.fetch(
            f"SELECT {chosen} FROM unnest($1::text::integer[],$2::text::integer[]) AS q(a, b) "
            f"JOIN {table} c ON c.{first} = q.a AND c.{second} = q.b AND c.slot = $3",
            literal(one),
            literal(other),
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
    keys = ("path", "quarter", "slot")
    await tx.upsert_rows("presence", keys, (*keys, "data"), written)


def _pack_arrays(one: NDArray[np.int32], other: NDArray[np.int32]) -> NDArray[np.int64]:
    return (one.astype(np.int64) << 32) | other.astype(np.int64)
