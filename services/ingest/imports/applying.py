"""What it takes to bring rows of one kind into the system: the contract of the appliers.

Owns the shape and the checks that several kinds share: doubles within the file, names of units.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from services.ingest.cleaning.faults import Fault
from services.ingest.cleaning.rows import Doubles
from services.ingest.drafts import Drafter
from services.ingest.imports.refusal import NOTED, REFUSED, Loss
from services.ingest.imports.rows import Plan, Ready
from services.ingest.imports.store import Job, Step
from shared.access import Principal
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.domain.codes import SCHOOL_PREFIX, canonical_unit
from shared.domain.days import day_number

BREATH = 64


@dataclass
class Run:
    """One job at work: its mapping on its table, and what it has seen so far."""

    job: Job
    plan: Plan
    resumed: bool = False
    doubles: Doubles = field(default_factory=Doubles)
    named: dict[str, str | Fault] = field(default_factory=dict)


class Applier(Protocol):
    """Brings rows of one kind in; `size` rows at a time, 0 meaning all that the file has."""

    size: int

    def prepare(self, ready: Ready, run: Run) -> None:
        """Do for a row what needs no database, while the rows before it are being stored."""
        ...

    async def apply(self, rows: Sequence[Ready], run: Run) -> Step:
        """Store prepared rows, or foretell it on a dry run; raises Transient to be asked again.

        Applying the same rows again changes nothing.
        """
        ...

    def seen(self, rows: Sequence[Ready], run: Run) -> None:
        """Take notice of rows that were applied before the job was interrupted."""
        ...


class UnitNames(Protocol):
    """Whoever knows which unit a name means."""

    async def unit_named(
        self,
        tx: Tx,
        name: str,
        *,
        level: str | None = None,
        under: str | None = None,
        on: date | None = None,
        caller: Principal | None = None,
    ) -> Any:
        """A resolution: `match` (certain, or None) and `candidates`, each with `identity`.

        With a `caller`, only units that its key may see.
        """
        ...


class Units:
    """Units as the rows of a file name them: by id, or by a name that is certain."""

    def __init__(self, database: Database, drafter: Drafter, names: UnitNames | None) -> None:
        self._database = database
        self._drafter = drafter
        self._names = names

    def today(self) -> int:
        """Today's day number."""
        return day_number(self._drafter.stamps.today(self._drafter.zone))

    def known(self, unit_id: str, extra: frozenset[str]) -> bool:
        """Whether it is the id of a unit or school, or one of `extra`."""
        register = self._drafter.register
        return (
            unit_id in register.parents
            or unit_id in extra
            or (
                register.knows(unit_id.removeprefix(SCHOOL_PREFIX))
                and unit_id.startswith(SCHOOL_PREFIX)
            )
        )

    async def settle(
        self, ready: Ready, name: str, run: Run, extra: frozenset[str] = frozenset()
    ) -> bool:
        """Put a unit's id where the row has its name; False when nobody knows the unit.

        A near name is offered in the report and never taken.
        """
        record = ready.record
        given = None if record is None else record.get(name)
        if record is None or not isinstance(given, str):
            return record is not None
        unit_id = canonical_unit(given)
        if self.known(unit_id, extra):
            return True
        label = run.plan.label_of("/" + name.replace(".", "/"))
        first = given not in run.named
        if first:
            run.named[given] = await self._asked(given, run)
        found = run.named[given]
        if isinstance(found, Fault):
            ready.losses.append(Loss(ready.row, label, found, REFUSED))
            return False
        if first:
            told = Fault(
                "unit_by_name",
                f"The name was taken for the unit {found}, which is called so.",
                "Nothing is to be done; each spelling is told once.",
            )
            ready.losses.append(Loss(ready.row, label, told, NOTED))
        record[name] = found
        return True

    async def _asked(self, name: str, run: Run) -> str | Fault:
        detail = "There is no unit of this id or name."
        fix = "Import the unit first, or use the unit's id or a declared alias."
        if self._names is not None:
            async with self._database.reading() as tx:
                found = await self._names.unit_named(
                    tx, name, level=run.plan.mapping.level, caller=run.job.caller
                )
            if found.match is not None:
                return str(found.match.identity)
            near = ", ".join(f"{m.identity} ({m.matched})" for m in found.candidates[:5])
            if found.ambiguous:
                detail = "Several units are called so."
            if near:
                fix = f"Near are {near}. Use an id, or declare the spelling as an alias."
        return Fault("unknown_unit", detail, fix)


def is_double(
    ready: Ready, key: str, run: Run, step: Step, written: Callable[[], Sequence[str]]
) -> bool:
    """Whether an earlier row of the file has the key; the row is counted then."""
    fault = run.doubles.fault(key, ready.row, written())
    if fault is None:
        return False
    same = fault.code == "double_row"
    loss = Loss(ready.row, None, fault, NOTED if same else REFUSED)
    step.add("unchanged" if same else "rejected", [*ready.losses, loss])
    return True


async def breathe(count: int) -> None:
    """Let others have a turn now and then."""
    if count % BREATH == 0:
        await asyncio.sleep(0)
