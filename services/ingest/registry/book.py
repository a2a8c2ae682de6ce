"""The register's full records in memory, for names and histories: those of units, or of schools.

Owns following the register's version. Rules and scopes are judged by `register`, which keeps less
of each record and is needed by every visit; this is read only when somebody asks for names.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from services.ingest.registry.naming import Names, Spelling
from services.ingest.registry.register import SCHOOLS_SQL, UNITS_SQL, VERSION_SQL
from services.ingest.registry.versions import Version, in_force, merged
from shared.db.transaction import Tx
from shared.domain.days import day_date


class Entry(msgspec.Struct, gc=False):
    """Of a record of a unit or a school what names and histories of others need."""

    name: str
    names: dict[str, str] | None = None
    aliases: list[str] | None = None
    predecessors: list[str] | None = None
    level: str | None = None
    parent_id: str | None = None
    valid_to: str | None = None
    head_school_code: str | None = None
    school_code: str | None = None
    unit_id: str | None = None
    status: str = "open"

    @property
    def above(self) -> str | None:
        """The unit it stands under: a unit's parent, a school's cluster."""
        return self.parent_id if self.school_code is None else self.unit_id

    def ended(self, day: int) -> bool:
        """Whether by this record it is no more on a day: ended before it, closed or merged."""
        if self.status in {"closed", "merged"}:
            return True
        return self.valid_to is not None and self.valid_to < day_date(day).isoformat()


_DECODER = msgspec.json.Decoder(Entry)
Dated = list[Version[Entry]]
Records = Mapping[str, Dated]


class Book:
    """All told records of one kind by id, in order of their days, and their names by day."""

    def __init__(self, table: str) -> None:
        self._sql = UNITS_SQL if table == "units" else SCHOOLS_SQL
        self._version = 0
        self._records: dict[str, Dated] = {}
        self._names: tuple[int, int, Names] | None = None
        self._reading = asyncio.Lock()

    async def records(self, tx: Tx) -> Records:
        """The records, as new as this transaction sees them or newer."""
        async with self._reading:
            row = await tx.fetch_one(VERSION_SQL)
            version = 0 if row is None else int(row[0])
            if version > self._version:
                rows = await tx.fetch(self._sql, self._version)
                self._records = await asyncio.to_thread(_grown, self._records, rows)
                self._version = version
            return self._records

    async def names(self, tx: Tx, day: int) -> Names:
        """What everything is called on a day, and was or will be called on other days."""
        records = await self.records(tx)
        held = self._names
        if held is None or held[:2] != (self._version, day):
            names = await asyncio.to_thread(lambda: Names(_spellings(records, day)))
            held = self._names = (self._version, day, names)
        return held[2]


def entry_on(records: Records, identity: str, day: int) -> Entry:
    """What is said of a known unit or school on a day; the first record also holds before it."""
    versions = records[identity]
    return (in_force(versions, day) or versions[0]).content


def _grown(held: Records, rows: Iterable[Any]) -> dict[str, Dated]:
    changed: dict[str, Dated] = {}
    words: dict[str | None, str | None] = {}
    for identity, day, _, data in rows:
        entry = _DECODER.decode(data)
        # Tens of thousands of schools share a few clusters and words: one copy of each is kept.
        entry.unit_id = words.setdefault(entry.unit_id, entry.unit_id)
        entry.status = words.setdefault(entry.status, entry.status) or entry.status
        changed.setdefault(identity, []).append(Version(day, entry))
    grown = dict(held)
    for identity, versions in changed.items():
        grown[identity] = merged(held.get(identity, ()), versions)
    return grown


def _spellings(records: Records, day: int) -> Iterator[Spelling]:
    for identity, versions in records.items():
        standing = in_force(versions, day)
        if standing is None:
            continue
        now = standing.content
        yield Spelling(identity, now.school_code or identity, "id")
        for version in versions:
            entry = version.content
            by = "name" if version is standing else "former_name"
            for name in (entry.name, *(entry.names or {}).values()):
                yield Spelling(identity, name, by)
            for alias in entry.aliases or ():
                yield Spelling(identity, alias, "alias")
        if now.head_school_code:
            yield Spelling(identity, now.head_school_code, "head_school")
