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


@lru_cache(maxsize=64)
def _cell_packer(flow: int, stock: int) -> Pack:
    return struct.Struct(f">hiiiiiii{flow}si{stock}s").pack


def cell_rows(rows: Iterable[tuple[int, int, int, bytes | None, bytes | None]]) -> bytes:
    """Pack rows (unit, day or month, slot, flow, stock)."""
    pieces = [_BEGIN]
    for unit, when, slot, flow, stock in rows:
        first, second = flow or b"", stock or b""
        a, b = len(first), len(second)
        pieces.append(
            _cell_packer(a, b)(5, 4, unit, 4, when, 4, slot, a or -1, first, b or -1, second)
        )
    pieces.append(_END)
    return b"".join(pieces)


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
