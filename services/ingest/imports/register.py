"""Rows of schools, units and targets on their way into the register, in few large transactions.

Owns which rows are sent at all: one that says what the register says already is not sent, one that
breaks a rule is told with its column. The rules and the writing are the register's.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from services.ingest.drafts import Drafter
from services.ingest.imports.applying import Run, Units, breathe, is_double
from services.ingest.imports.refusal import Loss
from services.ingest.imports.rows import Ready, same
from services.ingest.imports.store import Step
from services.ingest.intake import refresh
from services.ingest.reading import Body
from services.ingest.registry.checks import cycle, school_faults, unit_faults
from services.ingest.registry.schemas import SchoolIn, UnitIn
from services.ingest.registry.store import Registry
from services.ingest.registry.versions import Version, in_force, merged
from shared.db.engine import Database
from shared.domain.codes import SCHOOL_PREFIX, canonical_school_code
from shared.domain.days import day_number
from shared.errors import FieldError, Problem, not_found

_ENCODER = msgspec.json.Encoder()
_SCHOOL: Body[SchoolIn] = Body(SchoolIn)
_UNIT: Body[UnitIn] = Body(UnitIn)
_LOOKUPS = 2_000
Item = Any
Pair = tuple[Ready, Item]


class _Rows(ABC):
    """What schools and units have in common."""

    table: str
    kind: str
    unit_field: str
    body: Body[Any]

    def __init__(
        self, database: Database, drafter: Drafter, registry: Registry, units: Units
    ) -> None:
        self._database = database
        self._drafter = drafter
        self._registry = registry
        self._units = units

    @abstractmethod
    def _identity(self, item: Item) -> str:
        """The id or canonical code that the item is known by."""

    @abstractmethod
    def _errors(self, items: Sequence[Item]) -> list[FieldError]:
        """What is wrong with the items, by pointers into them."""

    @abstractmethod
    async def _put(self, items: Sequence[Item], run: Run) -> None:
        """Write the items; raises Problem when the register refuses them."""

    def seen(self, rows: Sequence[Ready], run: Run) -> None:
        """Remember the keys of rows that were applied before."""
        for ready in rows:
            if ready.record is not None:
                run.doubles.fault(self._key(ready.record), ready.row, self._said(ready.record))

    def _key(self, record: dict[str, Any]) -> str:
        code = str(record.get("school_code") or record.get("unit_id") or "")
        if self.kind == "schools":
            code = canonical_school_code(code)
        return f"{code}\x1f{record.get('valid_from', '')}"

    def _said(self, record: dict[str, Any]) -> list[str]:
        # Rows of one table have their fields in one order.
        return [_ENCODER.encode(record).decode()]

    def prepare(self, ready: Ready, run: Run) -> None:  # noqa: B027 - not every kind prepares
        """Nothing to do ahead: rows are judged by the register as the rows before left it."""

    async def apply(self, rows: Sequence[Ready], run: Run) -> Step:
        """Store what the register does not say yet, in one transaction."""
        step = Step()
        async with self._database.reading() as tx:
            await refresh(tx, self._drafter)
        own = frozenset(r.record["unit_id"] for r in rows if r.record and "unit_id" in r.record)
        extra = own if self.kind == "units" else frozenset()
        pairs: list[Pair] = []
        for count, ready in enumerate(rows, 1):
            await breathe(count)
            item = await self._item(ready, run, step, extra)
            if item is not None:
                pairs.append((ready, item))
        pairs = self._without_faults(pairs, run, step)
        pairs = self._inside(pairs, run, step)
        pairs = await self._changed(pairs, step)
        await self._store(pairs, run, step)
        return step

    async def _item(self, ready: Ready, run: Run, step: Step, extra: frozenset[str]) -> Item | None:
        record = ready.record
        if record is None:
            step.add("rejected", ready.losses)
            return None
        if is_double(ready, self._key(record), run, step, lambda: self._said(record)):
            return None
        if not await self._units.settle(ready, self.unit_field, run, extra):
            step.add("rejected", ready.losses)
            return None
        try:
            raw = _ENCODER.encode(record)
            # No key is written twice here; only an escape could hide a control character.
            hiding = b"\\" in raw or b"\x7f" in raw
            return self.body.exact(raw) if hiding else self.body.decode(raw)
        except Problem as problem:
            step.add("rejected", [*ready.losses, *run.plan.losses(ready.row, problem.errors)])
            return None

    def _without_faults(self, pairs: list[Pair], run: Run, step: Step) -> list[Pair]:
        """Leave out what breaks a rule; a unit whose parent is left out is left out as well."""
        while pairs:
            errors = self._errors([item for _, item in pairs])
            if not errors:
                break
            pairs = _dropped(pairs, errors, run, step)
        return pairs

    def _inside(self, pairs: list[Pair], run: Run, step: Step) -> list[Pair]:
        """Leave out what is, or would be, outside the units of the key that sent the file."""
        units = run.job.caller.units
        if units is None:
            return pairs
        register, today = self._drafter.register, self._units.today()
        kept = []
        for ready, item in pairs:
            own, above = self._identity(item), getattr(item, self.unit_field)
            known = own in register.parents or register.knows(own.removeprefix(SCHOOL_PREFIX))
            places = [own] if known else []
            if above != own and (above is not None or not known):
                places.append(above or "")
            if all(register.under(place, units, today) for place in places):
                kept.append((ready, item))
                continue
            problem = not_found("unit")
            error = FieldError(f"/{self.unit_field}", problem.code, problem.detail)
            step.add("rejected", [*ready.losses, *run.plan.losses(ready.row, [error])])
        return kept

    async def _changed(self, pairs: list[Pair], step: Step) -> list[Pair]:
        """Leave out what the register says already, on the day from which the row holds."""
        ids = [self._identity(item).removeprefix(SCHOOL_PREFIX) for _, item in pairs]
        known: dict[str, list[Version[str]]] = {}
        async with self._database.reading() as tx:
            for start in range(0, len(ids), _LOOKUPS):
                rows = await tx.fetch(
                    f"SELECT id,valid_from,data FROM {self.table} WHERE id = ANY($1::text[]) "
                    "ORDER BY id,valid_from",
                    ids[start : start + _LOOKUPS],
                )
                for identity, day, data in rows:
                    known.setdefault(identity, []).append(Version(day, data))
        today = self._units.today()
        kept = []
        for count, ((ready, item), identity) in enumerate(zip(pairs, ids, strict=True), 1):
            await breathe(count)
            if self._stands(item, known.get(identity, ()), today):
                step.add("unchanged", ready.losses)
            else:
                kept.append((ready, item))
        return kept

    def _stands(self, item: Item, versions: Sequence[Version[str]], today: int) -> bool:
        if not versions:
            return False
        if item.valid_from is None:
            standing = in_force(versions, today)
        else:
            day = day_number(item.valid_from)
            standing = next((version for version in versions if version.day == day), None)
        if standing is None:
            return False
        stored = msgspec.json.decode(standing.content)
        given = msgspec.to_builtins(item)
        given.pop("valid_from", None)
        stored.pop("valid_from", None)
        if self.kind == "schools":
            given.setdefault("status", "open")
        return same(self.kind, stored, given)

    async def _store(self, pairs: list[Pair], run: Run, step: Step) -> None:
        while pairs and not run.job.dry_run:
            try:
                await self._put([item for _, item in pairs], run)
                break
            except Problem as problem:
                if not problem.errors:
                    raise
                pairs = _dropped(pairs, problem.errors, run, step)
        for ready, _ in pairs:
            step.add("accepted", ready.losses)


def _dropped(pairs: list[Pair], errors: Iterable[FieldError], run: Run, step: Step) -> list[Pair]:
    """The pairs without those that errors (`/index/field`) are about, which are counted."""
    found: dict[int, list[FieldError]] = {}
    for error in errors:
        _, index, *rest = error.pointer.split("/")
        found.setdefault(int(index), []).append(
            FieldError("/" + "/".join(rest), error.code, error.detail)
        )
    for place, wrong in found.items():
        ready = pairs[place][0]
        losses: list[Loss] = run.plan.losses(ready.row, wrong)
        step.add("rejected", [*ready.losses, *losses])
    return [pair for index, pair in enumerate(pairs) if index not in found]


class Schools(_Rows):
    """Brings schools in."""

    table = kind = "schools"
    unit_field = "unit_id"
    body = _SCHOOL
    size = 2_000

    def _identity(self, item: Item) -> str:
        return SCHOOL_PREFIX + canonical_school_code(item.school_code)

    def _errors(self, items: Sequence[Item]) -> list[FieldError]:
        return school_faults(items, self._drafter.register.parents)

    async def _put(self, items: Sequence[Item], run: Run) -> None:
        await self._registry.put_schools(items, run.job.caller)


class UnitRows(_Rows):
    """Brings units in, all of a file at once: parents may come after their children."""

    table = kind = "units"
    unit_field = "parent_id"
    body = _UNIT
    size = 0

    def _identity(self, item: Item) -> str:
        return str(item.unit_id)

    def _errors(self, items: Sequence[Item]) -> list[FieldError]:
        known = self._drafter.register.parents
        errors = unit_faults(items, known)
        if errors:
            return errors
        parents = {unit_id: list(versions) for unit_id, versions in known.items()}
        today = self._units.today()
        for item in items:
            versions = parents.get(item.unit_id, [])
            day = today if versions else self._drafter.first_day
            if item.valid_from is not None:
                day = day_number(item.valid_from)
            parents[item.unit_id] = merged(versions, [Version(day, item.parent_id)])
        found = set(cycle(parents))
        detail = "A unit would stand above itself."
        return [
            FieldError(f"/{index}/parent_id", "cycle", detail)
            for index, item in enumerate(items)
            if item.unit_id in found
        ]

    async def _put(self, items: Sequence[Item], run: Run) -> None:
        await self._registry.put_units(items, run.job.caller)
