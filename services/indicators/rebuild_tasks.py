"""What the processes of a rebuild compute: events to parted rows, rows of schools to cells.

Owns the two tasks and what goes in and out of them. Nothing is read or written here: events and
parted rows come as bytes and go as bytes, so that whoever asks only passes them on. Pure.
"""

import pickle
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from services.indicators.contributions import Deltas, whole
from services.indicators.incoming import UNREADABLE, Revision, read_revision
from services.indicators.rebuild_cells import Written, written
from services.indicators.rebuild_rows import digest_of, visit_rows
from services.indicators.recount import Recount
from services.indicators.register import Ints, Register
from services.indicators.visits import Visits, eligible

Key = tuple[str, str]
Events = tuple[Sequence[int], Sequence[bytes]]
"""Positions and data of events."""
Row = tuple[Any, ...]
"""(position, school or None, *Revision): a revision and where the journal has it."""
Repeat = tuple[Key, int, int]
"""A key, a revision and its position."""
Newest = Mapping[Key, tuple[int, int]]
"""Of the visits that the journal tells more than once: revision and position of what holds."""
UNPLACED = 16
"""Parts of the visits whose school nobody knows, by their day."""
_POSITION, _SCHOOL = 0, 1
_AT = {name: place + 2 for place, name in enumerate(Revision._fields)}
_SOURCE, _VISIT, _REVISION, _GROUPS = (
    _AT[name] for name in ("source", "visit_id", "revision", "groups")
)
_KEY = itemgetter(_SOURCE, _VISIT)
_ORDER = itemgetter(_AT["at"], _VISIT, _SOURCE)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What every task knows: the register, the part of each school, and how things are read.

    `parts`: how many parts there are. `packed`: cells are written as bytes that PostgreSQL copies,
    otherwise as rows.
    """

    register: Register
    part_of: Sequence[int]
    parts: int
    zone: ZoneInfo
    look_back: int
    packed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Parted:
    """A page of events as rows by part (unplaced ones after the others), each part as bytes.

    `again`: keys, revisions and positions of the rows that are no first revisions; `met`: of the
    others, one number for each key.
    """

    parts: list[tuple[int, int, bytes]]
    again: list[Repeat]
    met: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """What schools with all their visits come to.

    `digest` is that of the visits that should be held, `past` the revisions that are not the
    newest, `groups` what the schools ever answered as (groups, school), `left` the sums of units
    that other schools belong to as well.
    """

    digest: bytes
    past: list[Revision] = field(default_factory=list)
    groups: list[tuple[int, int]] = field(default_factory=list)
    cells: Written | None = None
    left: Deltas | None = None


def parted(plan: Plan, _: Newest, events: Events) -> Parted:
    """Read events; those that make no sense are left out: the consumer set them aside too."""
    index, zone = plan.register.school_index, plan.zone
    part_of, unplaced = plan.part_of, plan.parts
    parts: dict[int, list[Row]] = defaultdict(list)
    again: list[Repeat] = []
    met: list[int] = []
    for position, data in zip(*events, strict=True):
        try:
            row = read_revision(data, zone)
        except UNREADABLE:
            continue
        school = index.get(row.school_code)
        part = unplaced + (row.day & (UNPLACED - 1)) if school is None else part_of[school]
        parts[part].append((position, school, *row))
        key = row[:2]
        if row.revision == 1:
            met.append(hash(key))
        else:
            again.append((key, row.revision, position))
    return Parted(
        [(part, len(rows), pickle.dumps(rows, 5)) for part, rows in sorted(parts.items())],
        again,
        np.array(met, np.int64),
    )


def named(_: Plan, __: Newest, pages: Sequence[bytes], met: Sequence[int]) -> list[Repeat]:
    """Of parted rows that are first revisions of these numbers: key, revision and position."""
    wanted = frozenset(met)
    return [
        (_KEY(row), row[_REVISION], row[_POSITION])
        for row in _rows(pages)
        if row[_REVISION] == 1 and hash(_KEY(row)) in wanted
    ]


def standing(newest: Newest, pages: Sequence[bytes]) -> list[Row]:
    """Of parted rows those that should be held, as (school, *Revision)."""
    return [row[_SCHOOL:] for row in _settled(_rows(pages), newest)[0]]


def counted(plan: Plan, newest: Newest, pages: Sequence[bytes], schools: Ints) -> Counted:
    """What these schools add, given the parted rows of all their visits; none: only the rows."""
    rows = _rows(pages)
    held, past = _settled(rows, newest)
    kept = [Revision(*row[2:]) for row in past]
    if not schools.size:
        held.sort(key=_ORDER)
        return Counted(_digest(held), kept)
    visits = _visits(held)
    digest = _digest([held[place] for place in visits.order().tolist()])
    deltas = whole(visits, plan.register, schools, plan.look_back)
    recount = Recount(plan.register, plan.look_back)
    finished = recount.take(schools, deltas)
    return Counted(
        digest, kept, _groups(rows), written(finished, packed=plan.packed), recount.left()
    )


def differing(
    held: Sequence[Sequence[Any]], right: Sequence[Sequence[Any]]
) -> tuple[list[tuple[str, str, int | None]], list[Sequence[Any]]]:
    """What makes rows (school, *Revision) right: (source, visit_id, school) to go, rows to come."""
    wanted = {(row[1], row[2]): tuple(row) for row in right}
    there = {(row[1], row[2]): tuple(row) for row in held}
    gone = [(*key, row[0]) for key, row in there.items() if key not in wanted]
    return gone, [row for key, row in wanted.items() if there.get(key) != row]


def _rows(pages: Sequence[bytes]) -> list[Row]:
    """Rows of parted pages, in the order of the pages."""
    return [
        row
        for page in pages
        for row in pickle.loads(page)  # noqa: S301 - `parted` wrote it
    ]


def _settled(rows: list[Row], newest: Newest) -> tuple[list[Row], list[Row]]:
    """The rows that hold, and those that newer revisions replaced; one told twice counts once."""
    if not newest:
        return rows, []
    held: list[Row] = []
    past: dict[tuple[Key, int], Row] = {}
    for row in rows:
        best = newest.get(_KEY(row))
        if best is None or best == (row[_REVISION], row[_POSITION]):
            held.append(row)
        elif row[_REVISION] < best[0]:
            past.setdefault((_KEY(row), row[_REVISION]), row)
    return held, list(past.values())


def _digest(ordered: Sequence[Row]) -> bytes:
    """The digest of rows by school, then (visited_at, visit_id, source)."""
    return digest_of(visit_rows([row[_SCHOOL:] for row in ordered]))


def _visits(rows: list[Row]) -> Visits:
    columns = list(zip(*rows, strict=True)) or [()] * (2 + len(_AT))

    def of(name: str) -> tuple[Any, ...]:
        return columns[_AT[name]]

    return Visits(
        source=of("source"),
        visit_id=of("visit_id"),
        school=np.array(columns[_SCHOOL], np.int32),
        day=np.array(of("day"), np.int32),
        at=np.array(of("at"), np.int64),
        received=np.array(of("received"), np.int64),
        monitor=of("monitor"),
        eligible=eligible(of("kind"), of("standing")),
        groups=np.array(of("groups"), np.int32),
        mask=np.array(of("mask"), np.int64),
        flow=of("flow"),
        stock=of("stock"),
    )


def _groups(rows: list[Row]) -> list[tuple[int, int]]:
    """What each school ever answered, as (groups, school)."""
    found: dict[int, int] = {}
    for row in rows:
        school = row[_SCHOOL]
        found[school] = found.get(school, 0) | row[_GROUPS]
    return [(bits, school) for school, bits in found.items()]
