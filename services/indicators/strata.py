"""Sums of the parts of units: the same figures, by what schools or visits are.

Owns the reading of parts from visits, a few hundred schools at a time, so that memory stays bounded
in any country. Cells hold no such parts: they would multiply what every fold writes, for questions
that are asked now and then. A part is made exactly as its whole is, with every path divided by the
words of the kind, so parts add to the whole by construction. What the words are is `traits`'.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from services.indicators import directory, gather, presence, read_store, sums
from services.indicators.beside import beside
from services.indicators.cells import STOCKS
from services.indicators.contributions import whole_pieces
from services.indicators.figures import Sums, nothing
from services.indicators.gather import Asked
from services.indicators.intervals import Integers
from services.indicators.pieces import FlowPieces, flow_pieces
from services.indicators.presence import Present
from services.indicators.register import Ints, Register
from services.indicators.sums import Grouping, Members
from services.indicators.traits import OF_VISITS, Part, Traits, of_schools, of_visits, types_of
from services.indicators.visits import Visits
from shared.db.transaction import Tx

_SCHOOLS_AT_ONCE = 500
_VISITS_AT_ONCE = 200_000
"""Visits from which on distinct schools are counted, and memory is free for the next."""
_RECORDS_AT_ONCE = 5_000
_FIELDS = {"school_gender": "gender", "school_level": "level", "zone": "zone", "shift": "shift"}
"""Where a school's word of a kind stands in its record."""


async def parts_of_units(
    tx: Tx, asked: Asked, units: Sequence[int], kind: str
) -> tuple[Sums, tuple[str, ...]]:
    """Sums of every (unit, word, window), windows running fastest, and the words in their order."""
    grouping = sums.by_units(asked.register, units)
    schools = gather.ever_under(asked.register, grouping)
    return await _parts(tx, asked, asked.placed, grouping, schools.tolist(), kind)


async def parts_of_schools(
    tx: Tx, asked: Asked, schools: Sequence[int], kind: str
) -> tuple[Sums, tuple[str, ...]]:
    """Sums of every (school, word, window), and the words in their order."""
    alone = gather.each_school(asked.register)
    grouping = sums.by_schools(len(asked.register.school_codes), schools)
    return await _parts(tx, asked, alone, grouping, list(schools), kind)


async def _parts(
    tx: Tx, asked: Asked, placed: Register, grouping: Grouping, schools: list[int], kind: str
) -> tuple[Sums, tuple[str, ...]]:
    traits = await traits_of(tx, asked, schools, kind)
    wide = _widened(grouping, len(traits.words))
    standing = await asyncio.to_thread(_members, asked, placed, traits)

    def fetched(begin: int) -> Awaitable[Visits]:
        return gather.visits_of(tx, asked, schools[begin : begin + _SCHOOLS_AT_ONCE])

    total = nothing(wide.size * len(asked.spans))
    held = _Held()
    begin, visits = 0, await fetched(0)
    while begin < max(len(schools), 1):
        given = (visits, asked, placed, wide, traits)
        held.schools += schools[begin : begin + _SCHOOLS_AT_ONCE]
        begin += _SCHOOLS_AT_ONCE
        if begin < len(schools):
            # The next schools are read while these are counted: both take about as long.
            visits, made = await beside(fetched(begin), True, _divided, *given)
        else:
            made = await read_store.off_loop(len(visits), _divided, *given)
        held.parts.append(made)
        if begin >= len(schools) or held.visits >= _VISITS_AT_ONCE:
            counted = await asyncio.to_thread(_assembled, held, asked, placed, wide, standing)
            total, held = total.plus(counted), _Held()
    return total, traits.words


async def part_of_units(tx: Tx, asked: Asked, units: Sequence[int], part: Part) -> Sums:
    """Sums of one part of every (unit, window), windows running fastest."""
    return _one(part, len(asked.spans), *await parts_of_units(tx, asked, units, part.kind))


async def part_of_schools(tx: Tx, asked: Asked, schools: Sequence[int], part: Part) -> Sums:
    """Sums of one part of every (school, window)."""
    return _one(part, len(asked.spans), *await parts_of_schools(tx, asked, schools, part.kind))


def _one(part: Part, windows: int, parts: Sums, words: tuple[str, ...]) -> Sums:
    """The rows of one word; a word that no school has is a part with nothing in it."""
    rows = np.arange(parts.covered.size).reshape(-1, len(words), windows)
    if part.word not in words:
        return nothing(rows.shape[0] * windows)
    return parts.rows(rows[:, words.index(part.word)].reshape(-1))


async def traits_of(tx: Tx, asked: Asked, schools: Sequence[int], kind: str) -> Traits:
    """What these schools are of a kind, as far as the question lets it be known."""
    if kind in OF_VISITS:
        return of_visits()
    codes, name = asked.register.school_codes, _FIELDS[kind]
    said: dict[int, list[tuple[int, str | None]]] = {}
    for begin in range(0, len(schools), _RECORDS_AT_ONCE):
        chunk = {codes[school]: school for school in schools[begin : begin + _RECORDS_AT_ONCE]}
        records = await directory.schools(tx, list(chunk), asked.known_at)
        for code, dated in records.items():
            words = [getattr(record, name) for record in dated.records]
            said[chunk[code]] = list(zip(dated.days, words, strict=True))
    return of_schools(kind, said)


def _widened(grouping: Grouping, width: int) -> Grouping:
    """The same grouping of paths that are each divided into `width` parts."""
    words = np.arange(width)

    def widened(layer: Integers) -> Integers:
        divided = np.where(layer[:, None] < 0, -1, layer[:, None] * width + words)
        return divided.reshape(-1)

    return Grouping(tuple(widened(layer) for layer in grouping.layers), grouping.size * width)


