"""Stores the versions of the calendar, and answers which one holds on a day.

Every version is kept; of those with the same first day the last one holds. A new version raises the
register's version as well: by that, every instance learns in its next transaction that visits are
judged differently.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from services.ingest.calendar import Dated
from services.ingest.calendar_form import (
    CalendarIn,
    balochistan,
    calendar_faults,
    calendar_text,
    form_of,
)
from services.ingest.drafts import Drafter
from services.ingest.intake import refresh
from services.ingest.registry.register import VERSION_SQL
from shared.access import Principal
from shared.clock import rfc3339
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.domain.days import day_date, day_number
from shared.errors import FieldError, Problem, invalid, not_found

_COLUMNS = ("version", "valid_from", "recorded_at", "actor", "data")
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What the deployment's settings decide, and a calendar can only repeat."""

    first_day: date
    look_back_days: int


class CalendarStore:
    """Writes and reads the deployment's calendars."""

    def __init__(self, database: Database, drafter: Drafter, fixed: Fixed) -> None:
        self._database = database
        self._drafter = drafter
        self._fixed = fixed

    async def put(self, form: CalendarIn, caller: Principal, known: int | None) -> Record:
        """Store a calendar and answer it; the same again changes nothing.

        Raises Problem 422 with pointers, 403 for a key of some units, and 412 when `known` is given
        and is not the newest version.
        """
        if caller.units is not None:
            detail = "The calendar is everybody's: a key of some units cannot change it."
            raise Problem(403, "outside_your_units", detail)
        errors = [*calendar_faults(form), *self._unmovable(form)]
        if errors:
            raise Problem(422, errors[0].code, errors[0].detail, errors=errors[:100])
        async with self._database.transaction() as tx:
            await tx.lock("registry")
            newest = await _newest(tx)
            if known is not None and known != newest:
                detail = f"The newest version of the calendar is {newest} by now."
                raise Problem(412, "stale_version", detail, version=newest)
            row = await self._stored(tx, form, caller, newest)
        async with self._database.reading() as tx:
            await refresh(tx, self._drafter)
        return self._document(row)

    async def _stored(self, tx: Tx, form: CalendarIn, caller: Principal, newest: int) -> Any:
        day = self._first_day_of(form, newest)
        text = calendar_text(form)
        before = (await self._dated(tx)).on(day)
        if text == (calendar_text(balochistan()) if before is None else before[4]):
            return before
        recorded = await self._drafter.stamps.recorded(tx)
        row = (newest + 1, day, recorded, caller.key_id, text)
        await tx.insert_rows("calendars", _COLUMNS, [row])
        version = await tx.fetch_one(VERSION_SQL)
        raised = (version[0] if version is not None else 0) + 1
        await tx.upsert_rows("register_version", ("id",), ("id", "version"), [(0, raised)])
        return row

    def _first_day_of(self, form: CalendarIn, newest: int) -> int:
        if form.valid_from is not None:
            return day_number(form.valid_from)
        if newest == 0:
            return self._drafter.first_day
        return day_number(self._drafter.stamps.today(self._drafter.zone))

    def _unmovable(self, form: CalendarIn) -> list[FieldError]:
        """The deployment's own days: every figure was computed with them."""
        how = "set {} and run `rtsm rebuild`; a calendar can only repeat it."
        faults = []
        if form.first_day not in {None, self._fixed.first_day}:
            detail = "Another first day needs a rebuild: " + how.format("RTSM_FIRST_DAY")
            faults.append(FieldError("/first_day", "needs_rebuild", detail))
        if form.look_back_days not in {None, self._fixed.look_back_days}:
            detail = "Another look-back needs a rebuild: " + how.format("RTSM_LOOK_BACK_DAYS")
            faults.append(FieldError("/look_back_days", "needs_rebuild", detail))
        return faults

    async def read(
        self, on: date | None, version: int | None, known_at: int | None = None
    ) -> Record:
        """A version, or the calendar that holds on a day (default today); raises Problem 404.

        With `known_at` (microseconds) the one that was held to hold at that instant.
        """
        if on is not None and version is not None:
            raise invalid("/query/version", "one_of_both", "Ask for a day or for a version.")
        day = day_number(on or self._drafter.stamps.today(self._drafter.zone))
        async with self._database.reading() as tx:
            if version is None:
                row = (await self._dated(tx, known_at)).on(day)
            elif version == 0:
                row = None
            else:
                row = await tx.fetch_one(
                    f"SELECT {','.join(_COLUMNS)} FROM calendars WHERE version = $1", version
                )
                if row is None:
                    raise not_found("version of the calendar")
        return self._document(row)

    async def _dated(self, tx: Tx, known_at: int | None = None) -> Dated[Any]:
        """What is stored by the days from which it holds; None is the default."""
        recorded, bound = ("", []) if known_at is None else ("WHERE recorded_at <= $1 ", [known_at])
        rows = await tx.fetch(
            f"SELECT {','.join(_COLUMNS)} FROM calendars {recorded}ORDER BY version", *bound
        )
        dated: Dated[Any] = Dated(None, self._drafter.first_day)
        dated.apply({row[1]: row for row in rows})
        return dated

    async def versions(self) -> list[Record]:
        """All versions, the default first."""
        async with self._database.reading() as tx:
            rows = await tx.fetch(f"SELECT {','.join(_COLUMNS)} FROM calendars ORDER BY version")
        whole = [self._document(row) for row in (None, *rows)]
        names = ("version", "valid_from", "recorded_at", "name", "school_year")
        return [{name: document[name] for name in names} for document in whole]

    def _document(self, row: Any) -> Record:
        """A stored calendar, or the default, as it is answered."""
        form = balochistan() if row is None else form_of(row[4])
        document: Record = msgspec.to_builtins(form)
        empty: Record = {
            "yearly_holidays": [],
            "holidays": [],
            "zones": [],
            "default_zone": None,
            "school_year": None,
        }
        return {
            "version": 0 if row is None else row[0],
            "valid_from": day_date(self._drafter.first_day if row is None else row[1]).isoformat(),
            "recorded_at": None if row is None else rfc3339(row[2]),
            **empty,
            **document,
            "first_day": self._fixed.first_day.isoformat(),
            "look_back_days": self._fixed.look_back_days,
        }


async def _newest(tx: Tx) -> int:
    row = await tx.fetch_one("SELECT max(version) FROM calendars")
    return int(row[0] or 0)
