"""The life of an API key: made, rotated, given an end, revoked, last used.

Owns the rows of keys; only digests are kept. Who a presented key stands for, and for how long that
is remembered, is left to `access`. Instants are microseconds since the epoch.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.clock import Clock, micros, rfc3339
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.limits import Limit

OVERLAP_HOURS = 24
PERSON = "officer:"
"""What the source of a key begins with that stands behind a person's session; the id follows."""
_LIVING_IN_A_LINE = 2
_COLUMNS = (
    "k.key_id,k.name,k.source,k.scopes,k.units,k.created,k.expires,k.revoked,"
    "d.line,d.follows,d.limit_requests,d.limit_seconds,u.used"
)
_FROM = (
    "FROM keys k LEFT JOIN key_details d ON d.key_id = k.key_id "
    "LEFT JOIN key_uses u ON u.key_id = k.key_id"
)


class KeyRefused(Exception):  # noqa: N818 - a kind with a fate
    """What was asked for a key cannot be done; the text says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret; `line` is the first key of those that took over from each other."""

    key_id: str
    name: str
    source: str
    scopes: frozenset[str]
    units: frozenset[str] | None
    created: int
    expires: int | None
    revoked: int | None
    line: str
    follows: str | None
    limit: Limit | None
    used: int | None

    @property
    def place(self) -> tuple[int, str]:
        """Where the key stands in the list of all."""
        return self.created, self.key_id

    def lives(self, now: int) -> bool:
        """Whether the key opens anything at an instant."""
        return self.revoked is None and (self.expires is None or self.expires > now)

    def document(self, now: int) -> dict[str, Any]:
        """The wire form, as it is at an instant."""
        state = "live" if self.lives(now) else "expired" if self.revoked is None else "revoked"
        limit = self.limit
        return {
            "key_id": self.key_id,
            "name": self.name,
            "source": self.source,
            "scopes": sorted(self.scopes),
            "units": None if self.units is None else sorted(self.units),
            "state": state,
            "created": rfc3339(self.created),
            "expires": _written(self.expires),
            "revoked": _written(self.revoked),
            "last_used": _written(self.used),
            "rate_limit": limit and {"requests": limit.requests, "seconds": limit.seconds},
            "follows": self.follows,
        }


@dataclass(frozen=True, slots=True)
class Made:
    """A new key: the words to be shown this once, and what is kept of it."""

    words: str
    key: Key


