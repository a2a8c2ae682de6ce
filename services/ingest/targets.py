"""Targets: what an indicator of a unit starts from and should reach, by spans of days.

Owns storing and listing; inheriting a parent's target is left to the cards. Numbers are kept as
the text of their JSON, so that 0.75 stays 0.75. A target that is replaced stays readable: what was
known at a past instant can still be listed.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from services.ingest.drafts import Drafter
from services.ingest.intake import refresh
from services.ingest.registry.checks import target_faults
from services.ingest.registry.schemas import TargetIn
from shared.access import Principal
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.domain.codes import SCHOOL_PREFIX, canonical_unit
from shared.domain.days import day_date, day_number
from shared.errors import Problem, not_found

_KEYS = ("unit_id", "indicator", "split", "valid_from")
_COLUMNS = (*_KEYS, "valid_to", "baseline", "target", "recorded_at", "actor")
_SAID = slice(4, 7)
_CHUNK = 2_000
_SAME_KEY = " AND ".join(f"n.{key} = p.{key}" for key in _KEYS)
_KNOWN = (
    f"(SELECT {{columns}} FROM targets WHERE recorded_at <= {{at}} UNION ALL SELECT {{columns}} "
    "FROM targets_past p WHERE p.recorded_at <= {at} AND NOT EXISTS (SELECT 1 FROM targets n "
    f"WHERE {_SAME_KEY} AND n.recorded_at <= {{at}}) AND NOT EXISTS (SELECT 1 FROM targets_past n "
    f"WHERE {_SAME_KEY} AND n.recorded_at > p.recorded_at AND n.recorded_at <= {{at}})) AS known"
)
Record = dict[str, Any]


class Targets:
    """Writes and reads targets."""

    def __init__(self, database: Database, drafter: Drafter) -> None:
        self._database = database
        self._drafter = drafter

    async def put(self, items: Sequence[TargetIn], caller: Principal) -> int:
        """Store targets by (unit, indicator, split, from), the last of equal keys; their number.

        Raises Problem 404 or 422 and stores nothing then.
        """
        async with self._database.transaction() as tx:
            await tx.lock("targets")
            await refresh(tx, self._drafter)
            register = self._drafter.register
            for item in items:
                item.unit_id = canonical_unit(item.unit_id.strip())
            schools = {SCHOOL_PREFIX + code for code in register.schools}
            errors = target_faults(items, schools | set(register.parents))
            if errors:
                raise Problem(422, errors[0].code, errors[0].detail, errors=errors[:100])
            today = day_number(self._drafter.stamps.today(self._drafter.zone))
            if caller.units is not None:
                units = caller.units
                if not all(register.under(item.unit_id, units, today) for item in items):
                    raise not_found("unit")
            recorded = await self._drafter.stamps.recorded(tx)
            rows = {}
            for item in items:
                row = self._row(item, recorded, caller.key_id)
                rows[row[:4]] = row
            fresh = await _past_kept(tx, rows)
            await tx.upsert_rows("targets", _KEYS, _COLUMNS, fresh)
        return len(rows)

    def _row(self, item: TargetIn, recorded: int, actor: str) -> tuple[Any, ...]:
        first = self._drafter.first_day if item.from_ is None else day_number(item.from_)
        return (
            item.unit_id,
            item.indicator,
            item.split or "",
            first,
            None if item.to is None else day_number(item.to),
            _number(item.baseline),
            _number(item.target),
            recorded,
            actor,
        )

    async def listed(
        self,
        caller: Principal,
        unit_id: str | None,
        indicator: str | None,
        after: str,
        limit: int,
        known_at: int | None = None,
    ) -> tuple[list[Record], str | None]:
        """Targets of up to `limit` units after a unit, as far as a caller may see them.

        The second value is the unit after which the next page begins, if there may be one. With
        `known_at` (microseconds) those that stood at that instant.
        """
        args: list[Any] = [after]
        where = ["unit_id > $1" if after else "unit_id >= $1"]
        for column, value in (("unit_id", unit_id), ("indicator", indicator)):
            if value is not None:
                args.append(canonical_unit(value) if column == "unit_id" else value)
                where.append(f"{column} = ${len(args)}")
        async with self._database.reading() as tx:
            await refresh(tx, self._drafter)
            found = await _page(tx, " AND ".join(where), args, limit, known_at)
        units_read = list(dict.fromkeys(row["unit_id"] for row in found))
        onward = units_read[-1] if len(units_read) == limit else None
        if caller.units is None:
            return found, onward
        register, units = self._drafter.register, caller.units
        today = day_number(self._drafter.stamps.today(self._drafter.zone))
        return [row for row in found if register.under(row["unit_id"], units, today)], onward


async def _past_kept(tx: Tx, rows: dict[Any, tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Keep what these rows (by key) replace; returns those that say something else than before."""
    units = sorted({row[0] for row in rows.values()})
    held: dict[Any, tuple[Any, ...]] = {}
    for begin in range(0, len(units), _CHUNK):
        found = await tx.fetch(
            f"SELECT {','.join(_COLUMNS)} FROM targets WHERE unit_id = ANY($1::text[])",
            units[begin : begin + _CHUNK],
        )
        held.update((tuple(row[:4]), tuple(row)) for row in found)
    replaced = [
        (key, held[key]) for key in rows if key in held and held[key][_SAID] != rows[key][_SAID]
    ]
    if replaced:
        await tx.insert_rows("targets_past", _COLUMNS, [row for _, row in replaced])
    stay = {key for key in rows if key in held} - {key for key, _ in replaced}
    return [row for key, row in rows.items() if key not in stay]


async def _page(
    tx: Tx, where: str, args: Sequence[Any], limit: int, known_at: int | None
) -> list[Record]:
    """Whole units only: a page ends where the unit of its last row ends."""
    given, source = [*args, limit], "targets"
    if known_at is not None:
        given.append(known_at)
        source = _KNOWN.format(columns=",".join(_COLUMNS[:7]), at=f"${len(given)}")
    rows = await tx.fetch(
        f"SELECT {','.join(_COLUMNS[:7])} FROM {source} WHERE {where} AND unit_id IN "
        f"(SELECT DISTINCT unit_id FROM {source} WHERE {where} ORDER BY unit_id "
        f"LIMIT ${len(args) + 1}) ORDER BY unit_id,indicator,split,valid_from",
        *given,
    )
    return [
        {
            "indicator": row[1],
            "split": row[2] or None,
            "unit_id": row[0],
            "from": day_date(row[3]).isoformat(),
            "to": None if row[4] is None else day_date(row[4]).isoformat(),
            "baseline": _given(row[5]),
            "target": _given(row[6]),
        }
        for row in rows
    ]


def _number(value: float | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _given(text: str | None) -> float | None:
    return None if text is None else msgspec.json.decode(text, type=float)
