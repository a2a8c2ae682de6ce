"""The register through time: one unit's history, and the feed of all changes by cursor.

Owns what is read and who may see it; what a history is made of is left to `history`. Both tell
also what was corrected: a record that was replaced stays readable.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from services.ingest import documents
from services.ingest.drafts import Drafter
from services.ingest.exchange import json_answer, next_link, tagged
from services.ingest.intake import refresh
from services.ingest.registry import history
from services.ingest.registry.book import Book
from services.ingest.registry.pages import cursor_of, written
from services.ingest.registry.store import SCHOOLS, TOPIC, UNITS
from shared.access import Principal
from shared.clock import rfc3339
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.domain.codes import SCHOOL_PREFIX, canonical_unit
from shared.domain.days import day_number, local_day
from shared.errors import not_found
from shared.journal import journal
from shared.journal.records import Record
from shared.security import require

Reader = Annotated[Principal, Depends(require("registry:read"))]
Document = dict[str, Any]
_LAST_POSITION = 2**62
_HISTORY_ANSWER: Document = {
    "unit": "PK-BA-CHM",
    "versions": [
        {
            "unit_id": "PK-BA-CHM",
            "name": "Chaman",
            "level": "district",
            "parent_id": "PK-BA-DIV-QUETTA",
            "valid_from": "2021-06-29",
            "holds_until": None,
            "changes": ["created"],
            "version": 57,
            "recorded_at": "2026-11-22T02:00:00Z",
            "replaced": [],
        }
    ],
    "predecessors": [
        {
            "unit_id": "PK-BA-KAB",
            "name": "Killa Abdullah",
            "level": "district",
            "on": "2021-06-29",
            "how": "split",
        }
    ],
    "successors": [],
    "joined": [
        {
            "unit_id": "PK-BA-CHM-SADDAR",
            "name": "Saddar Chaman",
            "level": "tehsil",
            "on": "2021-06-29",
            "from": "PK-BA-KAB",
        }
    ],
    "left": [],
}
_FEED_ANSWER: Document = {
    "changes": [
        {
            "position": 57,
            "type": "rtsm.unit.changed.v1",
            "id": "PK-BA-CHM",
            "version": 57,
            "recorded_at": "2026-11-22T02:00:00Z",
            "changes": ["created"],
            "unit": {**documents.UNIT_EXAMPLE, "unit_id": "PK-BA-CHM", "name": "Chaman"},
        }
    ],
    "next": "WyIiLDU3XQ",
}


class Chronicle:
    """Answers questions about what changed, and when."""

    def __init__(self, database: Database, drafter: Drafter, units: Book) -> None:
        self._database = database
        self._drafter = drafter
        self._units = units

    def add(self, routes: APIRouter) -> None:
        """Add the addresses of histories and of the feed."""

        @routes.get(
            "/v1/units/{unit_id:segment}/history",
            responses=documents.answers({200: ("The history", _HISTORY_ANSWER)}, 404),
        )
        async def get_history(request: Request, caller: Reader, unit_id: str) -> Response:
            """Every record of a unit or `school:CODE`, what each changed, who came before."""
            async with self._database.reading() as tx:
                await refresh(tx, self._drafter)
                return tagged(request, json_answer(await self._history(tx, caller, unit_id)))

        @routes.get(
            "/v1/registry/changes",
            responses=documents.answers({200: ("Changes, oldest first", _FEED_ANSWER)}, 422),
        )
        async def get_changes(
            request: Request,
            caller: Reader,
            kind: Literal["unit", "school"] | None = None,
            after: Annotated[str | None, Query(max_length=600)] = None,
            limit: Annotated[int, Query(ge=1, le=2000)] = 500,
        ) -> Response:
            """All changes of the register in commit order; ask again with `next` for what follows.

            A change is told once and never altered: a correction is a further change.
            """
            start = cursor_of(after, _LAST_POSITION)[1] + 1
            async with self._database.reading() as tx:
                await refresh(tx, self._drafter)
                found = await journal.read(tx, "ingest.journal", max(start, 1), [TOPIC], limit)
            told = [
                _told(record)
                for record in found
                if _is(record, kind) and self._sees(caller, record.event.key, record.event.time)
            ]
            onward = written(("", found[-1].position)) if found else after
            answer = json_answer({"changes": told, "next": onward})
            if len(found) == limit and onward is not None:
                answer.headers["Link"] = next_link(request, onward)
            return answer

    def _today(self) -> int:
        return day_number(self._drafter.stamps.today(self._drafter.zone))

    def _sees(self, caller: Principal, unit_id: str, time: int) -> bool:
        """Whether a unit stands under the caller's today, or did when the change came or went."""
        if caller.units is None:
            return True
        began = local_day(time, self._drafter.zone)
        return any(
            self._drafter.register.under(unit_id, caller.units, day)
            for day in (self._today(), began, began - 1)
        )

    async def _history(self, tx: Tx, caller: Principal, asked: str) -> Document:
        unit_id = canonical_unit(asked)
        is_school = unit_id.startswith(SCHOOL_PREFIX)
        kind = SCHOOLS if is_school else UNITS
        identity = unit_id.removeprefix(SCHOOL_PREFIX)
        register, today = self._drafter.register, self._today()
        known = register.knows(identity) if is_school else identity in register.parents
        if not known:
            raise not_found("unit")
        if caller.units is not None and not register.under(unit_id, caller.units, today):
            raise not_found("unit")
        records = await _records(tx, kind.table, identity)
        replaced: dict[int, list[Document]] = {}
        for day, record in await _records(tx, kind.past, identity):
            replaced.setdefault(day, []).append(record)
        told: Document = {"unit": unit_id, "versions": history.versions(records, replaced)}

        def seen(other: str) -> bool:
            return caller.units is None or register.under(other, caller.units, today)

        if is_school:
            return told | await self._relatives(tx, records, identity, seen)
        units = await self._units.records(tx)
        joined, left = history.movements(units, unit_id, seen)
        return told | {
            "predecessors": history.predecessors(units, unit_id, seen),
            "successors": history.successors(units, unit_id, seen),
            "joined": joined,
            "left": left,
        }

    async def _relatives(
        self, tx: Tx, records: Sequence[tuple[int, Document]], code: str, seen: history.Seen
    ) -> Document:
        """Schools that went into a school, and schools that it went into."""
        former = {name for _, record in records for name in record.get("predecessors") or ()}
        heirs = await tx.fetch(
            "SELECT id,data FROM schools WHERE silent = 0 AND data LIKE $1 ORDER BY id,valid_from",
            '%"predecessors":[%',
        )
        later = {
            identity
            for identity, data in heirs
            if code in (msgspec.json.decode(data).get("predecessors") or ())
        }

        def named(codes: set[str]) -> list[Document]:
            ids = sorted(SCHOOL_PREFIX + each for each in codes)
            return [{"unit_id": each, "level": "school"} for each in ids if seen(each)]

        return {"predecessors": named(former), "successors": named(later)}


async def _records(tx: Tx, table: str, identity: str) -> list[tuple[int, Document]]:
    """The told records of one unit or school in a table, by day and then by version."""
    where = "" if table.endswith("_past") else " AND silent = 0"
    rows = await tx.fetch(
        f"SELECT valid_from,version,recorded_at,actor,data FROM {table} WHERE id = $1{where} "
        "ORDER BY valid_from,version",
        identity,
    )
    return [
        (
            row[0],
            msgspec.json.decode(row[4])
            | {"version": row[1], "recorded_at": rfc3339(row[2]), "recorded_by": row[3]},
        )
        for row in rows
    ]


def _is(record: Record, kind: str | None) -> bool:
    return kind is None or record.event.type == f"rtsm.{kind}.changed.v1"


def _told(record: Record) -> Document:
    data: Document = msgspec.json.decode(record.event.data)
    return {"position": record.position, "type": record.event.type, "id": record.event.key, **data}
