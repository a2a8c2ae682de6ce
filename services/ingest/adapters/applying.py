"""Submissions made into visits: posted, corrected, withdrawn, excluded, by the intake's own parts.

Owns the decision what a submission asks of the ledger. Doing it twice changes nothing: identity and
content decide, so a process that died between the ledger's commit and our note does it again. What
a person changed here is never overwritten by a partner; the submission is kept with that reason.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

import msgspec
import structlog

from services.ingest.adapters.declared import Adapter
from services.ingest.adapters.mapping import Mapped, mapped, refusal
from services.ingest.adapters.payloads import Payload, read_payload
from services.ingest.adapters.photos import Photos
from services.ingest.adapters.submissions import COLUMNS, Submission, reason_of
from services.ingest.changes import Actor, Changes
from services.ingest.committer import Committer
from services.ingest.drafts import Drafter
from services.ingest.store import Revision, Stored, current, history
from shared.db.engine import Database
from shared.db.errors import Conflict, Transient
from shared.errors import Problem

BATCH = 64
_NAMESPACE = UUID("4f6a1c0e-8f0d-5c2b-9a51-6f1f0b6e7a10")
_GONE = "deleted at the partner's server"
_ENCODER = msgspec.json.Encoder()
_LOG = structlog.get_logger("rtsm.adapters")
Standing = tuple[Stored, list[Revision]]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a submission, and of which visit."""

    state: str
    reason: str | None
    visit_id: str | None


class Applier:
    """Applies what waits, in the order in which it was received."""

    def __init__(
        self,
        database: Database,
        drafter: Drafter,
        committer: Committer,
        changes: Changes,
        photos: Photos,
    ) -> None:
        self._database = database
        self._drafter = drafter
        self._committer = committer
        self._changes = changes
        self._photos = photos

    async def step(self, adapter: Adapter) -> int:
        """Apply some of what waits; how many were looked at.

        Raises Transient or Problem 503 while the ledger is away: what waits goes on waiting.
        """
        now = self._drafter.stamps.next()
        async with self._database.reading() as tx:
            rows = await tx.fetch(
                f"SELECT {COLUMNS} FROM adapter_submissions WHERE adapter = $1 "
                "AND state = 'waiting' AND held_until <= $2 ORDER BY seq LIMIT $3",
                adapter.name,
                now,
                BATCH,
            )
        waiting = [Submission(*row) for row in rows]
        results = await asyncio.gather(
            *(self._one(adapter, one) for one in waiting), return_exceptions=True
        )
        away: BaseException | None = None
        notes = []
        for one, result in zip(waiting, results, strict=True):
            if isinstance(result, BaseException):
                away = result
            elif result is not None:
                notes.append((one, result))
        await self._note(notes)
        if away is not None:
            raise away
        return len(waiting)

    async def _note(self, notes: list[tuple[Submission, Result]]) -> None:
        """Write down what became of submissions, unless they changed meanwhile."""
        if not notes:
            return
        async with self._database.transaction() as tx:
            await tx.many(
                "UPDATE adapter_submissions SET state = $5, reason = $6, visit_id = $7, "
                "forced = 0 WHERE adapter = $1 AND form = $2 AND identity = $3 AND version = $4",
                [
                    (
                        one.adapter,
                        one.form,
                        one.identity,
                        one.version,
                        done.state,
                        done.reason,
                        done.visit_id,
                    )
                    for one, done in notes
                ],
            )

    async def _one(self, adapter: Adapter, one: Submission) -> Result | None:
        """Apply one submission; None when its photos are to be looked at first."""
        try:
            return await self._applied(adapter, one)
        except Problem as problem:
            if problem.status == 503:
                raise
            return Result("unapplied", reason_of(problem), one.visit_id)
        except (Transient, Conflict):
            raise
        except Exception as error:  # noqa: BLE001 - one bad submission never stops its neighbours
            _LOG.error("a submission cannot be applied", adapter=adapter.name, exc_info=error)
            unforeseen = Problem(500, "internal", "The submission could not be applied.")
            return Result("unapplied", reason_of(unforeseen), one.visit_id)

    async def _applied(self, adapter: Adapter, one: Submission) -> Result | None:
        visit_id = visit_id_of(one.identity)
        standing = await self._standing(adapter, visit_id)
        if one.deleted:
            if standing is None:
                return Result("gone", None, None)
            actor = Actor(adapter.principal, adapter.config.source, _GONE)
            await self._changes.withdraw(actor, visit_id, None)
            return Result("gone", None, str(visit_id))
        payload = await self._payload(adapter, one)
        read = mapped(adapter.mapping(one.form), payload.answers or {})
        if read.errors:
            raise refusal(read.errors)
        digests = await self._photos.digests(adapter, one, payload, read.photos)
        if digests is None:
            return None
        raw = form_of(visit_id, payload, read, digests)
        if standing is None:
            standing = await self._posted(adapter, visit_id, raw)
        if standing is not None:
            await self._corrected(adapter, one, visit_id, raw, standing)
        if one.excluded is not None or (standing is not None and standing[0].excluded):
            await self._reviewed(adapter, one, visit_id)
        return Result("applied", None, str(visit_id))

    async def _payload(self, adapter: Adapter, one: Submission) -> Payload:
        async with self._database.reading() as tx:
            row = await tx.fetch_one(
                "SELECT payload, media FROM adapter_payloads WHERE adapter = $1 AND seq = $2",
                adapter.name,
                one.seq,
            )
        payload = read_payload(adapter.config.kind, bytes(row[0]), row[1])
        if payload.answers is None:
            detail = "Only its review is known so far; the submission itself has not come."
            raise Problem(422, "answers_missing", detail)
        return payload

    async def _standing(self, adapter: Adapter, visit_id: UUID) -> Standing | None:
        async with self._database.reading() as tx:
            visit = await current(tx, adapter.config.source, str(visit_id))
            if visit is None:
                return None
            return visit, await history(tx, adapter.config.source, str(visit_id))

    async def _posted(self, adapter: Adapter, visit_id: UUID, raw: bytes) -> Standing | None:
        """Post a visit: None when it stands as posted, else what somebody faster made."""
        [fate] = await self._committer.submit([self._drafter.posted(raw, adapter.principal)])
        if not isinstance(fate, Problem):
            return None
        if fate.status not in {409, 410}:
            raise fate
        standing = await self._standing(adapter, visit_id)
        if standing is None:
            raise Problem(503, "ledger_unavailable", "The ledger does not show the visit yet.")
        return standing

    async def _corrected(
        self, adapter: Adapter, one: Submission, visit_id: UUID, raw: bytes, standing: Standing
    ) -> None:
        """Let the submission's form stand; raises Problem 409 where a person decided here."""
        visit, revisions = standing
        source, who = adapter.config.source, adapter.principal
        draft = self._drafter.put(raw, who, source, visit_id)
        if visit.digest == draft.digest and visit.standing != "withdrawn":
            return
        if not one.forced:
            _refuse_overwriting(visit, revisions, who.key_id, draft.digest)
        match = frozenset({visit.revision})
        reason = f"edited in {adapter.name}" if visit.digest != draft.digest else None
        await self._changes.correct(Actor(who, source, reason), draft, match)

    async def _reviewed(self, adapter: Adapter, one: Submission, visit_id: UUID) -> None:
        """Exclude what the partner's reviewers rejected, include again what only we excluded."""
        standing = await self._standing(adapter, visit_id)
        if standing is None:
            return
        visit, revisions = standing
        actor = Actor(adapter.principal, adapter.config.source, one.excluded)
        ours = actor.caller.key_id
        rejected = one.excluded is not None
        if rejected and not visit.excluded and _last_by(revisions, {"included"}) in {None, ours}:
            await self._changes.review(actor, visit_id, "exclude")
        decided = _last_by(revisions, {"excluded", "included"})
        if not rejected and visit.excluded and decided == ours:
            actor = replace(actor, reason="accepted by the partner again")
            await self._changes.review(actor, visit_id, "include")


