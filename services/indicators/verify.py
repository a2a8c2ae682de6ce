"""Computing everything again and comparing: cells and presence, and the visits with the journal.

Owns the pass over all of it in pieces, each from a snapshot of its own that lasts a moment: a
snapshot of the whole would keep the database from tidying up for as long as a nation takes. What
is folded between two pieces makes the sums of a large unit differ from its cells without anything
being wrong. So what differs after anything moved is only doubted, and looked at once more in one
snapshot: a lowest unit from its visits, any other as the sum of its parts. Changes nothing, can run
beside the live service. The recomputation is `recount`'s, comparing `verify_cells`' and
`verify_visits`'.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from services.indicators import store
from services.indicators.catalogue import Definitions
from services.indicators.halts import Verdict
from services.indicators.recount import Recount, portions
from services.indicators.register import Ints, Register
from services.indicators.registry_store import Registers, line_of, state_of
from services.indicators.verify_cells import compare_finished
from services.indicators.verify_definitions import misreckoned
from services.indicators.verify_sample import (
    day_of_month,
    month_is_its_days,
    recounted,
    whole_is_its_parts,
)
from services.indicators.verify_schools import name_schools, schools_ever_in, stands_higher
from services.indicators.verify_visits import (
    Asked,
    Differences,
    Opened,
    Span,
    WrongCell,
    compare_visits,
    journal_end,
    legible,
    span_of,
)
from services.indicators.visits import Visits
from shared.db.engine import Database
from shared.db.transaction import Tx

__all__ = ["Asked", "Tell", "examine", "verify"]

Tell = Callable[[int, int], None]
_PASSES = 4
_VISITS_AT_ONCE = 2_500


class Moved(Exception):  # noqa: N818 - no error: the pass begins again
    """The register changed between two pieces: what was summed belongs to another."""


@dataclass(slots=True)
class Doubts(Differences):
    """What differs from sums of several moments: units with their days and months, no lines."""

    days: dict[int, set[int]] = field(default_factory=dict)
    months: dict[int, set[int]] = field(default_factory=dict)

    def add_cell(self, line: str, cell: WrongCell) -> None:  # noqa: ARG002 - it may be none
        """Doubt a cell."""
        times = self.months if cell.monthly else self.days
        times.setdefault(cell.unit, set()).add(cell.when)

    def add_presence(self, line: str, unit: int | None) -> None:  # noqa: ARG002 - it may be none
        """Doubt who is present in a unit."""
        if unit is not None:
            self.days.setdefault(unit, set())


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass began with; `open` opens its snapshots."""

    open: Opened
    register: Register
    state: tuple[str, int]
    moved: tuple[Any, ...]
    counts: dict[int, int]
    look_back: int
    found: Differences
    doubts: Doubts = field(default_factory=Doubts)

    async def same(self, tx: Tx) -> None:
        """Raise Moved when the snapshot has another register."""
        if await state_of(tx) != self.state:
            raise Moved


async def verify(
    database: Database,
    ledger: Database,
    asked: Asked,
    tell: Tell,
    definitions: Definitions | None = None,
) -> list[str]:
    """Return the differences that `examine` finds."""
    return (await examine(database, ledger, asked, tell, definitions)).differences


async def examine(
    database: Database,
    ledger: Database,
    asked: Asked,
    tell: Tell,
    definitions: Definitions | None = None,
) -> Verdict:
    """Return every difference between what is stored and what follows from the visits.

    With `definitions`, also what they make of the worked example otherwise than they must.

    `tell(done, total)` counts schools. Events recorded while this runs are not missed visits: the
    journal is compared as far as the service had come when the pass began. A pass begins again when
    the register changes meanwhile; the last of a few reads a single snapshot.
    """
    wrong = Differences()
    if definitions is not None:
        for line in await asyncio.to_thread(misreckoned, definitions, asked.look_back_days):
            wrong.add(line)
    for _ in range(_PASSES - 1):
        try:
            return await _passed(database.reading, ledger, asked, tell, wrong)
        except Moved:
            continue
    end = await journal_end(ledger)
    async with database.reading() as tx:
        return await _passed(lambda: nullcontext(tx), ledger, asked, tell, wrong, end)


