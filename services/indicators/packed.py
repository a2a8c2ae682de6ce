"""Visits fetched as a few long columns instead of thousands of rows.

Owns the columns as PostgreSQL gathers them and their reading: numbers as bytes, laid end to end,
words as arrays, measures as one byte string that is cut where a row is wanted. A row of its own
costs the driver and the collector of garbage more than everything that is done with it. Pure.
"""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from services.indicators.visits import Visits, eligible

WORDS = ("source", "visit_id", "monitor", "kind", "standing")
_NUMBERS = {"school": 4, "day": 4, "at": 8, "received": 8, "groups": 4, "mask": 8}
_BYTES = ("flow", "stock")


def gathered(school: str) -> str:
    """The list of a SELECT over visits `v`; `school` is the expression of their school."""
    numbers = [
        f"string_agg(int{size}send({school if name == 'school' else f'v.{name}'}), '')"
        for name, size in _NUMBERS.items()
    ]
    words = [f"array_agg(v.{name})" for name in WORDS]
    measures = [
        part
        for name in _BYTES
        for part in (f"string_agg(int4send(length(v.{name})), '')", f"string_agg(v.{name}, '')")
    ]
    return ",".join((*numbers, *words, *measures))


class Cut(Sequence[bytes]):
    """Byte strings laid end to end, cut when they are asked for."""

    def __init__(self, data: bytes, lengths: NDArray[np.int64]) -> None:
        self._data = data
        self._ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths))).tolist()

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, at: int) -> bytes: ...

    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...

    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        return self._data[self._ends[at] : self._ends[at + 1]]


def read(rows: Sequence[Sequence[Any]]) -> Visits:
    """The visits of several gathered rows; one without visits holds only nulls."""
    full = [row for row in rows if row[0] is not None]
    numbers: dict[str, NDArray[Any]] = {}
    for place, (name, size) in enumerate(_NUMBERS.items()):
        data = b"".join(row[place] for row in full)
        numbers[name] = np.frombuffer(data, f">i{size}").astype(f"i{size}")
    words = {
        name: [word for row in full for word in row[len(_NUMBERS) + place]]
        for place, name in enumerate(WORDS)
    }
    begin = len(_NUMBERS) + len(WORDS)
    flow, stock = (
        Cut(
            b"".join(row[begin + place + 1] for row in full),
            np.frombuffer(b"".join(row[begin + place] for row in full), ">i4").astype(np.int64),
        )
        for place in (0, 2)
    )
    return Visits(
        source=words["source"],
        visit_id=words["visit_id"],
        school=numbers["school"],
        day=numbers["day"],
        at=numbers["at"],
        received=numbers["received"],
        monitor=words["monitor"],
        eligible=eligible(words["kind"], words["standing"]),
        groups=numbers["groups"],
        mask=numbers["mask"],
        flow=flow,
        stock=stock,
    )
