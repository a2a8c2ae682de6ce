"""Partners as they stand: how far each form was read, and what became of each submission.

Owns documents and their statements; the declarations are `declared`'s.
"""

from typing import Any

import msgspec

from services.ingest.adapters.cursors import NEVER, Cursor, load, save
from services.ingest.adapters.declared import Adapter
from services.ingest.adapters.submissions import COLUMNS, Submission
from services.ingest.stamps import Stamps
from shared.clock import rfc3339
from shared.db.engine import Database
from shared.errors import not_found

STATES = ("waiting", "applied", "unapplied", "gone")
Document = dict[str, Any]


class Standing:
    """Answers questions about partners' submissions, and lets people push them on."""

    def __init__(self, database: Database, stamps: Stamps) -> None:
        self._database = database
        self._stamps = stamps

    async def adapter(self, adapter: Adapter) -> Document:
        """A partner with the state of each of its forms."""
        async with self._database.reading() as tx:
            rows = await tx.fetch(
                "SELECT form, state, count(*) FROM adapter_submissions WHERE adapter = $1 "
                "GROUP BY form, state",
                adapter.name,
            )
            cursors = [await load(tx, adapter.name, form) for form in adapter.config.forms]
        counts: dict[str, dict[str, int]] = {}
        for form, state, count in rows:
            counts.setdefault(form, dict.fromkeys(STATES, 0))[state] = count
        document = adapter.document()
        document["state"] = [
            {
                "form": cursor.form,
                "submissions": counts.get(cursor.form, dict.fromkeys(STATES, 0)),
                **_cursor(cursor),
            }
            for cursor in cursors
        ]
        return document

    async def submissions(
        self, adapter: Adapter, form: str | None, state: str | None, after: int, limit: int
    ) -> list[Submission]:
        """Submissions in the order of their latest change, from after a version on."""
        async with self._database.reading() as tx:
            rows = await tx.fetch(
                f"SELECT {COLUMNS} FROM adapter_submissions WHERE adapter = $1 "
                "AND ($2 = '' OR form = $2) AND ($3 = '' OR state = $3) AND version > $4 "
                "ORDER BY version LIMIT $5",
                adapter.name,
                form or "",
                state or "",
                after,
                limit,
            )
        return [Submission(*row) for row in rows]

    async def submission(self, adapter: Adapter, form: str, identity: str) -> Document:
        """One submission with everything that was sent of it; raises Problem 404."""
        async with self._database.reading() as tx:
            row = await tx.fetch_one(
                f"SELECT {COLUMNS} FROM adapter_submissions "
                "WHERE adapter = $1 AND form = $2 AND identity = $3",
                adapter.name,
                form,
                identity,
            )
            if row is None:
                raise not_found("submission")
            payloads = await tx.fetch(
                "SELECT seq, channel, media, payload FROM adapter_payloads "
                "WHERE adapter = $1 AND form = $2 AND identity = $3 ORDER BY seq",
                adapter.name,
                form,
                identity,
            )
        return document_of(Submission(*row)) | {
            "payloads": [
                {
                    "received_at": rfc3339(seq),
                    "channel": channel,
                    "media": media,
                    "payload": bytes(payload).decode("utf-8", "replace"),
                }
                for seq, channel, media, payload in payloads
            ]
        }

    async def retry(self, adapter: Adapter, form: str, identity: str, *, force: bool) -> None:
        """Let a submission be applied again; with `force` over what a person changed here."""
        async with self._database.transaction() as tx:
            changed = await tx.execute(
                "UPDATE adapter_submissions SET state = 'waiting', forced = $4, version = $5 "
                "WHERE adapter = $1 AND form = $2 AND identity = $3",
                adapter.name,
                form,
                identity,
                int(force),
                self._stamps.next(),
            )
        if not changed:
            raise not_found("submission")

    async def ask(self, adapter: Adapter, *, complete: bool, accept: bool) -> int:
        """Make every form due now; the instant after which its reading has ended."""
        now = self._stamps.next()
        async with self._database.transaction() as tx:
            await tx.lock(f"adapter:{adapter.name}")
            for form in adapter.config.forms:
                cursor = await load(tx, adapter.name, form)
                cursor.failures, cursor.next_at = 0, 0
                if cursor.complete_at < NEVER and cursor.error is not None:
                    cursor.complete_at = 0
                if complete:
                    cursor.complete_at = 0
                cursor.at.accept = accept
                await save(tx, cursor)
        return now

    async def ended(self, adapter: Adapter, asked: int) -> bool:
        """Whether every form's reading ended or failed since, and nothing waits any more."""
        async with self._database.reading() as tx:
            cursors = [await load(tx, adapter.name, form) for form in adapter.config.forms]
            waiting = await tx.fetch_one(
                "SELECT 1 FROM adapter_submissions WHERE adapter = $1 AND state = 'waiting' "
                "AND held_until <= $2 LIMIT 1",
                adapter.name,
                self._stamps.next(),
            )
        through = all(max(one.finished_at, one.failed_at) > asked for one in cursors)
        return through and waiting is None


def document_of(one: Submission) -> Document:
    """The wire form of a submission."""
    return {
        "form": one.form,
        "submission": one.identity,
        "state": one.state,
        "visit_id": one.visit_id,
        "reasons": msgspec.json.decode(one.reason) if one.reason else [],
        "excluded": one.excluded,
        "deleted": bool(one.deleted),
        "received_at": rfc3339(one.first_at),
        "changed_at": rfc3339(one.version),
    }


def _cursor(cursor: Cursor) -> Document:
    return {
        "reading": cursor.at.mode or None,
        "seen": cursor.at.seen,
        "expected": cursor.at.count,
        "finished_at": rfc3339(cursor.finished_at) if cursor.finished_at else None,
        "failures": cursor.failures,
        "error": cursor.error,
    }
