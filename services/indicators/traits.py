"""What schools and visits are: the kinds by which any figure can be split when asked.

Owns the words of a school on a day (gender, level, zone, shift) as the register has them, and of a
visit (its type). A part is always one word, `unspecified` where there is none, so the parts of a
kind are all schools or visits, each once. Which visits and schools a figure is made of is
`strata`'s. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.indicators.measures import BIT, UNSPECIFIED
from services.indicators.measures import KINDS as VISIT_TYPES
from services.indicators.register import Ints
from services.indicators.segments import MIN_DAY

OF_SCHOOLS = ("school_gender", "school_level", "zone", "shift")
"""Kinds of schools: of a flow the school's word on the visit's day, of a stock its word on D."""
OF_VISITS = ("visit_type",)
"""Kinds of visits; a stock is of schools and has none."""
KINDS = (*OF_SCHOOLS, *OF_VISITS)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a kind: `school_level` and `primary`."""

    kind: str
    word: str

    @property
    def split(self) -> str:
        """The part as it stands on the wire."""
        return f"{self.kind}:{self.word}"


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """The words of one kind, `unspecified` the last, and which of them schools have on which days.

    `key` is (school << 32) + day, in order: `code` (a place in `words`) holds from there on. A
    kind of visits has no keys.
    """

    kind: str
    words: tuple[str, ...]
    key: NDArray[np.int64]
    code: NDArray[np.int64]

    @property
    def none(self) -> int:
        """The place of `unspecified`."""
        return len(self.words) - 1

    def at(self, schools: Ints, days: Ints) -> NDArray[np.int64]:
        """The place of each school's word on a day."""
        wanted = _keys(schools, days)
        place = np.searchsorted(self.key, wanted, side="right") - 1
        found = np.full(wanted.size, self.none, np.int64)
        known = place >= 0
        known[known] = self.key[place[known]] >> 32 == wanted[known] >> 32
        found[known] = self.code[place[known]]
        return found


def _keys(schools: Ints, days: Ints) -> NDArray[np.int64]:
    return (schools.astype(np.int64) << 32) + (days.astype(np.int64) - MIN_DAY)


@dataclass(frozen=True, slots=True, eq=False)
class Within:
    """Says which visits are of one part, where the traits of their schools are known."""

    part: Part
    traits: Traits

    def holds(self, schools: Ints, days: Ints, masks: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each is: by its type (of its mask), or by what its school is on a day."""
        if self.part.word not in self.traits.words:
            return np.zeros(schools.size, np.bool_)
        of_type = self.part.kind in OF_VISITS
        code = types_of(masks) if of_type else self.traits.at(schools, days)
        found: NDArray[np.bool_] = code == self.traits.words.index(self.part.word)
        return found


def of_visits() -> Traits:
    """The types of visits."""
    empty = np.zeros(0, np.int64)
    return Traits("visit_type", (*VISIT_TYPES, UNSPECIFIED), empty, empty)


def types_of(masks: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each visit's type among the words of `of_visits`, by its mask."""
    found = np.full(masks.size, len(VISIT_TYPES), np.int64)
    for place, kind in enumerate(VISIT_TYPES):
        found[masks & BIT[f"visits_{kind}"] != 0] = place
    return found


def of_schools(kind: str, said: Mapping[int, Sequence[tuple[int, str | None]]]) -> Traits:
    """The words of schools (by integer) of one of OF_SCHOOLS.

    `said` are (day, word) in order of days, each until the next; the first holds since ever. Space
    around a word says nothing, and an empty word is none.
    """
    rows = [
        (school, MIN_DAY if place == 0 else day, (word or "").strip() or UNSPECIFIED)
        for school in sorted(said)
        for place, (day, word) in enumerate(said[school])
    ]
    words = (*sorted({word for _, _, word in rows} - {UNSPECIFIED}), UNSPECIFIED)
    places = {word: place for place, word in enumerate(words)}
    return Traits(
        kind,
        words,
        _keys(
            np.array([school for school, _, _ in rows], np.int32),
            np.array([day for _, day, _ in rows], np.int32),
        ),
        np.array([places[word] for _, _, word in rows], np.int64),
    )