async def new_parts(
    tx: Tx, asked: Asked, since: int, *, unit: int | None, school: int | None, kind: str
) -> tuple[Sums, tuple[str, ...]]:
    """As `gather.new_visits`, divided: the counted visits received after `since` (microseconds)."""
    if unit is not None:
        placed, grouping = asked.placed, sums.by_units(asked.register, [unit])
        schools = gather.ever_under(asked.register, grouping).tolist()
    else:
        schools = [] if school is None else [school]
        placed = gather.each_school(asked.register)
        grouping = sums.by_schools(len(asked.register.school_codes), schools)
    traits = await traits_of(tx, asked, schools, kind)
    wide = _widened(grouping, len(traits.words))
    days = min(s.first for s in asked.spans), max(s.last for s in asked.spans)
    total = nothing(wide.size * len(asked.spans))
    for begin in range(0, len(schools), _SCHOOLS_AT_ONCE):
        chunk = schools[begin : begin + _SCHOOLS_AT_ONCE]
        visits = await gather.visits_of(tx, asked, chunk, days, after=since)
        made = await read_store.off_loop(len(visits), _new, visits, asked, placed, wide, traits)
        total = total.plus(made)
    return total, traits.words


def _new(visits: Visits, asked: Asked, placed: Register, wide: Grouping, traits: Traits) -> Sums:
    """The answers of new visits, standing or not, in the parts of each window."""
    pieces = flow_pieces(visits, np.flatnonzero(visits.counted()), placed)
    flow = replace(pieces, path=_flow_paths(visits, pieces, traits))
    stock = np.zeros((wide.size, len(asked.spans), STOCKS), np.int64)
    if traits.kind not in OF_VISITS:
        answers, school = sums.answers_of(visits, pieces), visits.school[pieces.row]
        for number, span in enumerate(asked.spans):
            path = _part(pieces.path, traits, school, span.state_on)
            inside = (pieces.day >= span.first) & (pieces.day <= span.last)
            for layer in wide.layers:
                stock[:, number] += sums.sum_by(layer[path[inside]], answers[inside], wide.size)
    return sums.assemble(
        sums.of_flows(visits, flow, wide, asked.spans),
        stock.reshape(-1, STOCKS),
        sums.present_of(visits, flow),
        wide,
        asked.spans,
        [_nobody()] * len(asked.spans),
        len(placed.school_codes),
    )


def _members(asked: Asked, placed: Register, traits: Traits) -> list[Members]:
    """The members of each part on each window's D; a kind of visits has none."""
    found = []
    for span in asked.spans:
        if traits.kind in OF_VISITS:
            found.append(_nobody())
            continue
        here = sums.members(placed, span.state_on)
        path = _part(here.path, traits, here.school.astype(np.int32), span.state_on)
        found.append(replace(here, path=path.astype(np.int64)))
    return found


@dataclass(slots=True)
class _Held:
    """Schools whose visits are summed and not yet counted: flow and stock sums, who was visited."""

    schools: list[int] = field(default_factory=list)
    parts: list[tuple[Integers, Integers, Present]] = field(default_factory=list)

    @property
    def visits(self) -> int:
        """How many visits that are."""
        return sum(part[2].path.size for part in self.parts)


def _divided(
    visits: Visits, asked: Asked, placed: Register, wide: Grouping, traits: Traits
) -> tuple[Integers, Integers, Present]:
    """The flow and stock sums of these visits in the parts, and who was visited."""
    whole = whole_pieces(visits, placed, asked.look_back)
    flow = replace(whole.flow, path=_flow_paths(visits, whole.flow, traits))
    stock = np.zeros((wide.size, len(asked.spans), STOCKS), np.int64)
    if traits.kind not in OF_VISITS:
        for number, span in enumerate(asked.spans):
            pieces = whole.stock.on(span.state_on)
            path = _part(pieces.path, traits, visits.school[pieces.row], span.state_on)
            divided = replace(pieces, path=path)
            stock[:, number] = sums.of_stocks(visits, divided, wide, (span,))
    return (
        sums.of_flows(visits, flow, wide, asked.spans),
        stock.reshape(-1, STOCKS),
        sums.present_of(visits, flow),
    )


def _assembled(
    held: _Held, asked: Asked, placed: Register, wide: Grouping, standing: Sequence[Members]
) -> Sums:
    """Everything that these schools, and no others, add to the parts."""
    chosen = np.zeros(len(placed.school_codes), np.bool_)
    chosen[held.schools] = True
    mine = [chosen[here.school] for here in standing]
    return sums.assemble(
        np.sum([part[0] for part in held.parts], axis=0),
        np.sum([part[1] for part in held.parts], axis=0),
        presence.together([part[2] for part in held.parts]),
        wide,
        asked.spans,
        [
            Members(here.school[at], here.path[at], here.gender[at])
            for here, at in zip(standing, mine, strict=True)
        ],
        len(placed.school_codes),
    )


def _flow_paths(visits: Visits, pieces: FlowPieces, traits: Traits) -> Ints:
    """The part of each flow piece: by its visit's type, or by its school on the visit's day."""
    if traits.kind in OF_VISITS:
        code = types_of(visits.mask[pieces.row])
    else:
        code = traits.at(visits.school[pieces.row], pieces.day)
    return (pieces.path * len(traits.words) + code).astype(np.int32)


def _part(path: NDArray[np.integer], traits: Traits, school: Ints, day: int) -> Ints:
    """The part of each path by what its school is on a day."""
    code = traits.at(school, np.full(school.size, day, np.int32))
    return (path * len(traits.words) + code).astype(np.int32)


def _nobody() -> Members:
    empty = np.zeros(0, np.int64)
    return Members(empty, empty, empty)
