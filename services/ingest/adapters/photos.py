"""Photos as digests: looked at once on the partner's server, and not kept.

Owns the table of attachments: which are wanted, which are known, when one is tried again. A photo
that cannot be had holds its visit up for a minute at most and is added later as a correction.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from services.ingest.adapters.declared import Adapter
from services.ingest.adapters.partner_http import PartnerError, PartnerServer
from services.ingest.adapters.payloads import Payload
from services.ingest.adapters.submissions import Submission
from services.ingest.stamps import Stamps
from shared.db.engine import Database
from shared.db.transaction import Tx

BATCH = 16
MOST_TRIES = 8
_SECOND = 1_000_000
_HELD_SECONDS = 60
_FIRST_PAUSE = 60
_NEVER = (1 << 63) - 1
_AT_ONCE = 4
_KEY = ("adapter", "form", "identity", "name")
Due = tuple[str, str, str, str, int]


class Photos:
    """Finds out the digests of submissions' photos."""

    def __init__(self, database: Database, stamps: Stamps) -> None:
        self._database = database
        self._stamps = stamps

    async def digests(
        self, adapter: Adapter, one: Submission, payload: Payload, names: Sequence[str]
    ) -> list[str] | None:
        """The digests known of the photos named; None when the submission waits for the others."""
        if not names or not adapter.config.photos:
            return []
        async with self._database.reading() as tx:
            rows = await tx.fetch(
                "SELECT name, digest FROM adapter_photos "
                "WHERE adapter = $1 AND form = $2 AND identity = $3",
                one.adapter,
                one.form,
                one.identity,
            )
        known: dict[str, str | None] = {row[0]: row[1] for row in rows}
        places = {name: _place(adapter, one, payload, name) for name in names}
        wanted = {name: at for name, at in places.items() if at and name not in known}
        if wanted and adapter.polled:
            await self._want(one, wanted)
            return None
        return list(dict.fromkeys(digest for name in names if (digest := known.get(name))))

    async def _want(self, one: Submission, wanted: dict[str, str]) -> None:
        now = self._stamps.next()
        async with self._database.transaction() as tx:
            await tx.upsert_rows(
                "adapter_photos",
                _KEY,
                (*_KEY, "place", "digest", "tries", "next_at"),
                [
                    (one.adapter, one.form, one.identity, name, place, None, 0, now)
                    for name, place in wanted.items()
                ],
            )
            await tx.execute(
                "UPDATE adapter_submissions SET held_until = $4 "
                "WHERE adapter = $1 AND form = $2 AND identity = $3",
                one.adapter,
                one.form,
                one.identity,
                now + _HELD_SECONDS * _SECOND,
            )

    async def give(
        self, tx: Tx, adapter: str, form: str, identity: str, digests: dict[str, str]
    ) -> None:
        """Note digests that came with the submission itself, in the caller's transaction."""
        rows = await tx.fetch(
            "SELECT name, digest FROM adapter_photos "
            "WHERE adapter = $1 AND form = $2 AND identity = $3",
            adapter,
            form,
            identity,
        )
        known = {(row[0], row[1]) for row in rows}
        if digests.items() <= known:
            return
        await tx.upsert_rows(
            "adapter_photos",
            _KEY,
            (*_KEY, "place", "digest", "tries", "next_at"),
            [
                (adapter, form, identity, name, "", digest, 0, _NEVER)
                for name, digest in digests.items()
            ],
        )
        # A large submission comes in several calls, each with some of its photos.
        await tx.execute(
            "UPDATE adapter_submissions SET state = 'waiting', held_until = 0, version = $4 "
            "WHERE adapter = $1 AND form = $2 AND identity = $3 AND state = 'applied'",
            adapter,
            form,
            identity,
            self._stamps.next(),
        )

    async def step(self, adapter: Adapter, server: PartnerServer) -> int:
        """Look at some photos that are due; how many were."""
        async with self._database.reading() as tx:
            rows: list[Due] = [
                (row[0], row[1], row[2], row[3], row[4])
                for row in await tx.fetch(
                    "SELECT form, identity, name, place, tries FROM adapter_photos "
                    "WHERE adapter = $1 AND digest IS NULL AND next_at <= $2 "
                    "ORDER BY next_at LIMIT $3",
                    adapter.name,
                    self._stamps.next(),
                    BATCH,
                )
            ]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def read(due: Due) -> str | None:
            async with gate:
                try:
                    return await server.digest(due[3])
                except PartnerError:
                    return None

        found = await asyncio.gather(*(read(due) for due in rows))
        await self._note(adapter.name, list(zip(rows, found, strict=True)))
        return len(rows)

    async def _note(self, adapter: str, found: list[tuple[Due, str | None]]) -> None:
        if not found:
            return
        now = self._stamps.next()
        async with self._database.transaction() as tx:
            await tx.many(
                "UPDATE adapter_photos SET digest = $5, tries = $6, next_at = $7 "
                "WHERE adapter = $1 AND form = $2 AND identity = $3 AND name = $4",
                [(adapter, *due[:3], digest, *_next(due[4], now)) for due, digest in found],
            )
            # Whoever waited goes on, with the photo or without; whoever went on without gets it.
            await tx.many(
                "UPDATE adapter_submissions SET held_until = 0, version = $4, state = 'waiting' "
                "WHERE adapter = $1 AND form = $2 AND identity = $3 "
                "AND (state = 'waiting' OR (state = 'applied' AND $5 = 1))",
                [
                    (adapter, form, identity, self._stamps.next(), told)
                    for (form, identity), told in _submissions(found).items()
                ],
            )


def _submissions(found: list[tuple[Due, str | None]]) -> dict[tuple[str, str], int]:
    """The submissions of photos, with 1 where a digest is new."""
    told: dict[tuple[str, str], int] = {}
    for due, digest in found:
        told[due[:2]] = max(told.get(due[:2], 0), int(digest is not None))
    return told


def _next(tries: int, now: int) -> tuple[int, int]:
    """The count of tries with this one, and when the next is due."""
    if tries + 1 >= MOST_TRIES:
        return tries + 1, _NEVER
    return tries + 1, now + (_FIRST_PAUSE << (2 * tries)) * _SECOND


def _place(adapter: Adapter, one: Submission, payload: Payload, name: str) -> str | None:
    """Where a photo is on its server, built from ids: no address that a payload names is asked."""
    config = adapter.config
    if config.kind == "kobo":
        number = payload.attachments.get(name)
        if number is None or not payload.remote or not number.isalnum():
            return None
        return f"/api/v2/assets/{quote(one.form)}/data/{payload.remote}/attachments/{number}/"
    inside = f"/v1/projects/{config.project}/forms/{quote(one.form, safe='')}/submissions/"
    remote: Any = quote(one.remote or payload.remote, safe="")
    return f"{inside}{remote}/attachments/{quote(name, safe='')}"