def visit_id_of(identity: str) -> UUID:
    """The visit id of a submission: its own UUID, or one made from whatever names it."""
    try:
        return UUID(identity)
    except ValueError:
        return uuid5(_NAMESPACE, identity)


def form_of(visit_id: UUID, payload: Payload, read: Mapped, digests: list[str]) -> bytes:
    """The body that the intake would have been posted."""
    form: dict[str, Any] = {"visit_id": str(visit_id)} | read.form
    if payload.form_version is not None:
        form.setdefault("form_version", payload.form_version)
    if digests:
        form["photos"] = digests
    return _ENCODER.encode(form)


def _refuse_overwriting(visit: Stored, revisions: list[Revision], ours: str, digest: bytes) -> None:
    withdrawn_by = _last_by(revisions, {"withdrawn", "restored"})
    if visit.standing == "withdrawn" and withdrawn_by != ours:
        detail = "The visit was withdrawn here; the partner's edition is kept beside it."
        raise Problem(409, "withdrawn_here", detail)
    formed = [one for one in revisions if one.form is not None]
    if visit.digest != digest and formed and formed[-1].actor != ours:
        detail = "The visit was corrected here; the partner's edition is kept beside it."
        raise Problem(409, "corrected_here", detail)


def _last_by(revisions: list[Revision], kinds: set[str]) -> str | None:
    """Who made the last revision of these kinds."""
    found = [one.actor for one in revisions if one.kind in kinds]
    return found[-1] if found else None
