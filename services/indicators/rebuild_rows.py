"""Rows of visits and cells as PostgreSQL copies them, made without a driver between.

Owns the bytes of COPY in binary (a signature, rows of fields each with its length, an end) for the
two kinds of rows that a rebuild has by the million. Equal rows give equal bytes: so rows that are
held are compared by a digest of what they are copied to. Pure.
"""

import hashlib
import struct
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.indicators.cells import Rows, widths_of

VISIT_ROW = (
    *("revision", "day", "at", "received", "recorded", "groups", "mask"),
    *("school", "source", "visit_id", "school_code", "monitor", "kind", "status", "standing"),
    *("flow", "stock"),
)
"""The columns of `visits` in the order in which they are packed."""
_BEGIN = struct.pack(">11sii", b"PGCOPY\n\xff\r\n\x00", 0, 0)
_END = struct.pack(">h", -1)
_SCHOOL = struct.Struct(">i").pack
_NUMBERS = "hiiiiiqiqiqiiiq"
Pack = Callable[..., bytes]
Keys = NDArray[np.int64]


@lru_cache(maxsize=8192)
def _visit_packer(*sizes: int) -> Pack:
    """Pack a visit whose fields after the numbers have these sizes (0: empty or null)."""
    return struct.Struct(f">{_NUMBERS}{''.join(f'i{size}s' for size in sizes)}").pack


def visit_rows(rows: Iterable[Sequence[Any]]) -> bytes:
    """Pack rows (school, source, visit_id, revision, … in the order of `Revision`)."""
    pieces = [_BEGIN]
    for row in rows:
        (school, source, visit_id, revision, code, day, at, received, recorded, monitor) = row[:10]
        kind, status, standing, groups, mask, flow, stock = row[10:]
        number = b"" if school is None else _SCHOOL(school)
        who = source.encode()
        name = visit_id.encode()
        place = code.encode()
        person = b"" if monitor is None else monitor.encode()
        sort = kind.encode()
        state = status.encode()
        stands = standing.encode()
        a, b, c, d, e = len(number), len(who), len(name), len(place), len(person)
        f, g, h, i, j = len(sort), len(state), len(stands), len(flow), len(stock)
        pieces.append(
            _visit_packer(a, b, c, d, e, f, g, h, i, j)(
                *(17, 4, revision, 4, day, 8, at, 8, received, 8, recorded, 4, groups, 8, mask),
                *(a or -1, number, b, who, c, name, d, place),
                *(-1 if monitor is None else e, person),
                *(f, sort, g, state, h, stands, i, flow, j, stock),
            )
        )
    pieces.append(_END)
    return b"".join(pieces)


def cell_rows(keys: Keys, flow: Rows, stock: Rows) -> bytes:
    """Pack rows (unit, day or month, slot 0, flow, stock); `keys` are (unit, when) by row."""
    if not keys.shape[0]:
        return b""
    sizes = [widths_of(flow), widths_of(stock)]
    pieces = [_BEGIN]
    for one in np.unique(sizes[0]).tolist():
        for other in np.unique(sizes[1][sizes[0] == one]).tolist():
            at = np.flatnonzero((sizes[0] == one) & (sizes[1] == other))
            pieces.append(_cells_of(keys[at], (flow[at], one), (stock[at], other)))
    pieces.append(_END)
    return b"".join(pieces)


def _cells_of(keys: Keys, *measures: tuple[Rows, int]) -> bytes:
    """Pack rows whose measures are all equally wide: then they are all equally long."""
    fields: list[Any] = [("fields", ">i2")]
    values: list[Any] = [2 + 1 + len(measures)]
    for place, value in enumerate((keys[:, 0], keys[:, 1], 0)):
        fields += [(f"size{place}", ">i4"), (f"number{place}", ">i4")]
        values += [4, value]
    for place, (rows, width) in enumerate(measures):
        fields.append((f"length{place}", ">i4"))
        values.append(width * rows.shape[1] or -1)
        if width:
            fields.append((f"row{place}", f"<i{width}", (rows.shape[1],)))
            values.append(rows)
    packed = np.empty(keys.shape[0], np.dtype(fields))
    for (name, *_), value in zip(fields, values, strict=True):
        packed[name] = value
    return packed.tobytes()


class Digest:
    """A digest of bytes that come in pieces."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=32)

    async def take(self, piece: bytes) -> None:
        """Add a piece."""
        self._hash.update(piece)

    def value(self) -> bytes:
        """The digest of all pieces so far."""
        return self._hash.digest()


def digest_of(data: bytes) -> bytes:
    """The digest of bytes that are all there."""
    return hashlib.blake2b(data, digest_size=32).digest()
