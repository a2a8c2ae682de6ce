"""Stores posted visits in bulk: one transaction a batch, two rows a visit.

Owns the statements of the visit path in both dialects. Identity decides: whoever's id is stored
gets the first receipt, 409 or 410. The register's version is compared inside the transaction, so
that a visit accepted after a change of the register has been judged by it.
"""

import json
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from services.ingest.calendar_form import CALENDARS_SQL, calendars_of
from services.ingest.drafts import Draft, Drafter, event_of
from services.ingest.outcomes import (
    REPLAY_COLUMNS,
    Outcome,
    accepted,
    again,
    flags_text,
    replayed,
)
from services.ingest.registry.register import SCHOOLS_SQL, UNITS_SQL, VERSION_SQL
from services.ingest.stamps import written
from shared.db.engine import Database
from shared.db.sqlite import SqliteDatabase, translate
from shared.db.transaction import Tx
from shared.errors import Problem
from shared.journal.journal import COLUMNS as JOURNAL_COLUMNS
from shared.journal.journal import append
from shared.journal.records import Event

Fate = Outcome | Problem
Key = tuple[str, str]
COLUMNS = (
    "position",
    "visit_id",
    "source",
    "revision",
    "standing",
    "excluded",
    "released",
    "school_code",
    "day",
    "recorded_at",
    "flags_now",
    "first_position",
    "received_at",
    "actor",
    "digest",
    "flags",
    "form",
)
# Looked up key by key: a plan made while the table was small would go through all of it.
_STORED = (
    f"SELECT {REPLAY_COLUMNS} FROM unnest($1::text[], $2::text[]) AS k (k_id, k_source), LATERAL "
    f"(SELECT {REPLAY_COLUMNS} FROM visits WHERE visit_id = k_id AND source = k_source LIMIT 1) s"
)


class Plan:
    """What a batch comes to, once it is known which of its ids are stored already."""

    def __init__(self, drafts: Sequence[Draft], recorded: int = 0) -> None:
        self.drafts = drafts
        self.recorded = recorded
        self.new: dict[Key, Draft] = {}
        for draft in drafts:
            self.new.setdefault((draft.visit_id, draft.source), draft)
        self._stored: dict[Key, Any] = {}

    def keys(self) -> tuple[list[str], list[str]]:
        """The ids to look for and their sources, pair by pair."""
        return [visit_id for visit_id, _ in self.new], [source for _, source in self.new]

    def settle(self, stored: Sequence[Any], drafter: Drafter) -> bool:
        """Leave only new visits, judged by the register of this transaction.

        Whether that changed which visits are new.
        """
        for row in stored:
            key = (row[0], row[1])
            if self.new.pop(key, None) is not None:
                self._stored[key] = row
        version = drafter.register.version
        for draft in self.new.values():
            if draft.judged != version:
                drafter.judge(draft)
        return bool(self._stored)

    def events(self) -> list[Event]:
        """The events of the new visits, in order."""
        recorded_at = written(self.recorded)
        return [event_of(draft, self.recorded, recorded_at) for draft in self.new.values()]

    def rows(self, positions: Sequence[int]) -> list[tuple[Any, ...]]:
        """The rows of the new visits at their positions, in the order of `COLUMNS`.

        The form, last, is UTF-8 as it came: SQLite takes it without a copy in other characters.
        """
        rows = []
        for position, draft in zip(positions, self.new.values(), strict=True):
            flags = flags_text(draft.flags)
            rows.append(
                (
                    position,
                    draft.visit_id,
                    draft.source,
                    1,
                    draft.standing,
                    0,
                    0,
                    draft.code,
                    draft.day,
                    self.recorded,
                    flags,
                    position,
                    draft.received,
                    draft.actor,
                    draft.digest,
                    flags,
                    draft.text,
                )
            )
        return rows

    def fates(self, positions: Sequence[int], drafter: Drafter) -> list[Fate]:
        """The fate of every draft, in the order in which they came."""
        made = {
            key: accepted(draft, position)
            for (key, draft), position in zip(self.new.items(), positions, strict=True)
        }
        fates: list[Fate] = []
        for draft in self.drafts:
            key = (draft.visit_id, draft.source)
            outcome = made.get(key)
            if outcome is None:
                fates.append(replayed(draft, self._stored[key], drafter.register.knows))
            elif self.new[key] is draft:
                fates.append(outcome)
            else:
                fates.append(again(draft, self.new[key], outcome))
        return fates


