"""Rows of targets on their way to the targets' own store.

Owns which rows are sent: one that repeats a stored target is not.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from services.ingest.drafts import Drafter
from services.ingest.imports.applying import Run, Units, breathe, is_double
from services.ingest.imports.rows import Ready
from services.ingest.imports.store import Step
from services.ingest.intake import refresh
from services.ingest.reading import Body
from services.ingest.registry.checks import target_faults
from services.ingest.registry.schemas import TargetIn
from services.ingest.targets import Targets
from shared.access import Principal
from shared.db.engine import Database
from shared.domain.codes import SCHOOL_PREFIX, canonical_unit
from shared.domain.days import day_date
from shared.errors import FieldError, Problem, not_found

_ENCODER = msgspec.json.Encoder()
_TARGET: Body[TargetIn] = Body(TargetIn)
_PAGE = 500
Key = tuple[str, str, str, str]
Said = tuple[str | None, float | None, float | None]


class TargetRows:
    """Brings targets in."""

    size = 2_000

    def __init__(
        self, database: Database, drafter: Drafter, targets: Targets, units: Units
    ) -> None:
        self._database = database
        self._drafter = drafter
        self._targets = targets
        self._units = units

    def seen(self, rows: Sequence[Ready], run: Run) -> None:
        """Remember the keys of rows that were applied before."""
        for ready in rows:
            if ready.record is not None:
                run.doubles.fault(_row_key(ready.record), ready.row, _row_said(ready.record))

    def prepare(self, ready: Ready, run: Run) -> None:
        """Nothing to do ahead: rows are judged by the register as it stands."""

    async def apply(self, rows: Sequence[Ready], run: Run) -> Step:
        """Store the targets that are new or changed, in one transaction."""
        step = Step()
        async with self._database.reading() as tx:
            await refresh(tx, self._drafter)
        pairs: list[tuple[Ready, TargetIn]] = []
        for count, ready in enumerate(rows, 1):
            await breathe(count)
            item = await self._item(ready, run, step)
            if item is not None:
                pairs.append((ready, item))
        stored = await self._stored({item.unit_id for _, item in pairs}, run.job.caller)
        changed = []
        for ready, item in pairs:
            if stored.get(self._key(item)) == _said(item):
                step.add("unchanged", ready.losses)
            else:
                changed.append((ready, item))
        if changed and not run.job.dry_run:
            await self._targets.put([item for _, item in changed], run.job.caller)
        for ready, _ in changed:
            step.add("accepted", ready.losses)
        return step

    async def _item(self, ready: Ready, run: Run, step: Step) -> TargetIn | None:
        record = ready.record
        if record is None:
            step.add("rejected", ready.losses)
            return None
        if is_double(ready, _row_key(record), run, step, lambda: _row_said(record)):
            return None
        if not await self._units.settle(ready, "unit_id", run):
            step.add("rejected", ready.losses)
            return None
        try:
            item = _TARGET.exact(_ENCODER.encode(record))
        except Problem as problem:
            step.add("rejected", [*ready.losses, *run.plan.losses(ready.row, problem.errors)])
            return None
        item.unit_id = canonical_unit(item.unit_id)
        errors = self._errors(item, run.job.caller)
        if errors:
            step.add("rejected", [*ready.losses, *run.plan.losses(ready.row, errors)])
            return None
        return item

    def _errors(self, item: TargetIn, caller: Principal) -> list[FieldError]:
        register = self._drafter.register
        school = item.unit_id.removeprefix(SCHOOL_PREFIX)
        known = item.unit_id in register.parents or register.knows(school)
        errors = [
            FieldError("/" + error.pointer.split("/", 2)[2], error.code, error.detail)
            for error in target_faults([item], {item.unit_id} if known else set())
        ]
        inside = caller.units is None or register.under(
            item.unit_id, caller.units, self._units.today()
        )
        if not inside:
            problem = not_found("unit")
            errors.append(FieldError("/unit_id", problem.code, problem.detail))
        return errors

    def _key(self, item: TargetIn) -> Key:
        first = day_date(self._drafter.first_day) if item.from_ is None else item.from_
        return item.unit_id, item.indicator, item.split or "", first.isoformat()

    async def _stored(self, units: set[str], caller: Principal) -> dict[Key, Said]:
        found: dict[Key, Said] = {}
        for unit_id in units:
            rows, _ = await self._targets.listed(caller, unit_id, None, "", _PAGE)
            for row in rows:
                key = (row["unit_id"], row["indicator"], row["split"] or "", row["from"])
                found[key] = (row["to"], row["baseline"], row["target"])
        return found


def _said(item: TargetIn) -> Said:
    return None if item.to is None else item.to.isoformat(), item.baseline, item.target


def _row_key(record: dict[str, Any]) -> str:
    return "\x1f".join(str(record.get(n, "")) for n in ("unit_id", "indicator", "split", "from"))


def _row_said(record: dict[str, Any]) -> list[str]:
    return [str(record.get(name, "")) for name in ("to", "baseline", "target")]
