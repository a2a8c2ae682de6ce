"""Which units must be evaluated again, and single facts the service remembers.

Owns the marks set by figure events, by edits of rules and by the nightly sweep.
"""

import json
import secrets
from collections.abc import Sequence

from shared.db.transaction import Tx
from shared.journal.records import InvalidEvent, Record

TOPIC = "rtsm.figures"
PEOPLE = "people"
"""Name of the fact that changes whenever officers are edited."""


def units_of(record: Record) -> list[str]:
    """Return the units that an event of figures names; raises InvalidEvent when it names none."""
    try:
        units = json.loads(record.event.data)["units"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidEvent(record, "no list of units") from error
    if not isinstance(units, list) or not all(isinstance(unit, str) for unit in units):
        raise InvalidEvent(record, "no list of units")
    return units


async def note_figures(tx: Tx, records: list[Record]) -> None:
    """Mark the units whose figures moved; the consumer's handler."""
    await mark_dirty(tx, [unit for record in records for unit in units_of(record)])


async def mark_dirty(tx: Tx, units: Sequence[str]) -> None:
    """Note that units' figures may have moved; whoever evaluates them now must look again."""
    if units:
        unique = sorted(set(units))
        await tx.upsert_rows("watched", ("unit_id",), ("unit_id",), [(unit,) for unit in unique])
        await tx.upsert_rows(
            "dirty",
            ("unit_id",),
            ("unit_id", "mark"),
            [(unit, secrets.token_hex(8)) for unit in unique],
        )


async def mark_all_dirty(tx: Tx) -> None:
    """Note that every unit ever seen must be evaluated again."""
    rows = await tx.fetch("SELECT unit_id FROM watched")
    await mark_dirty(tx, [row[0] for row in rows])


async def dirty_units(tx: Tx) -> dict[str, str]:
    """Return the units to be evaluated, each with its mark."""
    return {row[0]: row[1] for row in await tx.fetch("SELECT unit_id, mark FROM dirty")}


async def clear_dirty(tx: Tx, marks: Sequence[tuple[str, str]]) -> None:
    """Forget units that were evaluated, unless they moved meanwhile (another mark)."""
    await tx.many("DELETE FROM dirty WHERE unit_id = $1 AND mark = $2", marks)


async def fact(tx: Tx, name: str) -> str | None:
    """Return a fact by name, or None."""
    row = await tx.fetch_one("SELECT value FROM facts WHERE name = $1", name)
    return None if row is None else str(row[0])


async def put_fact(tx: Tx, name: str, value: str) -> None:
    """Store a fact by name."""
    await tx.upsert_rows("facts", ("name",), ("name", "value"), [(name, value)])
