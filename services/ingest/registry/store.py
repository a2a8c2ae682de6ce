"""Stores dated records of units and schools, and tells each change as an event.

Owns the register's version, which grows by one for each event. One writer at a time; readers follow
the version. Nothing told is lost: a record that another of the same day replaces is kept as past.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec

from services.ingest.drafts import Drafter
from services.ingest.intake import refresh
from services.ingest.registry.checks import cycle, school_faults, unit_faults
from services.ingest.registry.records import (
    Changed,
    Changes,
    Record,
    changed_by,
    keep_replaced,
    school_record,
    unit_record,
)
from services.ingest.registry.register import VERSION_SQL
from services.ingest.registry.schemas import SchoolIn, UnitIn
from services.ingest.registry.versions import Version, merged, put
from services.ingest.registry.wording import changes as changes_between
from shared.access import Principal
from shared.clock import micros, rfc3339
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.domain.codes import SCHOOL_PREFIX, canonical_school_code
from shared.domain.days import day_date, day_number
from shared.errors import FieldError, Problem, not_found
from shared.journal.journal import append
from shared.journal.records import Event

TOPIC = "rtsm.registry"
_COLUMNS = ("id", "valid_from", "version", "silent", "recorded_at", "actor", "data")
_CHUNK = 2_000
_BREATH = 500
Dated = dict[str, list[Version[str]]]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of record is stored and told."""

    table: str
    past: str
    event: str
    name: str


UNITS = Kind("units", "units_past", "rtsm.unit.changed.v1", "unit")
SCHOOLS = Kind("schools", "schools_past", "rtsm.school.changed.v1", "school")
_TOLD = (
    "SELECT max(version) FROM (SELECT max(version) AS version FROM units WHERE silent = 0 "
    "UNION ALL SELECT max(version) FROM schools WHERE silent = 0) AS told"
)


@dataclass(frozen=True, slots=True)
class Upserted:
    """What an upload came to: records given, records that changed, and the register's version."""

    stored: int
    changed: int
    version: int


