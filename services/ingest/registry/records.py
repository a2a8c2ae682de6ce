"""One record on its way into the register: what it says, what it replaces, what is kept of that.

Owns the stored form of records and the past of replaced ones; the order of writing is `store`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.ingest.registry.schemas import SchoolIn, UnitIn
from services.ingest.registry.versions import Version
from shared.db.transaction import Tx
from shared.domain.codes import canonical_school_code

_PAST = ("id", "valid_from", "version", "recorded_at", "actor", "data")
_CHUNK = 2_000
Record = dict[str, Any]


@dataclass(slots=True)
class Changed:
    """One record to be stored, and the record in force on its day until then."""

    version: Version[str]
    before: str | None
    replaces: bool


Changes = dict[str, list[Changed]]


def changed_by(
    stored: Sequence[Version[str]], known: Sequence[Version[str]], new: Version[str]
) -> Changed:
    """A record with what held on its day: the stored one of that very day, or the one before."""
    same = next((v for v in stored if v.day == new.day and not v.silent), None)
    if same is not None:
        return Changed(new, same.content, replaces=True)
    earlier = [v for v in known if v.day < new.day]
    # The first record also holds before its own day: one put before it changes those days.
    before = earlier[-1] if earlier else next((v for v in stored), None)
    return Changed(new, None if before is None else before.content, replaces=False)


async def keep_replaced(tx: Tx, table: str, past: str, changes: Changes) -> None:
    """Copy the told records that are about to be overwritten; a record kept before stays."""
    replaced = {
        (identity, changed.version.day)
        for identity, records in changes.items()
        for changed in records
        if changed.replaces
    }
    ids = sorted({identity for identity, _ in replaced})
    for start in range(0, len(ids), _CHUNK):
        rows = await tx.fetch(
            f"SELECT {','.join(_PAST)} FROM {table} WHERE id = ANY($1::text[]) AND silent = 0",
            ids[start : start + _CHUNK],
        )
        kept = [tuple(row) for row in rows if (row[0], row[1]) in replaced]
        if kept:
            await tx.insert_rows(past, _PAST, kept)


def unit_record(item: UnitIn) -> Record:
    """All fields but the day, which is the record's key."""
    return {
        "unit_id": item.unit_id,
        "name": item.name.strip(),
        "names": item.names or {},
        "level": item.level,
        "parent_id": item.parent_id,
        "valid_to": item.valid_to.isoformat() if item.valid_to else None,
        "predecessors": item.predecessors or [],
        "aliases": item.aliases or [],
        "head_school_code": item.head_school_code,
    }


def school_record(item: SchoolIn) -> Record:
    """All fields but the day, which is the record's key."""
    record: Record = {
        "school_code": item.school_code,
        "name": item.name.strip(),
        "unit_id": item.unit_id,
        "level": item.level,
        "gender": item.gender,
        "shift": item.shift,
        "zone": item.zone,
        "status": item.status or "open",
        "lat": item.lat,
        "lon": item.lon,
        "attributes": item.attributes or {},
    }
    # Left out when not given: a register uploaded again is then the very record it was.
    if item.names:
        record["names"] = item.names
    if item.predecessors:
        record["predecessors"] = [canonical_school_code(code) for code in item.predecessors]
    if item.aliases:
        record["aliases"] = item.aliases
    return record
