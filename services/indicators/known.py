"""The register as it was known: what had been recorded by an instant, and nothing later (04 §5).

Owns the register and the names of a past instant. The visits recorded by then are `read_store`'s,
sums of units as known then `as_known`'s; placing and summing are done by the functions that make
today's.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from services.indicators import directory, registry_store
from services.indicators.directory import Units
from services.indicators.register import Register
from shared.db.transaction import Tx

_KEPT = 4


@dataclass(frozen=True, slots=True)
class Past:
    """The register and the units' names by what had been recorded at an instant."""

    register: Register
    units: Units


class Pasts:
    """Gives what was known of the register at any instant; the last few are kept."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, int], Past] = OrderedDict()
        self._loading = asyncio.Lock()

    async def at(self, tx: Tx, present: Past, known_at: int) -> Past:
        """What was known at `known_at` (microseconds); `present` is what is known now."""
        newest, later = await _cut(tx, known_at)
        if not later:
            return present
        token, _ = await registry_store.state_of(tx)
        # Between two changes of the register every instant knew the same.
        key = token, newest
        async with self._loading:
            held = self._held.get(key)
            if held is None:
                held = await _read(tx, present.register, known_at)
                self._held[key] = held
                while len(self._held) > _KEPT:
                    self._held.popitem(last=False)
            self._held.move_to_end(key)
            return held


async def _cut(tx: Tx, known_at: int) -> tuple[int, int]:
    """When the last fact known by then was recorded (0: none), and how many facts came later."""
    newest = later = 0
    for table in ("unit_versions", "school_versions"):
        row = await tx.fetch_one(
            "SELECT max(CASE WHEN recorded <= $1 THEN recorded END), "
            f"count(CASE WHEN recorded > $1 THEN 1 END) FROM {table}",
            known_at,
        )
        newest, later = max(newest, int(row[0] or 0)), later + int(row[1])
    return newest, later


async def _read(tx: Tx, present: Register, known_at: int) -> Past:
    """The register of the versions recorded by then; integers are those given since."""
    units = await tx.fetch(
        "SELECT unit_id, valid_from, parent_id, level, version FROM unit_versions "
        "WHERE recorded <= $1",
        known_at,
    )
    schools = await tx.fetch(
        "SELECT code, valid_from, unit_id, gender, status, version FROM school_versions "
        "WHERE recorded <= $1",
        known_at,
    )
    register = await asyncio.to_thread(
        registry_store.grown, Register.empty(present.ids()), units, schools
    )
    return Past(register, await directory.units_recorded(tx, known_at))
