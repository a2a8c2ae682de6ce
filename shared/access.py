"""The access store: API keys, sessions of people, and the key that services use among themselves.

Owns keys and who they stand for; which route needs what is declared with `shared.security`. Only
digests are kept. Answers are remembered for five seconds, so a revoked key dies within five.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.errors import Problem

SCOPES = (
    "visits:write",
    "visits:read",
    "visits:review",
    "registry:write",
    "registry:read",
    "targets:write",
    "cards:read",
    "alerts:read",
    "alerts:write",
    "rules:write",
    "officers:write",
    "contacts:read",
    "admin",
)
_REMEMBER_SECONDS = 5.0
_REMEMBER_MOST = 10_000
SESSION_HOURS = 12

TABLES = MetaData()
Table(
    "keys",
    TABLES,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("units", Text),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("revoked", BigInteger),
)
Table(
    "sessions",
    TABLES,
    Column("digest", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("expires", BigInteger, nullable=False),
)
Table(
    "secrets",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: a key, its source, what it may do and where (None: everywhere)."""

    key_id: str
    name: str
    source: str
    scopes: frozenset[str]
    units: frozenset[str] | None = None

    def has(self, scope: str) -> bool:
        """Whether the scope is held; `admin` holds all."""
        return "admin" in self.scopes or scope in self.scopes

    def need(self, scope: str) -> None:
        """Raise Problem 403 unless the scope is held."""
        if not self.has(scope):
            raise Problem(403, "scope_missing", f"This key lacks the scope {scope}.")