async def _passed(
    opened: Opened,
    ledger: Database,
    asked: Asked,
    tell: Tell,
    wrong: Differences,
    end: int | None = None,
) -> Verdict:
    """Go through everything once; raises Moved when the register changed meanwhile."""
    found = Differences(list(wrong.lines), wrong.count)
    end = await journal_end(ledger) if end is None else end
    async with opened() as tx:
        register, line = await Registers().current(tx), await line_of(tx)
        counts = await store.visit_counts(tx, register.known_schools().tolist())
        state, moved = await state_of(tx), await _moved(tx)
        span: Span = await span_of(tx, asked, end)
    whole = Pass(opened, register, state, moved, counts, asked.look_back_days, found)
    await _compare_cells(whole, tell)
    await _resolve(whole)
    async with opened() as tx:
        await whole.same(tx)
        await _compare_extent(tx, register, found)
        await name_schools(tx, register, asked.look_back_days, found)
    await compare_visits(opened, whole.same, ledger, register, asked, span, found)
    return Verdict(line, found.told())


async def _moved(tx: Tx) -> tuple[Any, ...]:
    """Something that is another after every fold."""
    row = await tx.fetch_one(
        "SELECT (SELECT sum(next) FROM positions), (SELECT max(seq) FROM journal), "
        "(SELECT max(recorded) FROM applied)"
    )
    return tuple(row)


async def _compare_cells(whole: Pass, tell: Tell) -> None:
    register, found = whole.register, whole.found
    recount = await asyncio.to_thread(Recount, register, whole.look_back)
    done, total = 0, int(register.known_schools().size)
    tell(0, total)
    for schools in portions(register, whole.counts):
        async with whole.open() as tx:
            await whole.same(tx)
            rows: list[Any] = []
            for some in _visited(schools, whole.counts):
                rows += await store.visits_of(tx, some)
            try:
                finished = await asyncio.to_thread(_added, recount, schools, rows)
            except ValueError:
                rows = legible(rows, found)
                finished = await asyncio.to_thread(_added, recount, schools, rows)
            here = await _where_to(whole, tx)
            await compare_finished(tx, register, finished, here)
        done += schools.size
        tell(done, total)
    async with whole.open() as tx:
        await whole.same(tx)
        await compare_finished(tx, register, recount.rest(), await _where_to(whole, tx))
    for line in whole.doubts.lines:  # what cannot be read is wrong at any moment
        found.add(line)


def _added(recount: Recount, schools: Ints, rows: list[Any]) -> Any:
    return recount.add(schools, Visits.from_rows(rows))


def _visited(schools: Ints, counts: dict[int, int]) -> Iterator[list[int]]:
    """Divide the schools with visits so that few rows are read at once, and requests go on."""
    some: list[int] = []
    visits = 0
    for school in schools.tolist():
        if school in counts:
            some.append(school)
            visits += counts[school]
        if visits >= _VISITS_AT_ONCE:
            yield some
            some, visits = [], 0
    if some:
        yield some


async def _where_to(whole: Pass, tx: Tx) -> Differences:
    """Where differences go: while nothing moved since the pass began, they are what they are."""
    return whole.found if await _moved(tx) == whole.moved else whole.doubts


async def _resolve(whole: Pass) -> None:
    """Look again at what differed while figures moved, each unit in one snapshot."""
    register, doubts, found = whole.register, whole.doubts, whole.found
    for unit in sorted(doubts.days.keys() | doubts.months.keys()):
        async with whole.open() as tx:
            await whole.same(tx)
            if schools_ever_in(register, unit).size:
                finished = await recounted(tx, register, whole.look_back, unit, found)
                await compare_finished(tx, register, finished, found)
                if not stands_higher(register, unit):
                    continue
            months = {day_of_month(month) for month in doubts.months.get(unit, ())}
            for day in sorted(doubts.days.get(unit, set()) | months):
                await month_is_its_days(tx, register, unit, day, found)
            for day in sorted(doubts.days.get(unit, ())):
                await whole_is_its_parts(tx, register, unit, day, found)


async def _compare_extent(tx: Tx, register: Register, found: Differences) -> None:
    for table in ("day_cells", "month_cells"):
        row = await tx.fetch_one(
            f"SELECT count(*) FROM {table} WHERE unit >= $1 OR unit < 0", len(register.unit_ids)
        )
        if row[0]:
            found.add(f"{table}: {row[0]} rows of units that do not exist")
