"""What an export holds: the records of a kind, one after the other, as rows of named leaves.

Owns reading them page by page from one snapshot, and who may see which; how a row is written is
left to `export_files`. Withdrawn visits are left out; a visit's row is its form as it stands now.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from services.ingest.drafts import Drafter
from services.ingest.imports.fields import fields_of, flattened
from services.ingest.imports.officers import NotifyOfficers
from services.ingest.intake import refresh
from services.ingest.registry.reading import FIRST, records
from services.ingest.store import Filter, listed
from services.ingest.targets import Targets
from shared.access import Principal
from shared.db.engine import Database
from shared.domain.days import day_number

_PAGE = 500
Row = Mapping[str, Any]


class ExportRows:
    """Reads what is exported."""

    def __init__(
        self, database: Database, drafter: Drafter, targets: Targets, notify: NotifyOfficers
    ) -> None:
        self._database = database
        self._drafter = drafter
        self._targets = targets
        self._notify = notify

    def _today(self) -> int:
        return day_number(self._drafter.stamps.today(self._drafter.zone))

    async def visits(self, caller: Principal, wanted: Filter) -> AsyncIterator[Row]:
        """Visits in commit order of their latest revisions, as far as the filter wants them."""
        columns = set(fields_of("visits"))
        async with self._database.reading() as tx:
            await refresh(tx, self._drafter)
            if caller.units is not None:
                codes = self._drafter.register.schools_under(caller.units, self._today())
                wanted = Filter(
                    wanted.source, wanted.code, wanted.first, wanted.last,
                    wanted.status, wanted.flag, codes,
                )  # fmt: skip
            after = 0
            while page := await listed(tx, wanted, after, _PAGE):
                after = page[-1].position
                for visit in page:
                    if visit.standing == "withdrawn":
                        continue
                    form = msgspec.json.decode(visit.form)
                    form["visit_id"], form["source"] = visit.visit_id, visit.source
                    yield {k: v for k, v in flattened("visits", form).items() if k in columns}

    async def register(self, caller: Principal, kind: str) -> AsyncIterator[Row]:
        """All dated records of schools or units, in order of ids and days."""
        async with self._database.reading() as tx:
            await refresh(tx, self._drafter)
            ids = self._ids(caller, kind)
            cursor: tuple[str, int] | None = FIRST
            while cursor is not None:
                page, cursor = await records(tx, kind, cursor, _PAGE, ids)
                for record in page:
                    yield {k: v for k, v in flattened(kind, record).items() if v not in ([], {})}

    def _ids(self, caller: Principal, kind: str) -> list[str] | None:
        if caller.units is None:
            return None
        register, units, today = self._drafter.register, caller.units, self._today()
        if kind == "schools":
            return register.schools_under(units, today)
        return [unit for unit in register.parents if register.under(unit, units, today)]

    async def targets(self, caller: Principal) -> AsyncIterator[Row]:
        """All targets in order of their units."""
        after: str | None = ""
        while after is not None:
            page, after = await self._targets.listed(caller, None, None, after, _PAGE)
            for record in page:
                yield flattened("targets", record)

    async def officers(self, caller: Principal) -> AsyncIterator[Row]:
        """Officers, a row for each posting; contacts are for keys that may read them."""
        register, today = self._drafter.register, self._today()
        for person in await self._notify.listed():
            postings = person.get("postings") or [{}]
            if caller.units is not None and not any(
                register.under(posting.get("unit_id", ""), caller.units, today)
                for posting in postings
            ):
                continue
            for posting in postings:
                yield flattened("officers", person | {"posting": posting})
