"""The visits that indicators holds against the newest revisions in ingest's journal.

Owns the comparison and the collecting of differences. An event that is still on its way is no
difference; one that was passed over is.
"""

import asyncio
from dataclasses import dataclass, field, replace
from random import Random
from zoneinfo import ZoneInfo

from services.indicators import store
from services.indicators.incoming import Revision, read_revisions
from services.indicators.register import Register
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.journal import journal
from shared.journal.records import InvalidEvent, Record

_MOST = 1_000
_MOST_CELLS = 20
_MOST_WAITING = 100_000
_RECORDS_AT_ONCE = 2_000
_LATE = 3_600_000_000
"""Microseconds after which an event that later ones overtook counts as passed over."""
_TOPIC = "rtsm.visits"
_PARTITION = "ingest.journal"


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
    name: str


async def compare_visits(
    tx: Tx, ledger: Database, register: Register, zone: ZoneInfo, found: Differences
) -> None:
    """Note every visit that is held otherwise than the journal says, or not at all."""
    came_to = await _came_to(tx)
    folded_by_key: dict[str, int] = {}
    newest_folded = folded_first = 0
    waiting: list[_Waiting] = []
    position = 1
    while len(waiting) < _MOST_WAITING:
        async with ledger.reading() as source:
            records = await journal.read(source, "ingest", position, [_TOPIC], _RECORDS_AT_ONCE)
        records = [r for r in records if came_to is None or r.position < came_to]
        if not records:
            break
        position = records[-1].position + 1
        revisions = await asyncio.to_thread(_readable, records, zone)
        held = await store.held_visits(tx, {(row.source, row.visit_id) for _, row in revisions})
        for record, row in revisions:
            known = held.get((row.source, row.visit_id))
            if known is None or known[1].revision < row.revision:
                name = f"visit {row.source}/{row.visit_id}, revision {row.revision}"
                key = record.event.key
                waiting.append(_Waiting(record.position, key, row.recorded, name))
                continue
            folded_by_key[record.event.key] = record.position
            newest_folded = max(newest_folded, row.recorded)
            folded_first += row.revision == 1
            _compare(register, row, known, found)
    for event in waiting:
        overtaken = folded_by_key.get(event.key, 0) > event.place
        if came_to is not None or overtaken or event.recorded < newest_folded - _LATE:
            found.add(f"{event.name}: not folded")
    row = await tx.fetch_one("SELECT count(*) FROM visits WHERE revision >= 1")
    if row[0] > folded_first + len(waiting):
        found.add(f"{row[0]} visits are held, the journal knows {folded_first}")


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


async def _came_to(tx: Tx) -> int | None:
    """Return the journal position up to which all is folded; None when Kafka is the feed."""
    row = await tx.fetch_one(
        "SELECT min(next) FROM positions WHERE consumer = $1 AND partition = $2",
        "indicators.visits",
        _PARTITION,
    )
    return None if row is None or row[0] is None else int(row[0])


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
