"""The access store: who a key or a session stands for, and the key of the services themselves.

Owns authentication and how long its answers are remembered; the life of keys is in `access_keys`,
what a route needs is declared with `shared.security`. Only digests are kept. Answers are remembered
for less than five seconds, so a revoked key dies within five, in every process.
"""

import hmac
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from shared.access_keys import Keys, Made, digest_of
from shared.access_tables import TABLES
from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.errors import DatabaseError
from shared.errors import Problem
from shared.limits import Limit, Limits

__all__ = ["ANONYMOUS", "SCOPES", "SESSION_HOURS", "TABLES", "Access", "Principal"]
_LOG = structlog.get_logger("rtsm.access")
SCOPES = (
    "visits:write",
    "visits:read",
    "visits:review",
    "registry:write",
    "registry:read",
    "targets:write",
    "imports:write",
    "cards:read",
    "alerts:read",
    "alerts:write",
    "rules:write",
    "officers:write",
    "contacts:read",
    "admin",
)
_REMEMBER_SECONDS = 4.5
_REMEMBER_MOST = 10_000
_USED_SECONDS = 60.0
SESSION_HOURS = 12


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: a key, its source, what it may do and where (None: everywhere).

    `limit` bounds its requests, counted together for all keys of its `line`.
    """

    key_id: str
    name: str
    source: str
    scopes: frozenset[str]
    units: frozenset[str] | None = None
    limit: Limit | None = None
    line: str = ""

    def has(self, scope: str) -> bool:
        """Whether the scope is held; `admin` holds all."""
        return "admin" in self.scopes or scope in self.scopes

    def need(self, scope: str) -> None:
        """Raise Problem 403 unless the scope is held."""
        if not self.has(scope):
            raise Problem(403, "scope_missing", f"This key lacks the scope {scope}.")


ANONYMOUS = Principal("anonymous", "anonymous", "anonymous", frozenset({"cards:read"}))


def unauthenticated(detail: str = "A valid API key is needed: Authorization: Bearer …") -> Problem:
    """The one 401, whatever was wrong with the key."""
    return Problem(401, "unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})


class Access:
    """Keys and sessions in their own small database.

    `default` is the limit of keys that have none of their own (None: no limit).
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        limits: Limits | None = None,
        default: Limit | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._default = default
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()
        self._used: OrderedDict[str, float] = OrderedDict()
        self.keys = Keys(database, clock)
        self.limits = limits or Limits()

    async def open(self) -> None:
        """Open the store."""
        await self._database.open()

    async def close(self) -> None:
        """Close the store."""
        await self.limits.close()
        await self._database.close()

    async def make_key(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        source: str | None = None,
        units: Sequence[str] | None = None,
        days: int | None = None,
        limit: Limit | None = None,
    ) -> Made:
        """Make a key; raises ValueError for an unknown scope."""
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            raise ValueError(f"unknown scope {', '.join(unknown)}; scopes are {', '.join(SCOPES)}")
        return await self.keys.create(
            name,
            frozenset(scopes),
            source=source,
            units=frozenset(units) if units else None,
            days=days,
            limit=limit,
        )

    async def create_key(
        self,
        name: str,
        scopes: list[str],
        *,
        source: str | None = None,
        units: list[str] | None = None,
        days: int | None = None,
    ) -> tuple[str, str, int | None]:
        """As `make_key`: (the key itself, shown this once; its id; when it expires)."""
        made = await self.make_key(name, scopes, source=source, units=units, days=days)
        return made.words, made.key.key_id, made.key.expires

    async def revoke_key(self, key_id: str) -> bool:
        """End a key and its sessions, here at once; False when there is none of this id."""
        revoked = await self.keys.revoke(key_id)
        self.forget(key_id)
        return revoked

    def forget(self, key_id: str) -> None:
        """Ask the store again at the key's next request."""
        for credential in [c for c, (_, who) in self._known.items() if who.key_id == key_id]:
            del self._known[credential]

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
                digest_of(token),
                principal.key_id,
                micros(now + timedelta(hours=SESSION_HOURS)),
            )
        return token

    async def end_session(self, token: str) -> None:
        """Sign out."""
        self._known.pop(f"session:{token}", None)
        async with self._database.transaction() as tx:
            await tx.execute("DELETE FROM sessions WHERE digest = $1", digest_of(token))

    def remembered(self, credential: str) -> Principal | None:
        """Who a credential stood for within the last seconds: no waiting, for the fast path."""
        known = self._known.get(credential)
        if known is None or time.monotonic() - known[0] > _REMEMBER_SECONDS:
            return None
        return known[1]

    async def authenticate(self, key: str) -> Principal:
        """Who an API key stands for; raises Problem 401."""
        known = self.remembered(key)
        if known is not None:
            return known
        asked = time.monotonic()
        return await self._remember(key, asked, await self._of_key(key))

    async def session(self, token: str) -> Principal:
        """Who a session stands for; raises Problem 401."""
        credential = f"session:{token}"
        known = self.remembered(credential)
        if known is not None:
            return known
        asked = time.monotonic()
        return await self._remember(credential, asked, await self._of_session(token))

    async def _remember(self, credential: str, asked: float, principal: Principal) -> Principal:
        """Keep an answer, from when it was asked for: it may be old when a slow store gives it."""
        self._known[credential] = (asked, principal)
        self._known.move_to_end(credential)
        if len(self._known) > _REMEMBER_MOST:
            self._known.popitem(last=False)
        await self._note_use(principal.key_id)
        return principal

    async def _note_use(self, key_id: str) -> None:
        """Write when a key was used, once a minute at most; no request fails for that."""
        now = time.monotonic()
        if key_id == "service" or now - self._used.get(key_id, -_USED_SECONDS) < _USED_SECONDS:
            return
        self._used[key_id] = now
        self._used.move_to_end(key_id)
        if len(self._used) > _REMEMBER_MOST:
            self._used.popitem(last=False)
        try:
            await self.keys.used(key_id, micros(self._clock.now()))
        except DatabaseError as error:
            del self._used[key_id]
            _LOG.warning("the use of a key was not noted", key_id=key_id, error=str(error))

    async def _of_key(self, key: str) -> Principal:
        prefix, _, rest = key.partition("_")
        key_id, _, secret = rest.partition("_")
        if prefix != "rtsm" or not secret:
            raise unauthenticated()
        if key_id == "service":
            if not hmac.compare_digest(secret.encode(), (await self.secret("service")).encode()):
                raise unauthenticated()
            return Principal("service", "service", "service", frozenset({"admin"}))
        principal, digest = await self._stored(key_id)
        # Compared whether there is such a key or not: both answers take as long.
        same = hmac.compare_digest(digest, digest_of(secret))
        if principal is None or not same:
            raise unauthenticated()
        return principal

    async def _of_session(self, token: str) -> Principal:
        async with self._database.reading() as tx:
            row = await tx.fetch_one(
                "SELECT key_id FROM sessions WHERE digest = $1 AND expires > $2",
                digest_of(token),
                micros(self._clock.now()),
            )
        if row is None or row[0] == "service":
            raise unauthenticated("Please sign in.")
        principal, _ = await self._stored(row[0])
        if principal is None:
            raise unauthenticated("Please sign in.")
        return principal

    async def _stored(self, key_id: str) -> tuple[Principal | None, str]:
        """The principal of a living key and its digest."""
        async with self._database.reading() as tx:
            row = await tx.fetch_one(
                "SELECT k.name,k.source,k.digest,k.scopes,k.units,d.line,d.limit_requests,"
                "d.limit_seconds FROM keys k LEFT JOIN key_details d ON d.key_id = k.key_id "
                "WHERE k.key_id = $1 AND k.revoked IS NULL "
                "AND (k.expires IS NULL OR k.expires > $2)",
                key_id,
                micros(self._clock.now()),
            )
        if row is None:
            return None, digest_of("")
        name, source, digest, scopes, units, line, requests, seconds = row
        return (
            Principal(
                key_id,
                name,
                source,
                frozenset(json.loads(scopes)),
                frozenset(json.loads(units)) if units else None,
                self._default if requests is None else Limit(requests, seconds),
                line or key_id,
            ),
            digest,
        )
