"""The fold of the register: versions in, integers given, changed schools folded anew.

Owns the exclusive transaction in which the register changes; where schools belong is `register`'s,
what the change amounts to is `contributions`'. A fact that arrives late changes the past days it
speaks of, a school that arrives takes the visits that waited for it, by the same path.
"""

import asyncio
from collections.abc import Iterator

import numpy as np

from services.indicators import (
    announce,
    cell_store,
    contributions,
    registry_store,
    slices,
    store,
)
from services.indicators.incoming import read_changes
from services.indicators.register import Ints
from services.indicators.registry_store import REGISTER_LOCK, Registers
from services.indicators.segments import SchoolVersion, UnitVersion
from services.indicators.visits import Visits
from shared.clock import Clock, micros
from shared.db.transaction import Tx
from shared.journal.journal import append
from shared.journal.records import Event, Record

_VISITS_AT_ONCE = 20_000
_SCHOOLS_AT_ONCE = 5_000


class RegistryFold:
    """Folds register events into the tables of indicators."""

    def __init__(self, registers: Registers, clock: Clock, look_back_days: int) -> None:
        self._registers = registers
        self._clock = clock
        self._look_back = look_back_days

    async def handle(self, tx: Tx, records: list[Record]) -> None:
        """Apply a batch of register events; raises InvalidEvent for one that makes no sense."""
        changes = read_changes(records)
        await tx.lock(REGISTER_LOCK)
        old = await self._registers.current(tx)
        units = [c.version for c in changes if isinstance(c.version, UnitVersion)]
        schools = [c.version for c in changes if isinstance(c.version, SchoolVersion)]
        new, changed = await asyncio.to_thread(old.patched, units, schools)
        token = registry_store.next_token((await registry_store.state_of(tx))[0])
        change = await registry_store.save(tx, changes, old, new, token)
        self._registers.propose(token, change, new)
        arrived = {version.code for version in schools} - set(old.school_index)
        await store.attribute(tx, sorted(arrived))
        arrived_ids = {new.school_index[code] for code in arrived}
        events: list[Event] = []
        now = micros(self._clock.now())
        counts = await store.visit_counts(tx, changed.tolist())
        for part in _portions(changed, counts):
            visited = [school for school in part.tolist() if school in counts]
            rows = await store.visits_of(tx, visited) if visited else []
            visits = Visits.from_rows(rows)
            await store.save_groups(tx, _answered(visits, arrived_ids))
            deltas = await asyncio.to_thread(
                contributions.refold, visits, old, new, part, self._look_back
            )
            await cell_store.add(tx, deltas)
            events += announce.moved(deltas, new, now)
        await append(tx, events)


def _portions(schools: Ints, counts: dict[int, int]) -> Iterator[Ints]:
    """Divide schools into portions that fit into memory with all their visits."""
    begin, visits = 0, 0
    for place, school in enumerate(schools.tolist()):
        visits += counts.get(school, 0)
        if visits >= _VISITS_AT_ONCE or place + 1 - begin >= _SCHOOLS_AT_ONCE:
            yield schools[begin : place + 1]
            begin, visits = place + 1, 0
    if begin < schools.size:
        yield np.asarray(schools[begin:])


def _answered(visits: Visits, arrived: set[int]) -> list[tuple[int, int]]:
    """Return (groups, school) of the schools that took visits that had waited for them."""
    added = zip(visits.school.tolist(), visits.groups.tolist(), strict=True)
    return slices.ever_answered({}, [pair for pair in added if pair[0] in arrived])
