"""Reading a partner's server, page by page: each page and the place behind it are one transaction.

Owns the life of a pass: when one is due, where it goes on after a crash, what its end means.
A submission is gone when a complete reading did not see it, never because a server was away, and
never many at once without a person's word.
"""

from types import ModuleType

import structlog

from services.ingest.adapters import kobo, odk
from services.ingest.adapters.cursors import NEVER, Cursor, Pass, load, save
from services.ingest.adapters.declared import Adapter
from services.ingest.adapters.inbox import Inbox
from services.ingest.adapters.pages import arrivals, read_page
from services.ingest.adapters.partner_http import PartnerError, PartnerServer
from services.ingest.adapters.schemas import FormIn
from services.ingest.stamps import Stamps
from shared.db.engine import Database
from shared.db.transaction import Tx

_SECOND = 1_000_000
_FIRST_PAUSE = 15
_LONGEST_PAUSE = 3600
_FEW = 10
_PATIENCE = 3
_PROTOCOLS: dict[str, ModuleType] = {"kobo": kobo, "odk": odk}
_ASTRAY = {"partner_incomplete", "partner_nonsense"}
_UNSUPPORTED = {400, 404, 501}
_LOG = structlog.get_logger("rtsm.adapters")


class Poller:
    """Reads forms of partners into the inbox."""

    def __init__(self, database: Database, stamps: Stamps) -> None:
        self._database = database
        self._stamps = stamps

    async def step(self, adapter: Adapter, form: FormIn, server: PartnerServer) -> tuple[int, bool]:
        """Read one page if anything is due: when (microseconds) to come again, and if one was."""
        async with self._database.reading() as tx:
            cursor = await load(tx, adapter.name, form)
        now = self._stamps.next()
        if not cursor.at.mode and not _begin(cursor, now, _PROTOCOLS[adapter.config.kind]):
            return cursor.due(), False
        if cursor.failures and cursor.due() > now:
            return cursor.due(), False
        try:
            return await self._page(adapter, form, server, cursor), True
        except PartnerError as error:
            return await self._failed(form, cursor, error), False

    async def _page(
        self, adapter: Adapter, form: FormIn, server: PartnerServer, cursor: Cursor
    ) -> int:
        protocol = _PROTOCOLS[adapter.config.kind]
        at = cursor.at
        try:
            raw = await server.page(*protocol.request(adapter, form.form, at))
        except PartnerError as error:
            if at.mode != "deleted" or error.status not in _UNSUPPORTED:
                raise
            # A server that cannot list its deletions; complete readings find them.
            at.no_deletions, at.mode, more = True, "", False
            async with self._database.transaction() as tx:
                return await self._ended(tx, form, cursor)
        page = read_page(adapter.config.kind, raw)
        found = arrivals(adapter.config.kind, page)
        at.count = page.count if at.count is None else at.count
        at.seen += len(found)
        more = protocol.advance(at, page)
        if not more and _is_short(at):
            if cursor.failures < _PATIENCE:
                detail = f"The server promised {at.count} submissions and showed {at.seen}."
                raise PartnerError("partner_incomplete", detail, 200)
            # It never shows what it promises: what it did show counts, and nothing is gone.
            at.scan, at.mode = 0, "new"
        inbox = Inbox(self._stamps, adapter.name, form.form, "poll")
        scan = at.scan if at.mode == "complete" else 0
        async with self._database.transaction() as tx:
            await inbox.take(tx, found, scan)
            cursor.failures, cursor.error = 0, None
            if more:
                await save(tx, cursor)
                return 0
            if at.mode == "new" and adapter.config.kind == "odk" and not at.no_deletions:
                cursor.at = _following(at, "deleted")
                await save(tx, cursor)
                return 0
            return await self._ended(tx, form, cursor)

    async def _ended(self, tx: Tx, form: FormIn, cursor: Cursor) -> int:
        """A pass is through: what a complete one did not see is gone; the next is dated."""
        at = cursor.at
        now = self._stamps.next()
        held = 0
        if at.scan:
            held = await self._vanished(tx, cursor)
            cursor.complete_at = _later(now, form.complete_seconds)
        cursor.next_at = _later(now, form.poll_seconds)
        cursor.finished_at, cursor.failures, cursor.error = now, 0, None
        if held:
            cursor.error = (
                f"{held} submissions vanished at once; nothing was withdrawn. "
                "Confirm with deletions=accept if they were deleted."
            )
        cursor.at = Pass(high=at.high, no_deletions=at.no_deletions, held=held)
        await save(tx, cursor)
        return cursor.due()

    async def _vanished(self, tx: Tx, cursor: Cursor) -> int:
        """Let what a complete reading did not see be withdrawn; how many were too many for that."""
        at = cursor.at
        unseen = (
            "adapter = $1 AND form = $2 AND scan < $3 AND first_at < $3 AND deleted = 0 "
            "AND identity NOT LIKE 'sha256:%'"
        )
        args = (cursor.adapter, cursor.form, at.scan)
        count = "SELECT count(*) FROM adapter_submissions WHERE "
        gone = (await tx.fetch_one(f"{count}{unseen}", *args))[0]
        present = f"{count}adapter = $1 AND form = $2 AND deleted = 0"
        known = (await tx.fetch_one(present, *args[:2]))[0]
        if gone > max(_FEW, known // 2) and not at.accept:
            _LOG.warning("many submissions vanished", adapter=cursor.adapter, gone=gone)
            return int(gone)
        await tx.execute(
            "UPDATE adapter_submissions SET deleted = 1, state = 'waiting', held_until = 0, "
            f"version = $4 WHERE {unseen}",
            *args,
            self._stamps.next(),
        )
        return 0

    async def _failed(self, form: FormIn, cursor: Cursor, error: PartnerError) -> int:
        """Note a failure and when to try again; the pass goes on from where it was."""
        now = self._stamps.next()
        _LOG.warning("a partner's server failed", adapter=cursor.adapter, code=error.code)
        async with self._database.transaction() as tx:
            fresh = await load(tx, cursor.adapter, form)
            if not fresh.at.mode:
                fresh.at = cursor.at
            if error.code in _ASTRAY or error.status in {400, 404}:
                # The place may be what is wrong with it: the pass begins anew.
                fresh.at = _following(fresh.at, fresh.at.mode, scan=fresh.at.scan)
            fresh.failures += 1
            pause = error.wait or min(_FIRST_PAUSE << min(fresh.failures, 12), _LONGEST_PAUSE)
            fresh.failed_at, fresh.error = now, f"{error.code}: {error.detail}"
            fresh.next_at = now + pause * _SECOND
            fresh.complete_at = max(fresh.complete_at, fresh.next_at)
            await save(tx, fresh)
        return fresh.next_at


def _begin(cursor: Cursor, now: int, protocol: ModuleType) -> bool:
    """Begin the pass that is due, a complete one first; False when none is."""
    if cursor.complete_at <= now:
        cursor.at = _following(cursor.at, "complete", scan=now)
    elif cursor.next_at <= now:
        cursor.at = _following(cursor.at, "new")
        cursor.at.since = protocol.begin_after(cursor.at.high)
    else:
        return False
    return True


def _is_short(at: Pass) -> bool:
    """Whether fewer rows came than the server promised."""
    return at.mode != "deleted" and at.count is not None and at.seen < at.count


def _following(at: Pass, mode: str, scan: int = 0) -> Pass:
    """A pass from its beginning, with what was learnt before."""
    return Pass(
        mode=mode,
        since=at.since,
        high=at.high,
        scan=scan,
        no_deletions=at.no_deletions,
        accept=at.accept,
    )


def _later(now: int, seconds: int) -> int:
    return now + seconds * _SECOND if seconds else NEVER