ANONYMOUS = Principal("anonymous", "anonymous", "anonymous", frozenset({"cards:read"}))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def unauthenticated(detail: str = "A valid API key is needed: Authorization: Bearer …") -> Problem:
    """The one 401, whatever was wrong with the key."""
    return Problem(401, "unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})


class Access:
    """Keys and sessions in their own small database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    async def open(self) -> None:
        """Open the store."""
        await self._database.open()

    async def close(self) -> None:
        """Close the store."""
        await self._database.close()

    async def create_key(
        self,
        name: str,
        scopes: list[str],
        *,
        source: str | None = None,
        units: list[str] | None = None,
        days: int | None = None,
    ) -> tuple[str, str, int | None]:
        """Make a key: (the key itself, shown this once; its id; when it expires in microseconds).

        Raises ValueError for an unknown scope.
        """
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            raise ValueError(f"unknown scope {', '.join(unknown)}; scopes are {', '.join(SCOPES)}")
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        now = self._clock.now()
        expires = None if days is None else micros(now + timedelta(days=days))
        async with self._database.transaction() as tx:
            await tx.execute(
                "INSERT INTO keys (key_id,name,source,digest,scopes,units,created,expires) "
                "VALUES ($1,$2,$3,$4,$5,$6,$7,$8)",
                key_id,
                name,
                source or name,
                _digest(secret),
                json.dumps(sorted(set(scopes))),
                json.dumps(sorted(units)) if units else None,
                micros(now),
                expires,
            )
        return f"rtsm_{key_id}_{secret}", key_id, expires

    async def list_keys(self) -> list[dict[str, object]]:
        """All keys without their secrets."""
        async with self._database.reading() as tx:
            rows = await tx.fetch(
                "SELECT key_id,name,source,scopes,units,created,expires,revoked FROM keys "
                "ORDER BY created"
            )
        names = ("key_id", "name", "source", "scopes", "units", "created", "expires", "revoked")
        return [
            dict(zip(names, row, strict=True))
            | {"scopes": json.loads(row[3]), "units": json.loads(row[4]) if row[4] else None}
            for row in rows
        ]

    async def revoke_key(self, key_id: str) -> bool:
        """End a key and its sessions; False when there is none of this id."""
        async with self._database.transaction() as tx:
            changed = await tx.execute(
                "UPDATE keys SET revoked = $1 WHERE key_id = $2 AND revoked IS NULL",
                micros(self._clock.now()),
                key_id,
            )
            await tx.execute("DELETE FROM sessions WHERE key_id = $1", key_id)
        return changed == 1

    async def secret(self, name: str) -> str:
        """A random secret of the deployment, made when first asked for."""
        async with self._database.transaction() as tx:
            await tx.execute(
                "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                name,
                secrets.token_urlsafe(32),
            )
            row = await tx.fetch_one("SELECT value FROM secrets WHERE name = $1", name)
        return str(row[0])

    async def service_key(self) -> str:
        """The key with which services ask one another."""
        return f"rtsm_service_{await self.secret('service')}"

    async def start_session(self, key: str) -> str:
        """A session token standing for a key, with the same scopes and units, never wider."""
        principal = await self.authenticate(key)
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            await tx.execute("DELETE FROM sessions WHERE expires < $1", micros(now))
            await tx.execute(
                "INSERT INTO sessions (digest, key_id, expires) VALUES ($1,$2,$3)",
                _digest(token),
                principal.key_id,
                micros(now + timedelta(hours=SESSION_HOURS)),
            )
        return token

    async def end_session(self, token: str) -> None:
        """Sign out."""
        self._known.pop(f"session:{token}", None)
        async with self._database.transaction() as tx:
            await tx.execute("DELETE FROM sessions WHERE digest = $1", _digest(token))

    def remembered(self, credential: str) -> Principal | None:
        """Who a credential stood for within the last seconds: no waiting, for the fast path."""
        known = self._known.get(credential)
        if known is None or time.monotonic() - known[0] > _REMEMBER_SECONDS:
            return None
        return known[1]

    async def authenticate(self, key: str) -> Principal:
        """Who an API key stands for; raises Problem 401."""
        return self.remembered(key) or self._remember(key, await self._of_key(key))

    async def session(self, token: str) -> Principal:
        """Who a session stands for; raises Problem 401."""
        credential = f"session:{token}"
        return self.remembered(credential) or self._remember(
            credential, await self._of_session(token)
        )

    def _remember(self, credential: str, principal: Principal) -> Principal:
        self._known[credential] = (time.monotonic(), principal)
        self._known.move_to_end(credential)
        if len(self._known) > _REMEMBER_MOST:
            self._known.popitem(last=False)
        return principal

    async def _of_key(self, key: str) -> Principal:
        prefix, _, rest = key.partition("_")
        key_id, _, secret = rest.partition("_")
        if prefix != "rtsm" or not secret:
            raise unauthenticated()
        if key_id == "service":
            if not hmac.compare_digest(secret, await self.secret("service")):
                raise unauthenticated()
            return Principal("service", "service", "service", frozenset({"admin"}))
        principal, digest = await self._stored(key_id)
        if principal is None or not hmac.compare_digest(digest, _digest(secret)):
            raise unauthenticated()
        return principal

    async def _of_session(self, token: str) -> Principal:
        async with self._database.reading() as tx:
            row = await tx.fetch_one(
                "SELECT key_id FROM sessions WHERE digest = $1 AND expires > $2",
                _digest(token),
                micros(self._clock.now()),
            )
        if row is None:
            raise unauthenticated("Please sign in.")
        if row[0] == "service":
            raise unauthenticated("Please sign in.")
        principal, _ = await self._stored(row[0])
        if principal is None:
            raise unauthenticated("Please sign in.")
        return principal

    async def _stored(self, key_id: str) -> tuple[Principal | None, str]:
        """The principal of a living key and its digest; an unknown id costs the same comparison."""
        async with self._database.reading() as tx:
            row = await tx.fetch_one(
                "SELECT name,source,digest,scopes,units FROM keys WHERE key_id = $1 "
                "AND revoked IS NULL AND (expires IS NULL OR expires > $2)",
                key_id,
                micros(self._clock.now()),
            )
        if row is None:
            return None, _digest("")
        units = frozenset(json.loads(row[4])) if row[4] else None
        return Principal(key_id, row[0], row[1], frozenset(json.loads(row[3])), units), row[2]
