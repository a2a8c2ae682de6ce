"""The visits that indicators holds against the newest revisions in ingest's journal.

Owns the comparison and the collecting of differences. An event that is still on its way is no
difference; one that was passed over is.
"""

import asyncio
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import structlog

from services.indicators import store
from services.indicators.cells import FLOWS, STOCKS, decode_rows
from services.indicators.incoming import Revision, read_revisions
from services.indicators.register import Register
from services.indicators.visits import COLUMNS
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.journal import journal, positions
from shared.journal.records import InvalidEvent, Record

_MOST = 1_000
_MOST_CELLS = 20
_MOST_WAITING = 100_000
_RECORDS_AT_ONCE = 2_000
_LATE = 3_600_000_000
"""Microseconds by which others may be ahead of an event before its waiting is told of."""
_CONSUMER = "indicators.visits"
_TOPIC = "rtsm.visits"
_PARTITION = "ingest.journal"
_FLOW, _STOCK = COLUMNS.index("flow"), COLUMNS.index("stock")
_LOG = structlog.get_logger("rtsm.verify")

Held = dict[tuple[str, str], tuple[int | None, Revision]]
Opened = Callable[[], AbstractAsyncContextManager[Tx]]
"""Opens a snapshot."""
Same = Callable[[Tx], Awaitable[None]]
"""Raises when a snapshot is of another register than the comparison began with."""


class Fed(Protocol):
    """What of the settings the comparison with the journal depends on."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone that decides a visit's day."""

    @property
    def relayed(self) -> bool:
        """Kafka carries the events; otherwise the journal itself is the feed."""


class Asked(Fed, Protocol):
    """What of the settings the figures depend on."""

    @property
    def look_back_days(self) -> int:
        """How long a stock answer stands."""


@dataclass(frozen=True, slots=True)
class WrongCell:
    """A line about a cell: the unit's integer, the day or month, the measure's name and column."""

    line: int
    unit: int
    when: int
    monthly: bool
    stock: bool
    column: int