def digest_of(secret: str) -> str:
    """What is kept of a secret: 256 random bits need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _written(instant: int | None) -> str | None:
    return None if instant is None else rfc3339(instant)


def _key(row: Any) -> Key:
    return Key(
        key_id=row[0],
        name=row[1],
        source=row[2],
        scopes=frozenset(json.loads(row[3])),
        units=frozenset(json.loads(row[4])) if row[4] else None,
        created=row[5],
        expires=row[6],
        revoked=row[7],
        line=row[8] or row[0],
        follows=row[9],
        limit=None if row[10] is None else Limit(row[10], row[11]),
        used=row[12],
    )


async def key_of(tx: Tx, key_id: str) -> Key | None:
    """A key by its id, or None."""
    row = await tx.fetch_one(f"SELECT {_COLUMNS} {_FROM} WHERE k.key_id = $1", key_id)
    return None if row is None else _key(row)


class Keys:
    """The keys of a deployment."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def now(self) -> int:
        """The present instant."""
        return micros(self._clock.now())

    async def create(
        self,
        name: str,
        scopes: frozenset[str],
        *,
        source: str | None = None,
        units: frozenset[str] | None = None,
        days: int | None = None,
        limit: Limit | None = None,
    ) -> Made:
        """Make a key that lives for some days, or until it is revoked."""
        now = self._clock.now()
        expires = None if days is None else micros(now + timedelta(days=days))
        async with self._database.transaction() as tx:
            return await _insert(
                tx, name, source or name, scopes, units, micros(now), expires, None, limit
            )

    async def listed(self) -> list[Key]:
        """All keys in the order in which they were made, without those of sessions that ended.

        Their rows stay: histories tell by them who decided what.
        """
        async with self._database.reading() as tx:
            rows = await tx.fetch(
                f"SELECT {_COLUMNS} {_FROM} WHERE substr(k.source,1,$1) <> $2 "
                "OR (k.revoked IS NULL AND (k.expires IS NULL OR k.expires > $3)) "
                "ORDER BY k.created,k.key_id",
                len(PERSON),
                PERSON,
                self.now(),
            )
        return [_key(row) for row in rows]

    async def one(self, key_id: str) -> Key | None:
        """A key by its id, or None."""
        async with self._database.reading() as tx:
            return await key_of(tx, key_id)

    async def rotate(
        self, key_id: str, *, overlap_hours: int = OVERLAP_HOURS, days: int | None = None
    ) -> Made | None:
        """Make a key that takes over from another, which lives on for the overlap.

        The new key has the same name, source, scopes, units and limit, and as long a life unless
        `days` are given. None when there is no living key of this id; raises KeyRefused when two
        keys of the line are alive already.
        """
        async with self._database.transaction() as tx:
            await tx.lock("keys")
            now = self._clock.now()
            at = micros(now)
            old = await key_of(tx, key_id)
            if old is None or not old.lives(at):
                return None
            row = await tx.fetch_one(
                "SELECT count(*) FROM keys k LEFT JOIN key_details d ON d.key_id = k.key_id "
                "WHERE COALESCE(d.line, k.key_id) = $1 AND k.revoked IS NULL "
                "AND (k.expires IS NULL OR k.expires > $2)",
                old.line,
                at,
            )
            if row[0] >= _LIVING_IN_A_LINE:
                raise KeyRefused("Two keys of this line are alive already: revoke one of them.")
            if days is not None:
                expires: int | None = micros(now + timedelta(days=days))
            else:
                expires = None if old.expires is None else at + old.expires - old.created
            made = await _insert(
                tx, old.name, old.source, old.scopes, old.units, at, expires, old, old.limit
            )
            ends = micros(now + timedelta(hours=overlap_hours))
            await tx.execute(
                "UPDATE keys SET expires = $1 WHERE key_id = $2 "
                "AND (expires IS NULL OR expires > $1)",
                ends,
                key_id,
            )
        return made

    async def expire(self, key_id: str, at: datetime | None) -> Key | None:
        """Set when a key ends (None: when it is revoked); None when it is unknown or revoked."""
        async with self._database.transaction() as tx:
            changed = await tx.execute(
                "UPDATE keys SET expires = $1 WHERE key_id = $2 AND revoked IS NULL",
                None if at is None else micros(at),
                key_id,
            )
            return await key_of(tx, key_id) if changed else None

    async def revoke(self, key_id: str) -> bool:
        """End a key and its sessions; False when no such key was alive or expired."""
        async with self._database.transaction() as tx:
            changed = await tx.execute(
                "UPDATE keys SET revoked = $1 WHERE key_id = $2 AND revoked IS NULL",
                self.now(),
                key_id,
            )
            await tx.execute("DELETE FROM sessions WHERE key_id = $1", key_id)
        return changed == 1

    async def used(self, key_id: str, at: int) -> None:
        """Remember when a key was last used."""
        async with self._database.transaction() as tx:
            await tx.execute(
                "INSERT INTO key_uses (key_id,used) VALUES ($1,$2) ON CONFLICT (key_id) "
                "DO UPDATE SET used = excluded.used WHERE key_uses.used < excluded.used",
                key_id,
                at,
            )


async def _insert(
    tx: Tx,
    name: str,
    source: str,
    scopes: frozenset[str],
    units: frozenset[str] | None,
    created: int,
    expires: int | None,
    follows: Key | None,
    limit: Limit | None,
) -> Made:
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    line, before = (key_id, None) if follows is None else (follows.line, follows.key_id)
    await tx.execute(
        "INSERT INTO keys (key_id,name,source,digest,scopes,units,created,expires) "
        "VALUES ($1,$2,$3,$4,$5,$6,$7,$8)",
        key_id,
        name,
        source,
        digest_of(secret),
        json.dumps(sorted(scopes)),
        json.dumps(sorted(units)) if units is not None else None,
        created,
        expires,
    )
    await tx.execute(
        "INSERT INTO key_details (key_id,line,follows,limit_requests,limit_seconds) "
        "VALUES ($1,$2,$3,$4,$5)",
        key_id,
        line,
        before,
        limit and limit.requests,
        limit and limit.seconds,
    )
    key = Key(
        key_id, name, source, scopes, units, created, expires, None, line, before, limit, None
    )
    return Made(f"rtsm_{key_id}_{secret}", key)
