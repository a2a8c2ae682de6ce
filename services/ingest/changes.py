"""Corrections, withdrawals and reviews: every change of a visit's standing is a revision.

Owns what a change means: which standing follows, when nothing changes, when it is refused. A change
that would change nothing makes no revision and answers as if it had been made, whatever If-Match
says.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from services.ingest.drafts import CORRECTED, WITHDRAWN, Draft, Drafter, event_of
from services.ingest.intake import refresh
from services.ingest.outcomes import Receipt, flags_of, flags_text, status_of, withdrawn
from services.ingest.reading import CORRECTION, read
from services.ingest.review.decisions import TRUST_LOCK, Decision, record
from services.ingest.stamps import written
from services.ingest.store import Revision, Stored, add_revision, current, move
from shared.access import Principal
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.errors import Problem, not_found
from shared.journal.journal import append

_REVISION = re.compile(r"([0-9]{1,9})(?:\.[0-9a-f]{8})?")
KINDS = {"exclude": "excluded", "include": "included", "release": "released"}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes a visit of which source, and what they say about it."""

    caller: Principal
    source: str
    reason: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change to make: the visit as it will stand, why, and the draft of a new form."""

    kind: str
    visit: Stored
    draft: Draft | None = None


Decide = Callable[[Stored], Change | None]
Match = frozenset[int] | None


class Changes:
    """Writes later revisions of visits."""

    def __init__(self, database: Database, drafter: Drafter) -> None:
        self._database = database
        self._drafter = drafter

    async def correct(self, actor: Actor, draft: Draft, match: Match) -> Receipt:
        """Replace the form and restore what was withdrawn; raises Problem 404 or 412."""

        def decide(visit: Stored) -> Change | None:
            if visit.digest == draft.digest and visit.standing != "withdrawn":
                return None
            self._drafter.judge(draft)
            # Whoever released a visit released this date; another impossible one waits again.
            released = visit.released and visit.day == draft.day
            after = replace(
                visit,
                released=released,
                code=draft.code,
                day=draft.day,
                flags=flags_text(draft.flags),
                standing=self._standing(visit.excluded, released, draft.day),
            )
            kind = "restored" if visit.standing == "withdrawn" else "corrected"
            return Change(kind, after, draft)

        return await self._change(actor, draft.visit_id, match, decide)

    async def withdraw(self, actor: Actor, visit_id: UUID, match: Match) -> Receipt:
        """Withdraw a visit; raises Problem 404 or 412."""

        def decide(visit: Stored) -> Change | None:
            if visit.standing == "withdrawn":
                return None
            return Change("withdrawn", replace(visit, standing="withdrawn"))

        return await self._change(actor, str(visit_id), match, decide)

    async def review(self, actor: Actor, visit_id: UUID, decision: str) -> Receipt:
        """Exclude, include or release a visit; raises Problem 404, 409 or 410."""

        def decide(visit: Stored) -> Change | None:
            if visit.standing == "withdrawn":
                raise withdrawn()
            early = visit.day < self._drafter.first_day
            excluded, released = visit.excluded, visit.released
            if decision == "release":
                if not early and not self._drafter.register.knows(visit.code):
                    detail = "It waits for its school: register the school or correct the code."
                    raise Problem(409, "school_unknown", detail)
                released = early
            else:
                excluded = decision == "exclude"
            if (excluded, released) == (visit.excluded, visit.released):
                return None
            standing = self._standing(excluded, released, visit.day)
            after = replace(visit, excluded=excluded, released=released, standing=standing)
            return Change(KINDS[decision], after)

        return await self._change(actor, str(visit_id), None, decide, decision)

    def _standing(self, excluded: bool, released: bool, day: int) -> str:
        if excluded:
            return "excluded"
        early = day < self._drafter.first_day
        return "quarantined" if early and not released else "standing"

    async def _change(
        self,
        actor: Actor,
        visit_id: str,
        match: Match,
        decide: Decide,
        decision: str | None = None,
    ) -> Receipt:
        async with self._database.transaction() as tx:
            visit = await current(tx, actor.source, visit_id, lock=True)
            if decision is not None:
                # Before the journal's lock, which everybody waits for, not after it.
                await tx.lock(TRUST_LOCK)
            await refresh(tx, self._drafter)
            if visit is None or not self._drafter.within(actor.caller, visit.code, visit.day):
                raise not_found("visit")
            change = decide(visit)
            if change is None:
                await self._decided(tx, visit, actor, decision)
                return self.receipt(visit)
            if match is not None and visit.revision not in match:
                detail = f"The visit is at revision {visit.revision} by now."
                raise Problem(412, "stale_revision", detail, revision=visit.revision)
            after = await self._write(tx, visit, change, actor)
            await self._decided(tx, after, actor, decision)
        return self.receipt(after)

    async def _decided(self, tx: Tx, visit: Stored, actor: Actor, decision: str | None) -> None:
        """Keep a reviewer's decision, also one that leaves the visit as it was."""
        if decision is not None:
            at = self._drafter.stamps.next()
            said = Decision(
                decision, actor.reason, actor.note, actor.caller.key_id, at, visit.revision
            )
            await record(tx, visit, said)

    async def _write(self, tx: Tx, before: Stored, change: Change, actor: Actor) -> Stored:
        recorded = await self._drafter.stamps.recorded(tx)
        revision = before.revision + 1
        visit = replace(change.visit, revision=revision, recorded_at=recorded)
        draft = change.draft or self._again(before)
        await add_revision(
            tx,
            visit,
            Revision(
                revision=revision,
                kind=change.kind,
                standing=visit.standing,
                recorded_at=recorded,
                actor=actor.caller.key_id,
                reason=actor.reason,
                note=actor.note,
                digest=change.draft.digest if change.draft else None,
                flags=visit.flags,
                form=change.draft.text.decode() if change.draft else None,
            ),
        )
        draft.received_at = written(before.received_at)
        event = event_of(
            draft,
            recorded,
            written(recorded),
            revision,
            kind=WITHDRAWN if change.kind == "withdrawn" else CORRECTED,
            standing=visit.standing,
            previous=before.code,
        )
        [position] = await append(tx, [event])
        visit = replace(visit, position=position)
        await move(tx, visit)
        return visit

    def _again(self, visit: Stored) -> Draft:
        """The draft of a stored form, for an event that repeats it."""
        text = visit.form.encode()
        reading = read(CORRECTION, text, UUID(visit.visit_id))
        form = reading.visit
        return Draft(
            visit=form,
            visit_id=visit.visit_id,
            source=visit.source,
            actor="",
            digest=visit.digest,
            text=text,
            measured=reading.measured,
            code=visit.code,
            local=form.visited_at.astimezone(self._drafter.zone),
            day=visit.day,
            received=visit.received_at,
            received_at=written(visit.received_at),
            standing=visit.standing,
        )

    def receipt(self, visit: Stored) -> Receipt:
        """The answer about a visit as it stands."""
        return Receipt(
            visit_id=visit.visit_id,
            source=visit.source,
            revision=visit.revision,
            status=status_of(visit.standing, self._drafter.register.knows(visit.code)),
            flags=flags_of(visit.flags),
            received_at=written(visit.received_at),
            recorded_at=written(visit.recorded_at),
            position=visit.position,
        )


def revisions_matched(header: str | None) -> Match:
    """The revisions that an If-Match header names; None for `*` or no header.

    What follows a revision in a tag tells flags, which are no part of it. A weak or unreadable tag
    matches nothing.
    """
    if header is None or header.strip() == "*":
        return None
    tags = (tag.strip() for tag in header.split(","))
    numbers = (tag[1:-1] if tag[:1] == tag[-1:] == '"' else tag for tag in tags)
    found = (_REVISION.fullmatch(number) for number in numbers)
    return frozenset(int(match[1]) for match in found if match)