@dataclass(slots=True)
class Differences:
    """Lines for people, at most _MOST of them; `count` counts all."""

    lines: list[str] = field(default_factory=list)
    count: int = 0
    cells: list[WrongCell] = field(default_factory=list)
    """The first wrong cells, for whoever names the schools behind them."""

    def add(self, line: str) -> None:
        """Note a difference."""
        self.count += 1
        if len(self.lines) < _MOST:
            self.lines.append(line)

    def add_cell(self, line: str, cell: WrongCell) -> None:
        """Note a difference in a cell."""
        if len(self.cells) < _MOST_CELLS and len(self.lines) < _MOST:
            self.cells.append(replace(cell, line=len(self.lines)))
        self.add(line)

    def add_presence(self, line: str, unit: int | None) -> None:  # noqa: ARG002 - others need it
        """Note a difference in who is present in a lowest unit."""
        self.add(line)

    def told(self) -> list[str]:
        """Return the lines, and one more for those that were too many."""
        more = self.count - len(self.lines)
        return [*self.lines, f"and {more} more"] if more else self.lines


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An event that is not folded: its place in the journal, its key, when it was recorded."""

    place: int
    key: str
    recorded: int
    visit: tuple[str, str]
    revision: int

    @property
    def name(self) -> str:
        """The revision, in words."""
        return f"visit {'/'.join(self.visit)}, revision {self.revision}"


@dataclass(frozen=True, slots=True)
class Span:
    """How much of the journal is compared, as it was when the comparison began.

    `end`: where the journal ended; `came_to`: where the consumer was, known where the journal is
    the feed; `held`: so many visits were held.
    """

    end: int
    came_to: int | None
    held: int


async def span_of(tx: Tx, asked: Fed, end: int) -> Span:
    """What is compared, given the journal's end as it was before the snapshot of `tx` was taken.

    Where the journal is the feed, all before the consumer's position must be held. Where Kafka is,
    how far it came in the journal is not known.
    """
    came_to = None
    if not asked.relayed:
        came_to = await positions.load(tx, _CONSUMER, _PARTITION) or 1
    row = await tx.fetch_one("SELECT count(*) FROM visits WHERE revision >= 1")
    return Span(end, came_to, int(row[0]))


async def journal_end(ledger: Database) -> int:
    """Return the position after the last visit event that there is now."""
    async with ledger.reading() as source:
        row = await source.fetch_one(
            "SELECT coalesce(max(seq), 0) FROM journal WHERE topic = $1", _TOPIC
        )
    return int(row[0]) + 1


async def compare_visits(
    opened: Opened,
    same: Same,
    ledger: Database,
    register: Register,
    asked: Fed,
    span: Span,
    found: Differences,
) -> None:
    """Note every visit that is held otherwise than the journal says, or not at all.

    Each page of the journal is compared with a snapshot of its own from `opened`; `same` raises
    when it has another register. Where Kafka is the feed, only an event whose successor of the same
    key is held was passed over, if it still is not held after that was seen.
    """
    looked = _Looked(register, found)
    read_all = True
    async for revisions in _pages(ledger, span.came_to, asked.zone):
        if len(looked.waiting) >= _MOST_WAITING:
            read_all = False
            break
        async with opened() as tx:
            await same(tx)
            held = await store.held_visits(tx, {(row.source, row.visit_id) for _, row in revisions})
        await asyncio.to_thread(looked.compare, revisions, held)
    folded = looked.folded
    if span.came_to is not None:
        folded = dict.fromkeys((event.key for event in looked.waiting), span.came_to)
    async with opened() as tx:
        await same(tx)
        await _judge(tx, looked.waiting, folded, looked.newest, found)
    if read_all and (span.came_to is None or span.came_to >= span.end):
        _compare_count(span.held, looked.met, found)


class _Looked:
    """What was seen of the journal so far."""

    def __init__(self, register: Register, found: Differences) -> None:
        self._register = register
        self._found = found
        self.folded: dict[str, int] = {}
        self.newest = 0
        self.waiting: list[_Waiting] = []
        self.met = array("q")

    def compare(self, revisions: list[tuple[Record, Revision]], held: Held) -> None:
        """Compare some events with the visits that are held of them."""
        for record, row in revisions:
            visit = (row.source, row.visit_id)
            known = held.get(visit)
            if known is not None:
                # Eight bytes a visit: a nation's visits are counted without their names.
                self.met.append(hash(visit))
            if known is None or known[1].revision < row.revision:
                key = record.event.key
                self.waiting.append(
                    _Waiting(record.position, key, row.recorded, visit, row.revision)
                )
                continue
            if known[1].revision == row.revision:
                # An older revision may have had another key: its own partition may be behind.
                self.folded[record.event.key] = record.position
            self.newest = max(self.newest, row.recorded)
            _compare(self._register, row, known, self._found)


async def _pages(
    ledger: Database, came_to: int | None, zone: ZoneInfo
) -> AsyncIterator[list[tuple[Record, Revision]]]:
    """The visit events before a position (None: all), some at a time, as far as they make sense."""
    position = 1
    while True:
        async with ledger.reading() as source:
            records = await journal.read(source, "ingest", position, [_TOPIC], _RECORDS_AT_ONCE)
        records = [r for r in records if came_to is None or r.position < came_to]
        if not records:
            return
        position = records[-1].position + 1
        yield await asyncio.to_thread(_readable, records, zone)


async def _judge(
    tx: Tx,
    waiting: list[_Waiting],
    folded_up_to: dict[str, int],
    newest_folded: int,
    found: Differences,
) -> None:
    """Note the events that were passed over: some of their key are folded that come after them."""
    passed = [event for event in waiting if folded_up_to.get(event.key, 0) > event.place]
    for begin in range(0, len(passed), _RECORDS_AT_ONCE):
        some = passed[begin : begin + _RECORDS_AT_ONCE]
        # What waited when its page was looked at may have been folded before its successor was.
        held = await store.held_visits(tx, {event.visit for event in some})
        for event in some:
            known = held.get(event.visit)
            if known is None or known[1].revision < event.revision:
                found.add(f"{event.name}: not folded")
    gone = {id(event) for event in passed}
    late = [
        event
        for event in waiting
        if id(event) not in gone and event.recorded < newest_folded - _LATE
    ]
    if late:
        # A partition may be hours behind the others: that is lag, and lag is no difference.
        _LOG.warning("events wait long to be folded", count=len(late), first=late[0].name)


def _compare_count(held: int, met: "array[int]", found: Differences) -> None:
    """Note that more visits were held than were met in all of the journal that was folded."""
    known = np.unique(np.frombuffer(met, np.int64)).size if met else 0
    if held > known:
        found.add(f"{held} visits are held, the journal knows {known} of them")


async def compare_stretch(
    tx: Tx,
    ledger: Database,
    register: Register,
    zone: ZoneInfo,
    random: Random,
    found: Differences,
    size: int,
) -> None:
    """Note what differs among `size` events from a place in the journal chosen by `random`.

    What is not folded yet is no difference here: only the whole journal can tell it from what was
    passed over.
    """
    async with ledger.reading() as source:
        begin = random.randrange(1, max(2, await journal.end(source) - size))
        records = await journal.read(source, "ingest", begin, [_TOPIC], size)
    revisions = _readable(records, zone)
    held = await store.held_visits(tx, {(row.source, row.visit_id) for _, row in revisions})
    for _, row in revisions:
        known = held.get((row.source, row.visit_id))
        if known is not None:
            _compare(register, row, known, found)


def legible(rows: Iterable[Sequence[Any]], found: Differences) -> list[Sequence[Any]]:
    """Return the rows of visits.COLUMNS whose measures can be read, and note the others."""
    kept = []
    for row in rows:
        try:
            decode_rows([row[_FLOW]], FLOWS)
            decode_rows([row[_STOCK]], STOCKS)
        except ValueError as error:
            found.add(f"visit {row[0]}/{row[1]}: its measures cannot be read: {error}")
        else:
            kept.append(row)
    return kept


def _readable(records: list[Record], zone: ZoneInfo) -> list[tuple[Record, Revision]]:
    """Read what can be read; an event that makes no sense was set aside by the consumer too."""
    kept = records
    while True:
        try:
            return list(zip(kept, read_revisions(kept, zone), strict=True))
        except InvalidEvent as error:
            refused = error.record
            kept = [record for record in kept if record is not refused]


def _compare(
    register: Register, row: Revision, known: tuple[int | None, Revision], found: Differences
) -> None:
    """Note what differs when the journal's revision is the one that is held."""
    school, held = known
    if held.revision != row.revision:
        return
    name = f"visit {row.source}/{row.visit_id}, revision {row.revision}"
    wrong = [field for field in Revision._fields if getattr(held, field) != getattr(row, field)]
    if wrong:
        found.add(f"{name}: {', '.join(wrong)} held otherwise than recorded")
    if school != register.school_index.get(row.school_code):
        found.add(f"{name}: held for another school than {row.school_code}")
