"""Signing in by a link in a mail: asked for, mailed, opened, used once.

Owns the links (only their digests are kept) and the sessions made from them. A link is good for a
quarter of an hour and for one use; opening it does nothing, because programs that scan mail open
links too. Nobody learns here whether an address is known: the answer is given before anybody looks.
Who a person is, and the mail itself, are left to notify.
"""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from services.reports.posts import scopes_of
from shared.access import SESSION_HOURS, Access
from shared.access_keys import PERSON
from shared.clients.notify import NotifyClient
from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.errors import Transient
from shared.errors import Problem
from shared.limits import Limit

_LOG = structlog.get_logger("rtsm.sign_in")
LINK_MINUTES = 15
_MOST_WAITING = 200
# Of one address, and of the whole deployment: nobody's mail box is flooded from here.
_EACH = Limit(requests=3, seconds=LINK_MINUTES * 60)
_ALL = Limit(requests=300, seconds=LINK_MINUTES * 60)


@dataclass(frozen=True, slots=True)
class Person:
    """Who a link stands for: an officer, the scopes of the posts held today, and the units."""

    officer_id: str
    scopes: list[str]
    units: list[str]
    days_left: int | None


def person_of(document: dict[str, Any]) -> Person | None:
    """What notify says of an officer as rights; None for one without a posting today.

    Who holds several posts at once has what all of them may do: never more than one of them.
    """
    postings: list[dict[str, str]] = document["postings"]
    if not postings:
        return None
    allowed = [set(scopes_of(posting["post"])) for posting in postings]
    return Person(
        officer_id=document["officer_id"],
        scopes=sorted(set.intersection(*allowed)),
        units=sorted({posting["unit_id"] for posting in postings}),
        days_left=document["days_left"],
    )


class SignIn:
    """Makes links and turns them into sessions."""

    def __init__(
        self,
        database: Database,
        notify: NotifyClient,
        access: Access,
        clock: Clock,
        zone: ZoneInfo,
    ) -> None:
        self._database = database
        self._notify = notify
        self._access = access
        self._clock = clock
        self._zone = zone
        self._waiting: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)
        self._secret = b""

    async def take_secret(self) -> None:
        """Take the deployment's secret; it is known only once the access store is open."""
        self._secret = (await self._access.secret("sign-in")).encode()

    async def ask(self, email: str) -> None:
        """Take a wish for a link; raises Problem 503 while too many people wish for one."""
        standing = await self._access.limits.count("sign-in", _ALL)
        if not standing.admitted:
            raise _busy(standing.reset)
        address = hmac.new(self._secret, email.lower().encode(), hashlib.sha256).hexdigest()
        # One address too often is not told: that, too, would say whether it is known.
        if not (await self._access.limits.count(f"sign-in:{address}", _EACH)).admitted:
            return
        try:
            self._waiting.put_nowait(email)
        except asyncio.QueueFull:
            raise _busy(60) from None

    async def run(self) -> None:
        """Mail links until cancelled."""
        while True:
            await self._serve(await self._waiting.get())

    async def drain(self) -> int:
        """Mail all links that wait; how many wishes that were."""
        served = 0
        while not self._waiting.empty():
            await self._serve(self._waiting.get_nowait())
            served += 1
        return served

    async def _serve(self, email: str) -> None:
        """Mail a link to each officer of an address; after a failure the person asks again."""
        try:
            for document in await self._notify.people(email):
                person = person_of(document)
                if person is not None:
                    await self._mail(person)
        except (Problem, Transient) as error:
            _LOG.warning("a link to sign in was not sent", error=str(error))

    async def _mail(self, person: Person) -> None:
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            await tx.execute("DELETE FROM sign_in_links WHERE expires < $1", micros(now))
            await tx.execute(
                "INSERT INTO sign_in_links (digest, officer_id, expires) VALUES ($1,$2,$3)",
                _digest(token),
                person.officer_id,
                micros(now + timedelta(minutes=LINK_MINUTES)),
            )
        await self._notify.mail_link(person.officer_id, token)

    async def good(self, token: str) -> bool:
        """Whether a link could be used now; asking changes nothing."""
        return await self._officer_of(token) is not None

    async def use(self, token: str) -> str | None:
        """The token of a new session, or None for a link that is none, is old or was used."""
        officer_id = await self._officer_of(token)
        if officer_id is None:
            return None
        try:
            person = person_of(await self._notify.person(officer_id))
        except Problem as problem:
            if problem.status != 404:
                raise
            person = None
        async with self._database.transaction() as tx:
            # Of two at once one deletes the row, and only that one goes on.
            used = await tx.execute("DELETE FROM sign_in_links WHERE digest = $1", _digest(token))
        return await self._session(person) if used and person is not None else None

    async def end(self, session: str) -> None:
        """Sign out; of a person, the key that stood behind the session ends too."""
        try:
            principal = await self._access.session(session)
        except Problem:
            principal = None
        await self._access.end_session(session)
        if principal is not None and principal.source.startswith(PERSON):
            await self._access.revoke_key(principal.key_id)

    async def _officer_of(self, token: str) -> str | None:
        async with self._database.reading() as tx:
            row = await tx.fetch_one(
                "SELECT officer_id FROM sign_in_links WHERE digest = $1 AND expires > $2",
                _digest(token),
                micros(self._clock.now()),
            )
        return None if row is None else str(row[0])

    async def _session(self, person: Person) -> str:
        """A session of a person's own key, which ends with the session or with the posting."""
        key, key_id, _ = await self._access.create_key(
            person.officer_id,
            person.scopes,
            source=f"{PERSON}{person.officer_id}",
            units=person.units,
            days=1,
        )
        await self._access.keys.expire(key_id, self._until(person))
        return await self._access.start_session(key)

    def _until(self, person: Person) -> datetime:
        now = self._clock.now()
        ends = now + timedelta(hours=SESSION_HOURS)
        if person.days_left is None:
            return ends
        last = now.astimezone(self._zone).date() + timedelta(days=person.days_left + 1)
        return min(ends, datetime.combine(last, time.min, self._zone))


def _busy(seconds: int) -> Problem:
    detail = "Too many people ask for a link just now. Please try again later."
    return Problem(503, "busy", detail, headers={"Retry-After": str(seconds)})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