class Registry:
    """Writes the register."""

    def __init__(self, database: Database, drafter: Drafter) -> None:
        self._database = database
        self._drafter = drafter

    async def put_units(self, items: Sequence[UnitIn], caller: Principal) -> Upserted:
        """Store units, parents in any order; raises Problem 404 or 422 and stores nothing then."""
        for item in items:
            item.unit_id = item.unit_id.strip()
            item.parent_id = item.parent_id and item.parent_id.strip()
        async with self._writing() as tx:
            register = self._drafter.register
            _refuse(unit_faults(items, register.parents))
            given = [(item.unit_id, item.valid_from, unit_record(item)) for item in items]
            changes = await self._changes(tx, UNITS, given)
            self._refuse_cycles(items, changes)
            for item in items:
                self._refuse_foreign(caller, item.unit_id, item.parent_id)
            return await self._write(tx, UNITS, changes, len(items), caller)

    async def put_schools(self, items: Sequence[SchoolIn], caller: Principal) -> Upserted:
        """Store schools under known units; raises Problem 404 or 422 and stores nothing then."""
        for item in items:
            item.unit_id = item.unit_id.strip()
        async with self._writing() as tx:
            _refuse(school_faults(items, self._drafter.register.parents))
            given = [
                (canonical_school_code(item.school_code), item.valid_from, school_record(item))
                for item in items
            ]
            changes = await self._changes(tx, SCHOOLS, given)
            for code, _, record in given:
                self._refuse_foreign(caller, SCHOOL_PREFIX + code, record["unit_id"])
            return await self._write(tx, SCHOOLS, changes, len(items), caller)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Tx]:
        """Be alone on the register, see it as it is, and know what was written after the commit."""
        async with self._database.transaction() as tx:
            await tx.lock("registry")
            await refresh(tx, self._drafter)
            yield tx
        async with self._database.reading() as tx:
            await refresh(tx, self._drafter)

    async def _changes(
        self, tx: Tx, kind: Kind, given: Sequence[tuple[str, date | None, Record]]
    ) -> Changes:
        """What the records change, applied one after the other as they were given."""
        ids = sorted({identity for identity, _, _ in given})
        known: Dated = {identity: [] for identity in ids}
        for start in range(0, len(ids), _CHUNK):
            rows = await tx.fetch(
                f"SELECT id,valid_from,silent,data FROM {kind.table} WHERE id = ANY($1::text[]) "
                "ORDER BY id,valid_from",
                ids[start : start + _CHUNK],
            )
            for identity, day, silent, data in rows:
                known[identity].append(Version(day, data, bool(silent)))
        today = day_number(self._today())
        changes: dict[str, dict[int, Changed]] = {}
        stored = {identity: list(versions) for identity, versions in known.items()}
        for count, (identity, valid_from, record) in enumerate(given, 1):
            if count % _BREATH == 0:
                await asyncio.sleep(0)
            versions = known[identity]
            if valid_from is not None:
                day = day_number(valid_from)
            else:
                day = today if versions else self._drafter.first_day
            changed = put(versions, day, msgspec.json.encode(record).decode())
            known[identity] = merged(versions, changed)
            changes.setdefault(identity, {}).update(
                (v.day, changed_by(stored[identity], known[identity], v)) for v in changed
            )
        return {identity: list(days.values()) for identity, days in changes.items()}

    def _today(self) -> date:
        return self._drafter.stamps.today(self._drafter.zone)

    def _refuse_cycles(self, items: Sequence[UnitIn], changes: Changes) -> None:
        parents = dict(self._drafter.register.parents)
        for identity, records in changes.items():
            told = [
                Version(v.day, msgspec.json.decode(v.content).get("parent_id"))
                for v in (changed.version for changed in records)
            ]
            parents[identity] = merged(parents.get(identity, ()), told)
        found = cycle(parents)
        detail = "A unit would stand above itself."
        _refuse(
            [
                FieldError(f"/{index}/parent_id", "cycle", detail)
                for index, item in enumerate(items)
                if item.unit_id in found
            ]
        )

    def _refuse_foreign(self, caller: Principal, unit_id: str, parent_id: str | None) -> None:
        """A key of some units changes nothing that is, or would be, outside them."""
        if caller.units is None:
            return
        register, today = self._drafter.register, day_number(self._today())
        known = unit_id in register.parents or register.knows(unit_id.removeprefix(SCHOOL_PREFIX))
        places = [unit_id] if known else []
        if parent_id != unit_id and (parent_id is not None or not known):
            places.append(parent_id or "")
        if not all(register.under(place, caller.units, today) for place in places):
            raise not_found("unit")

    async def _write(
        self, tx: Tx, kind: Kind, changes: Changes, stored: int, caller: Principal
    ) -> Upserted:
        row = await tx.fetch_one(VERSION_SQL)
        version = row[0] if row is not None else 0
        recorded = await self._drafter.stamps.recorded(tx)
        rows: list[tuple[Any, ...]] = []
        events: list[Event] = []
        for identity, records in changes.items():
            for changed in records:
                dated = changed.version
                if not dated.silent:
                    version += 1
                    events.append(self._event(kind, identity, changed, version, recorded))
                rows.append(
                    (
                        identity,
                        dated.day,
                        version,
                        int(dated.silent),
                        recorded,
                        caller.key_id,
                        dated.content,
                    )
                )
        await keep_replaced(tx, kind.table, kind.past, changes)
        await tx.upsert_rows(kind.table, ("id", "valid_from"), _COLUMNS, rows)
        if events:
            await tx.upsert_rows("register_version", ("id",), ("id", "version"), [(0, version)])
            await append(tx, events)
        elif (told := await tx.fetch_one(_TOLD)) is not None:
            # A calendar raises the register's version as well; whoever waits for a register that
            # did not change waits for the last event, not for that.
            version = told[0] or 0
        return Upserted(stored, len(events), version)

    def _event(
        self, kind: Kind, identity: str, changed: Changed, version: int, recorded: int
    ) -> Event:
        dated = changed.version
        record = msgspec.json.decode(dated.content)
        before = None if changed.before is None else msgspec.json.decode(changed.before)
        words = changes_between(before, record)
        record["valid_from"] = day_date(dated.day).isoformat()
        if kind is UNITS and record.get("head_school_code"):
            record["head_school_code"] = canonical_school_code(record["head_school_code"])
        key = identity if kind is UNITS else SCHOOL_PREFIX + identity
        began = datetime.combine(day_date(dated.day), time(), self._drafter.zone)
        data = {
            "version": version,
            "recorded_at": rfc3339(recorded),
            "changes": ["corrected", *words] if changed.replaces else words,
            kind.name: record,
        }
        return Event(
            topic=TOPIC,
            type=kind.event,
            key=key,
            subject=key,
            time=micros(began.astimezone(UTC)),
            recorded=recorded,
            data=msgspec.json.encode(data),
        )


def _refuse(errors: Sequence[FieldError]) -> None:
    if errors:
        raise Problem(422, errors[0].code, errors[0].detail, errors=errors[:100])
