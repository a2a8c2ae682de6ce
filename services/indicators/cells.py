"""The bytes of cells, visits and presence: encoding and decoding (pure).

Owns the formats. A row is little-endian integers in the order of FLOW or STOCK, of 2, 4 or 8
bytes each: the narrowest that holds the row, told apart by the length. NULL is a row of zeros.
Presence is an additive multiset of records (school, day, mask, count). Tables and transactions
are `store`'s.
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.indicators.measures import FLOW, STOCK

FLOWS, STOCKS = len(FLOW), len(STOCK)
Rows = NDArray[np.int64]
"""Measures, one row per cell or visit."""

PRESENCE = np.dtype([("school", "<u4"), ("day", "<i4"), ("mask", "<u8"), ("count", "<i4")])
"""One counted visit is +1 of (school, day, mask); a correction subtracts it again."""
Presence = NDArray[Any]

_PACK = {width: struct.Struct(f"<{width}h").pack for width in (FLOWS, STOCKS)}
"""The common case of one row, without numpy: nearly every visit fits into 2 bytes a measure."""

_NARROW: dict[int, np.dtype[np.signedinteger]] = {
    2: np.dtype("<i2"),
    4: np.dtype("<i4"),
    8: np.dtype("<i8"),
}


def decode_rows(blobs: Sequence[bytes | None], width: int) -> Rows:
    """Decode rows of `width` measures, NULL as zeros; shape (len(blobs), width), int64.

    Raises ValueError for a length that is no row.
    """
    out = np.zeros((len(blobs), width), np.int64)
    places: dict[int, list[int]] = {}
    for place, blob in enumerate(blobs):
        if blob is not None:
            places.setdefault(len(blob), []).append(place)
    for length, at in places.items():
        kind = _NARROW.get(length // width) if length % width == 0 else None
        if kind is None:
            message = f"{length} bytes are no row of {width} measures"
            raise ValueError(message)
        joined = b"".join([blobs[place] or b"" for place in at])
        block = np.frombuffer(joined, kind).reshape(len(at), width)
        if len(at) == len(blobs):
            out[:] = block
        else:
            out[at] = block
    return out


def encode_rows(rows: Rows, *, null: bool = True) -> list[bytes | None]:
    """Encode each row as narrowly as it fits; a row of zeros is None unless null=False."""
    count, width = rows.shape
    if count == 0:
        return []
    out: list[bytes | None] = [None] * count
    size = widths_of(rows, null=null)
    for nbytes, kind in _NARROW.items():
        at = np.flatnonzero(size == nbytes)
        if at.size:
            data = rows[at].astype(kind).tobytes()
            step = nbytes * width
            for number, place in enumerate(at.tolist()):
                out[place] = data[number * step : (number + 1) * step]
    return out


def widths_of(rows: Rows, *, null: bool = True) -> NDArray[np.int64]:
    """Return how many bytes a measure of each row takes; there must be rows.

    A row of zeros takes 0, unless null=False.
    """
    low, high = rows.min(axis=1), rows.max(axis=1)
    size = np.where(
        (low >= -(2**15)) & (high < 2**15), 2, np.where((low >= -(2**31)) & (high < 2**31), 4, 8)
    )
    if null:
        size[(low == 0) & (high == 0)] = 0
    return size


def encode_row(row: Sequence[int]) -> bytes:
    """Encode one row of measures, never None."""
    try:
        return _PACK[len(row)](*row)
    except (KeyError, struct.error):
        return encode_rows(np.array([row], np.int64), null=False)[0] or b""


def decode_presence(blobs: Sequence[bytes]) -> Presence:
    """Join presence rows of any paths, quarters and slots; counts are not yet summed."""
    return np.frombuffer(b"".join(blobs), PRESENCE)


def sum_presence(records: Presence) -> Presence:
    """Sum counts of equal (school, day, mask) and drop zeros; sorted by school, day, mask."""
    if records.size == 0:
        return records
    order = np.lexsort((records["mask"], records["day"], records["school"]))
    ordered = records[order]
    first = np.ones(ordered.size, bool)
    first[1:] = (
        (ordered["school"][1:] != ordered["school"][:-1])
        | (ordered["day"][1:] != ordered["day"][:-1])
        | (ordered["mask"][1:] != ordered["mask"][:-1])
    )
    starts = np.flatnonzero(first)
    summed = ordered[starts]
    summed["count"] = np.add.reduceat(ordered["count"], starts)
    kept: Presence = summed[summed["count"] != 0]
    return kept


def encode_presence(records: Presence) -> bytes:
    """Encode presence records as stored."""
    return records.astype(PRESENCE, copy=False).tobytes()


def quarter_of(days: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return year * 4 + 0..3 of each day number."""
    months = months_of(days)
    return ((months // 12) * 4 + (months % 12) // 3).astype(np.int32)


def months_of(days: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return year * 12 + month - 1 of each day number."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return (months + 1970 * 12).astype(np.int32)
