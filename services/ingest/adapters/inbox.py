"""What partners send, stored before anything is done with it: each edition once, none lost.

Owns identity (which names are one submission), the order of editions, and the statements about
payloads and submissions. A page of a poll and the place where it ended are one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.ingest.adapters.payloads import Payload, digest_of
from services.ingest.adapters.submissions import COLUMNS, NAMES, Submission, reason_of, rows_of
from services.ingest.stamps import Stamps
from shared.db.transaction import Tx
from shared.errors import Problem

MOST_BYTES = 256 * 1024
"""The largest payload that is kept whole; of a larger one so much is kept."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One thing that was sent: its bytes, and the submission they are or why they are none."""

    raw: bytes
    payload: Payload | Problem
    media: str = "application/json"

    @property
    def digest(self) -> str:
        """By what it is known again."""
        return digest_of(self.raw, None if isinstance(self.payload, Problem) else self.payload)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was done with an arrival; `word` is stored, known (the same again) or superseded."""

    identity: str
    word: str
    state: str


@dataclass
class _Page:
    """What is known about the names in a page, and what is to be written."""

    aliases: dict[str, tuple[str, int]] = field(default_factory=dict)
    submissions: dict[str, Submission] = field(default_factory=dict)
    named: dict[str, tuple[str, int]] = field(default_factory=dict)
    payloads: list[tuple[Any, ...]] = field(default_factory=list)
    changed: dict[str, Submission] = field(default_factory=dict)


class Inbox:
    """Stores arrivals of one form of one partner."""

    def __init__(self, stamps: Stamps, adapter: str, form: str, channel: str) -> None:
        self._stamps = stamps
        self._adapter = adapter
        self._form = form
        self._channel = channel

    async def take(self, tx: Tx, arrivals: Sequence[Arrival], scan: int = 0) -> list[Taken]:
        """Store arrivals in order, in the caller's transaction; `scan` marks a complete reading."""
        await tx.lock(f"adapter:{self._adapter}")
        page = await self._known(tx, arrivals)
        taken = [self._one(page, arrival, scan) for arrival in arrivals]
        await self._write(tx, page)
        return taken

    async def _known(self, tx: Tx, arrivals: Sequence[Arrival]) -> _Page:
        names = {name for one in arrivals for name in _names(one)}
        page = _Page()
        for alias, identity, old in await tx.fetch(
            "SELECT alias,identity,old FROM adapter_aliases "
            "WHERE adapter = $1 AND form = $2 AND alias = ANY($3::text[])",
            self._adapter,
            self._form,
            list(names),
        ):
            page.aliases[alias] = (identity, old)
        wanted = names | {identity for identity, _ in page.aliases.values()}
        for row in await tx.fetch(
            f"SELECT {COLUMNS} FROM adapter_submissions "
            "WHERE adapter = $1 AND form = $2 AND identity = ANY($3::text[])",
            self._adapter,
            self._form,
            list(wanted),
        ):
            page.submissions[row[2]] = Submission(*row)
        return page

    def _one(self, page: _Page, arrival: Arrival, scan: int) -> Taken:
        payload, digest = arrival.payload, arrival.digest
        if isinstance(payload, Problem):
            return self._refused(page, arrival, digest, payload, scan)
        identities = {page.aliases[name][0] for name in payload.aliases if name in page.aliases}
        if len(identities) > 1:
            return self._refused(page, arrival, digest, _ambiguous(identities), scan)
        identity = next(iter(identities), payload.root)
        before = page.submissions.get(identity)
        stale = before is not None and _is_older(page, payload, before)
        self._name(page, payload, identity)
        if before is not None and before.digest == digest:
            self._seen(page, before, scan, deleted=payload.deleted)
            return Taken(identity, "known", page.submissions[identity].state)
        seq = self._keep(page, arrival, identity)
        if stale and before is not None:
            self._seen(page, before, scan, deleted=False)
            return Taken(identity, "superseded", before.state)
        self._stand(page, before, payload, identity, digest, seq, scan)
        return Taken(identity, "stored", "waiting")

    def _refused(
        self, page: _Page, arrival: Arrival, digest: str, problem: Problem, scan: int
    ) -> Taken:
        """Keep what cannot be taken, under its own digest, with the reason."""
        identity = f"sha256:{digest}"
        before = page.submissions.get(identity)
        if before is not None:
            self._seen(page, before, scan, deleted=False)
            return Taken(identity, "known", before.state)
        seq = self._keep(page, arrival, identity)
        self._set(
            page,
            Submission(
                self._adapter,
                self._form,
                identity,
                seq,
                digest,
                position="",
                remote="",
                state="unapplied",
                reason=reason_of(problem),
                visit_id=None,
                excluded=None,
                deleted=0,
                forced=0,
                held_until=0,
                first_at=seq,
                version=seq,
                scan=scan,
            ),
        )
        return Taken(identity, "stored", "unapplied")

    def _stand(
        self,
        page: _Page,
        before: Submission | None,
        payload: Payload,
        identity: str,
        digest: str,
        seq: int,
        scan: int,
    ) -> None:
        """Let an edition stand and wait to be applied."""
        excluded = payload.excluded
        if before is not None and not payload.reviewed:
            excluded = before.excluded
        if payload.answers is None and before is not None:
            # Only the review changed: the answers that were sent before go on standing.
            after = replace(before, excluded=excluded, state="waiting", version=seq)
            self._set(page, after)
            return
        self._set(
            page,
            Submission(
                self._adapter,
                self._form,
                identity,
                seq,
                digest,
                position=payload.order or (before.position if before else ""),
                remote=payload.remote or (before.remote if before else ""),
                state="waiting",
                reason=None,
                visit_id=before.visit_id if before else None,
                excluded=excluded,
                deleted=int(payload.deleted),
                forced=0,
                held_until=0,
                first_at=before.first_at if before else seq,
                version=seq,
                scan=scan or (before.scan if before else 0),
            ),
        )

    def _seen(self, page: _Page, before: Submission, scan: int, *, deleted: bool) -> None:
        """Note that a submission was seen again; one that was gone and is back waits anew."""
        after = before
        if scan > before.scan:
            after = replace(after, scan=scan)
        if before.deleted != int(deleted) and self._channel == "poll":
            seq = self._stamps.next()
            after = replace(after, deleted=int(deleted), state="waiting", version=seq)
        if after is not before:
            self._set(page, after)

    def _set(self, page: _Page, after: Submission) -> None:
        page.submissions[after.identity] = page.changed[after.identity] = after

    def _name(self, page: _Page, payload: Payload, identity: str) -> None:
        for alias in payload.aliases:
            known = page.aliases.get(alias)
            old = int(alias in payload.replaced or (known is not None and known[1] == 1))
            if known != (identity, old):
                page.aliases[alias] = page.named[alias] = (identity, old)

    def _keep(self, page: _Page, arrival: Arrival, identity: str) -> int:
        seq = self._stamps.next()
        raw = arrival.raw[:MOST_BYTES]
        page.payloads.append(
            (self._adapter, seq, self._form, identity, self._channel, arrival.media, raw)
        )
        return seq

    async def _write(self, tx: Tx, page: _Page) -> None:
        if page.payloads:
            columns = ("adapter", "seq", "form", "identity", "channel", "media", "payload")
            await tx.insert_rows("adapter_payloads", columns, page.payloads)
        if page.named:
            await tx.upsert_rows(
                "adapter_aliases",
                ("adapter", "form", "alias"),
                ("adapter", "form", "alias", "identity", "old"),
                [(self._adapter, self._form, name, *to) for name, to in page.named.items()],
            )
        if page.changed:
            await tx.upsert_rows(
                "adapter_submissions", NAMES[:3], NAMES, rows_of(page.changed.values())
            )


def _names(arrival: Arrival) -> Sequence[str]:
    if isinstance(arrival.payload, Problem):
        return [f"sha256:{arrival.digest}"]
    return arrival.payload.aliases


def _is_older(page: _Page, payload: Payload, before: Submission) -> bool:
    """Whether a later edition than this one is known already."""
    known = page.aliases.get(payload.edition)
    if known is not None and known[1] and payload.answers is not None and not payload.order:
        return True
    return bool(payload.order) and payload.order < before.position


def _ambiguous(identities: set[str]) -> Problem:
    named = " and ".join(sorted(identities))
    detail = f"Its names belong to different submissions: {named}."
    return Problem(409, "ambiguous_identity", detail)