class Intake:
    """Writes batches of drafts to the ledger."""

    def __init__(self, database: Database, drafter: Drafter) -> None:
        self._database = database
        self._drafter = drafter

    async def store(self, drafts: Sequence[Draft]) -> list[Fate]:
        """Store a batch in one transaction; returns after its commit.

        Raises Transient when the database is away, Conflict when another process was first.
        """
        plan = Plan(drafts)
        if isinstance(self._database, SqliteDatabase):
            events: list[Event] = []

            def stamped() -> None:
                plan.recorded = self._drafter.stamps.next()
                # Made here and not in the writer's thread, which then needs the interpreter less.
                events.extend(plan.events())

            stored = await self._database.write(
                lambda connection: self._sqlite(connection, plan, events), before=stamped
            )
            return plan.fates(stored, self._drafter)
        async with self._database.transaction() as tx:
            await refresh(tx, self._drafter)
            plan.settle(await tx.fetch(_STORED, *plan.keys()), self._drafter)
            positions: Sequence[int] = ()
            if plan.new:
                # The journal's lock is held from here to the commit; one insert is all that
                # follows.
                plan.recorded = await self._drafter.stamps.recorded(tx)
                positions = await append(tx, plan.events())
                rows = [(*row[:-1], row[-1].decode()) for row in plan.rows(positions)]
                await _insert_postgres(tx, rows)
        return plan.fates(positions, self._drafter)

    def _sqlite(
        self, connection: sqlite3.Connection, plan: Plan, events: list[Event]
    ) -> Sequence[int]:
        """All of it in one hop to the writer's thread, inside its transaction: the positions."""
        refresh_sqlite(connection, self._drafter)
        ids = json.dumps(plan.keys()[0])
        if plan.settle(connection.execute(_STORED_SQLITE, (ids,)).fetchall(), self._drafter):
            events = plan.events()
        if not events:
            return ()
        end = _insert(
            connection,
            "journal",
            JOURNAL_COLUMNS,
            [(e.topic, e.type, e.key, e.subject, e.time, e.recorded, e.data) for e in events],
        )
        positions = range(end - len(events) + 1, end + 1)
        _insert(connection, "visits", COLUMNS, plan.rows(positions))
        return positions


_COPY_FROM = 128
_MANY = 500
_BIG = {"position", "recorded_at", "first_position", "received_at"}
_TYPE_OF = dict.fromkeys(_BIG, "bigint") | {"digest": "bytea"}
_TYPE_OF |= dict.fromkeys(("revision", "excluded", "released", "day"), "integer")
_UNNEST = ",".join(
    f"${place}::{_TYPE_OF.get(column, 'text')}[]" for place, column in enumerate(COLUMNS, 1)
)
_VISITS_UNNEST = f"INSERT INTO visits ({','.join(COLUMNS)}) SELECT * FROM unnest({_UNNEST})"


async def _insert_postgres(tx: Tx, rows: Sequence[Sequence[Any]]) -> None:
    """Insert visits: many by COPY, few by one prepared statement, which takes fewer round trips."""
    if len(rows) >= _COPY_FROM:
        await tx.insert_rows("visits", COLUMNS, rows)
    else:
        await tx.execute(_VISITS_UNNEST, *(list(column) for column in zip(*rows, strict=True)))


_STORED_SQLITE = (
    f"SELECT {REPLAY_COLUMNS} FROM visits WHERE visit_id IN (SELECT value FROM json_each(?))"
)


def _insert(
    connection: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> int:
    """Insert rows in few statements of few sizes; the key of the last.

    Each statement hands the interpreter's lock over twice, whatever the number of its rows; a
    statement for each row would wait for a busy event loop again and again.
    """
    start, last = 0, 0
    while start < len(rows):
        size = _at_once(len(rows) - start)
        sql = _insert_sql(table, tuple(columns), size)
        values = list(chain.from_iterable(rows[start : start + size]))
        last = connection.execute(sql, values).lastrowid or 0
        start += size
    return last


def _at_once(left: int) -> int:
    """How many rows the next statement takes: 500, a multiple of 8 up to 64, or what is left."""
    if left >= _MANY:
        return _MANY
    return min(left - left % 8, 64) or left


@lru_cache(maxsize=64)
def _insert_sql(table: str, columns: tuple[str, ...], size: int) -> str:
    row = ",".join("CAST(? AS TEXT)" if name == "form" else "?" for name in columns)
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES {','.join([f'({row})'] * size)}"


async def refresh(tx: Tx, drafter: Drafter) -> None:
    """Bring the register in memory up to what the transaction sees."""
    register = drafter.register
    row = await tx.fetch_one(VERSION_SQL)
    if row is not None and row[0] != register.version:
        since = register.version
        units = await tx.fetch(UNITS_SQL, since)
        schools = await tx.fetch(SCHOOLS_SQL, since)
        drafter.calendars.apply(calendars_of(await tx.fetch(CALENDARS_SQL)))
        register.apply(row[0], units, schools)


def refresh_sqlite(connection: sqlite3.Connection, drafter: Drafter) -> None:
    """As `refresh`, within the writer's thread."""
    register = drafter.register
    row = connection.execute(VERSION_SQL).fetchone()
    if row is not None and row[0] != register.version:
        since = (register.version,)
        units = connection.execute(translate(UNITS_SQL)[0], since).fetchall()
        schools = connection.execute(translate(SCHOOLS_SQL)[0], since).fetchall()
        drafter.calendars.apply(calendars_of(connection.execute(CALENDARS_SQL)))
        register.apply(row[0], units, schools)
