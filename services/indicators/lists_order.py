"""The order of a list's schools, and the place in it where a page begins.

Owns the order and the cursor: unit by unit as the tree goes from the top, in each school by school,
numbers as numbers. A cursor holds the units and the code of the last school shown, not how many
came before: whoever comes on the list or leaves it meanwhile moves nobody to another page.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from services.indicators.register import Register
from shared.domain.codes import Natural, natural
from shared.errors import invalid

_MOST, _LONGEST = 32, 200
"""Of the texts in a cursor, and of each: no tree is deeper, no id is longer."""
Id = tuple[Natural, str]
Place = tuple[tuple[Id, ...], Id]


@dataclass(frozen=True, slots=True)
class Order:
    """Where schools stand on a day: as `placed`, whose numbers `register` knows by name."""

    register: Register
    placed: Register
    on: int

    def units_of(self, schools: Sequence[int]) -> list[tuple[str, ...]]:
        """The ids of the units above each school on the day, from the top."""
        numbers = np.array(schools, np.int32)
        at = self.placed.segment_at(numbers, np.full(numbers.size, self.on, np.int32))
        paths: list[int] = self.placed.seg_path[at].tolist()
        ids = self.register.unit_ids
        chains = {
            path: tuple(ids[unit] for unit in reversed(self.register.paths[path]))
            for path in set(paths)
        }
        return [chains[path] for path in paths]

    def sorted(self, schools: Sequence[int]) -> list[int]:
        """The places of these schools in the list given, in their order."""
        chains = self.units_of(schools)
        turn = {chain: at for at, chain in enumerate(sorted(set(chains), key=_units))}
        codes = self.register.school_codes
        keys = [
            (turn[chain], _id(codes[school])) for chain, school in zip(chains, schools, strict=True)
        ]
        return sorted(range(len(keys)), key=keys.__getitem__)

    def after(self, schools: Sequence[int], cursor: str | None) -> int:
        """How many of these schools, which are in order, the page after a cursor leaves behind.

        Raises Problem 422 for a text that is no cursor.
        """
        if cursor is None:
            return 0
        return bisect_right(schools, _place(*_read(cursor)), key=self._place_of)

    def cursor(self, school: int) -> str:
        """The text from which a page goes on after this school."""
        (chain,) = self.units_of([school])
        return msgspec.json.encode([*chain, self.register.school_codes[school]]).decode()

    def _place_of(self, school: int) -> Place:
        (chain,) = self.units_of([school])
        return _place(chain, self.register.school_codes[school])


def _read(cursor: str) -> tuple[tuple[str, ...], str]:
    try:
        texts = msgspec.json.decode(cursor, type=list[str])
    except msgspec.MsgspecError:
        texts = []
    if not 0 < len(texts) <= _MOST or any(len(text) > _LONGEST for text in texts):
        raise invalid("/query/cursor", "invalid_cursor", "This cursor is none of ours.")
    *chain, code = texts
    return tuple(chain), code


def _id(text: str) -> Id:
    """An id in its order; the text itself decides between those that are ordered alike."""
    return natural(text), text


def _units(chain: tuple[str, ...]) -> tuple[Id, ...]:
    return tuple(_id(unit) for unit in chain)


def _place(chain: tuple[str, ...], code: str) -> Place:
    return _units(chain), _id(code)
