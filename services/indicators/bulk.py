"""Bulk reads of visits: every visit of a unit over a period, with what it measured, as columns.

Owns the columns and the walk school by school, so that memory does not grow with what is asked.
Which visits count is `visits`' and `evidence`'s; formats are `bulk_formats`'.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from services.indicators import read_store, sums
from services.indicators.asking import Question
from services.indicators.evidence import left_out
from services.indicators.measures import FLOW, GENDERS, STOCK
from services.indicators.read_store import Seen
from services.indicators.register import Register
from services.indicators.snapshots import Place, Snapshot

Kind = Literal["text", "whole", "number", "truth", "day", "instant"]
Values = Sequence[Any]
"""Values of a column: texts, integers, floats, booleans; a day is a number since 1970-01-01, an
instant microseconds; None where there is none."""

_SCHOOLS_AT_ONCE = 25
ROWS_AT_ONCE = 2_000
_AGAIN = tuple(f"{what}_{gender}_" for what in ("environment", "rooms") for gender in GENDERS)
_NOT_MEASURED = {"visits", "registered", "known"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name on the wire, and what its values are."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows, column by column in the order of the columns."""

    values: Sequence[Values]
    rows: int


@dataclass(frozen=True, slots=True)
class _Measure:
    """Where a measure stands in its row, and where the measure is that says it was answered."""

    name: str
    place: int
    answered: int | None


def _measures(names: Sequence[str]) -> tuple[_Measure, ...]:
    """The measures of a form as they are shown: without those that another column holds already."""
    places = {name: place for place, name in enumerate(names)}
    shown = []
    for name, place in places.items():
        again = name.startswith((*_AGAIN, "visits_")) or name.endswith("_answered")
        if again or name in _NOT_MEASURED:
            continue
        parts = name.split("_")
        guards = ("_".join([*parts[:end], "answered"]) for end in range(len(parts), 0, -1))
        shown.append(_Measure(name, place, next((places[g] for g in guards if g in places), None)))
    return tuple(shown)


_FLOWS, _STOCKS = _measures(FLOW), _measures(STOCK)
_OWN = (
    Column("source", "text"),
    Column("visit_id", "text"),
    Column("revision", "whole"),
    Column("school_code", "text"),
    Column("day", "day"),
    Column("visited_at", "instant"),
    Column("received_at", "instant"),
    Column("monitor_id", "text"),
    Column("visit_type", "text"),
    Column("status", "text"),
    Column("counted", "truth"),
    Column("reason", "text"),
)
VISIT_COLUMNS = (*_OWN, *(Column(each.name, "whole") for each in (*_FLOWS, *_STOCKS)))
"""What is told of a visit; a measure is empty where it was not answered, which is not zero."""


async def visits(
    snapshot: Snapshot, place: Place, question: Question, source: str | None
) -> AsyncGenerator[Batch, None]:
    """All visits on the days of the window to schools that belonged to the unit on the visit's day.

    In order of school codes, then of time. `source` keeps those of one source.
    """
    placed = snapshot.asked((question.span,), question.view).placed
    schools = _ever_under(placed, place)
    codes = snapshot.register.school_codes
    ordered = sorted(schools, key=lambda school: codes[school])
    inside = None if place.unit is None else placed.has_unit(place.unit)
    span = question.span
    begin, at_once = 0, _SCHOOLS_AT_ONCE
    while begin < len(ordered):
        chunk = ordered[begin : begin + at_once]
        begin += len(chunk)
        seen = await read_store.visits_seen(
            snapshot.tx, chunk, span.first, span.last, known_at=snapshot.known_at
        )
        if len(seen.visits) == 0:
            continue
        # Where schools were visited often, fewer of them are held at a time.
        at_once = max(1, min(_SCHOOLS_AT_ONCE, len(chunk) * ROWS_AT_ONCE // len(seen.visits)))
        rank = {school: at for at, school in enumerate(chunk)}
        known = await snapshot.schools([codes[school] for school in chunk])
        names = {
            codes[school]: known[codes[school]].on(snapshot.day).school_code
            for school in chunk
            if codes[school] in known
        }
        order, counted = await asyncio.to_thread(_chosen, seen, placed, inside, rank, source)
        for first in range(0, order.size, ROWS_AT_ONCE):
            rows = order[first : first + ROWS_AT_ONCE]
            yield await asyncio.to_thread(_batch, seen, rows, counted, names)


def _ever_under(placed: Register, place: Place) -> list[int]:
    if place.unit is None:
        return [] if place.school is None else [place.school]
    paths = sums.by_units(placed, [place.unit]).paths()
    inside = np.zeros(len(placed.paths), np.bool_)
    inside[paths] = True
    found: list[int] = np.unique(placed.seg_school[inside[placed.seg_path]]).tolist()
    return found


def _chosen(
    seen: Seen,
    placed: Register,
    inside: NDArray[np.bool_] | None,
    rank: Mapping[int, int],
    source: str | None,
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The rows that belong, in order, and which of all rows are counted."""
    visits = seen.visits
    order = visits.order()
    if inside is not None:
        at = placed.segment_at(visits.school, visits.day)
        order = order[inside[placed.seg_path[at]][order]]
    if source is not None:
        order = order[[visits.source[row] == source for row in order.tolist()]]
    ranks = np.array([rank[school] for school in visits.school[order].tolist()], np.int64)
    return order[np.argsort(ranks, kind="stable")], visits.counted()


def _batch(
    seen: Seen,
    rows: NDArray[np.intp],
    counted: NDArray[np.bool_],
    names: Mapping[str, str],
) -> Batch:
    visits = seen.visits
    each = rows.tolist()
    own: list[Values] = [
        [visits.source[row] for row in each],
        [visits.visit_id[row] for row in each],
        [seen.revision[row] for row in each],
        [names.get(seen.school_code[row], seen.school_code[row]) for row in each],
        visits.day[rows].tolist(),
        visits.at[rows].tolist(),
        visits.received[rows].tolist(),
        [visits.monitor[row] for row in each],
        [seen.kind[row] for row in each],
        [seen.status[row] for row in each],
        counted[rows].tolist(),
        [left_out(seen, row, counted=bool(counted[row])) for row in each],
    ]
    measured = [
        *_measured(visits.flow_rows(rows), _FLOWS),
        *_measured(visits.stock_rows(rows), _STOCKS),
    ]
    return Batch([*own, *measured], len(each))


def _measured(rows: NDArray[np.int64], measures: Sequence[_Measure]) -> list[Values]:
    """The columns of some measures; None where the visit did not answer."""
    columns: list[Values] = []
    for each in measures:
        values = rows[:, each.place].tolist()
        if each.answered is not None:
            given = rows[:, each.answered].tolist()
            values = [value if yes else None for value, yes in zip(values, given, strict=True)]
        columns.append(values)
    return columns
