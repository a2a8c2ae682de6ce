"""Rows of visits on their way into the ledger: the path of a posted visit, from the record on.

Owns nothing of what a visit may say: rows become drafts and are stored as those of a batch are. A
row whose visit is stored with the same content changes nothing.
"""

from collections.abc import Sequence

import msgspec

from services.ingest.cleaning.faults import Fault
from services.ingest.committer import Committer
from services.ingest.drafts import Draft, Drafter
from services.ingest.imports.applying import Run
from services.ingest.imports.refusal import NOTED, REFUSED, Loss
from services.ingest.imports.rows import Ready, same
from services.ingest.imports.store import Step
from services.ingest.intake import Fate, Plan, refresh
from services.ingest.outcomes import REPLAY_COLUMNS
from services.ingest.stamps import written
from services.ingest.store import current
from shared.db.engine import Database
from shared.db.errors import Transient
from shared.errors import FieldError, Problem

_ENCODER = msgspec.json.Encoder()
_CONFLICT = 409
_WAITING = Fault(
    "unknown_school",
    "The school is not registered; the visit is kept and waits for it.",
    "Register the school, or correct the code; the visit counts from then on.",
)
_EARLY = Fault(
    "date_to_be_corrected",
    "The visit is dated before the deployment's first day; it is kept and does not count.",
    "Correct the date of the visit.",
)


class Visits:
    """Brings visits in."""

    size = 1000

    def __init__(self, database: Database, drafter: Drafter, committer: Committer) -> None:
        self._database = database
        self._drafter = drafter
        self._committer = committer

    def seen(self, rows: Sequence[Ready], run: Run) -> None:
        """Nothing to know of earlier rows: the ledger knows every visit."""

    def prepare(self, ready: Ready, run: Run) -> None:
        """Make a draft of a row; what is wrong with it is told with the row."""
        if ready.record is None:
            return
        try:
            ready.made = self._drafter.posted(_ENCODER.encode(ready.record), run.job.caller)
            # The draft holds all of it; two chunks are in hand at a time.
            ready.record = {}
        except Problem as problem:
            ready.losses += _refused(ready, problem, run)

    async def apply(self, rows: Sequence[Ready], run: Run) -> Step:
        """Store a chunk of visits in one transaction, or foretell what would become of it."""
        fates = iter(await self._fates([r.made for r in rows if r.made is not None], run))
        step = Step()
        for ready in rows:
            if ready.made is None:
                step.add("rejected", ready.losses)
            else:
                await self._count(step, ready, ready.made, next(fates), run)
        return step

    async def _fates(self, drafts: Sequence[Draft], run: Run) -> list[Fate]:
        if not drafts:
            return []
        if not run.job.dry_run:
            # Field visits go first: a file has time.
            await self._committer.load.room()
            fates = await self._committer.submit(drafts)
            if any(isinstance(fate, Problem) and fate.retryable for fate in fates):
                raise Transient("the ledger did not take every visit")
            return fates
        plan = Plan(drafts, 0)
        async with self._database.reading() as tx:
            await refresh(tx, self._drafter)
            stored = await tx.fetch(
                f"SELECT {REPLAY_COLUMNS} FROM visits WHERE visit_id = ANY($1::text[])",
                plan.keys()[0],
            )
        plan.settle(stored, self._drafter)
        return plan.fates(range(len(plan.new)), self._drafter)

    async def _count(self, step: Step, ready: Ready, draft: Draft, fate: Fate, run: Run) -> None:
        if isinstance(fate, Problem):
            if fate.status == _CONFLICT and await self._stands(draft):
                step.add("unchanged", ready.losses)
            else:
                step.add("rejected", [*ready.losses, *_refused(ready, fate, run)])
            return
        word = fate.word
        # A chunk that was stored just before a crash, and counted only now.
        ours = run.resumed and fate.receipt.received_at >= written(run.job.created_at)
        if word == "replayed" and ours and not run.job.dry_run:
            word = "quarantined" if fate.receipt.status == "quarantined" else "accepted"
        if word == "quarantined":
            early = draft.standing == "quarantined"
            label = run.plan.label_of("/visited_at" if early else "/school_code")
            ready.losses.append(Loss(ready.row, label, _EARLY if early else _WAITING, NOTED))
        step.add(word, ready.losses)

    async def _stands(self, draft: Draft) -> bool:
        """Whether the visit, as it was corrected meanwhile, says just what the row says."""
        async with self._database.reading() as tx:
            stored = await current(tx, draft.source, draft.visit_id)
        if stored is None:
            return False
        said = msgspec.json.decode(draft.text)
        return same("visits", _comparable(msgspec.json.decode(stored.form)), _comparable(said))


def _comparable(form: object) -> object:
    """A form without what an identity says anyway."""
    if not isinstance(form, dict):
        return form
    return {key: value for key, value in form.items() if key not in {"visit_id", "source"}}


def _refused(ready: Ready, problem: Problem, run: Run) -> list[Loss]:
    errors = problem.errors
    if not errors:
        pointer = "/school_code" if problem.code == "not_found" else "/visit_id"
        errors = (FieldError(pointer, problem.code, problem.detail),)
    return [
        Loss(loss.row, loss.column, loss.fault, REFUSED)
        for loss in run.plan.losses(ready.row, errors)
    ]
