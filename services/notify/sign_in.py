"""Telling people how to sign in: who an e-mail address belongs to, and the mail with the link.

Owns what the service of pages may ask about a person, and the words of that mail. Links and
sessions are made there; here the address is known, and it never leaves. Asked between services
alone.
"""

from __future__ import annotations

import asyncio
import html
import secrets
import uuid
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.notify import directory
from services.notify.channels.contract import Channel, Envelope
from services.notify.directory import Officer
from services.notify.policy import MINUTE, Outcome
from services.notify.segments import clean
from shared.access import Access, Principal
from shared.access_keys import PERSON
from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.errors import Transient
from shared.domain.days import day_number, today
from shared.errors import Problem, not_found
from shared.security import require
from shared.web import StrictRoute

_LOG = structlog.get_logger("rtsm.notify")
Service = Annotated[Principal, Depends(require("admin"))]
_MOST_PEOPLE = 5
_MINUTES = 15
_LOOK_SECONDS = 0.5
# Of two changes the one that is stored later may bear the earlier instant.
_OVERLAP = MINUTE
_WORDS = {
    "en": {
        "subject": "Your link to sign in to Real Time School Monitoring",
        "lead": "Somebody, most likely you, asked to sign in as {post}. Open this link within "
        "{minutes} minutes and press the button there. It works once.",
        "open": "Sign in",
        "end": "If you did not ask for it, do nothing: nobody is signed in by this mail.",
    },
    "ur": {
        "subject": "ریئل ٹائم اسکول مانیٹرنگ میں داخل ہونے کا لنک",
        "lead": "کسی نے، غالباً آپ نے، {post} کے طور پر داخل ہونے کا لنک مانگا ہے۔ {minutes} منٹ "
        "کے اندر یہ لنک کھول کر بٹن دبائیں۔ یہ صرف ایک بار کام کرتا ہے۔",
        "open": "داخل ہوں",
        "end": "اگر آپ نے نہیں مانگا تو کچھ نہ کریں: اس پیغام سے کوئی داخل نہیں ہوتا۔",
    },
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AddressIn(_Strict):
    """An e-mail address that somebody typed."""

    email: Annotated[str, Field(min_length=3, max_length=254)]


class LinkIn(_Strict):
    """The secret part of a link to sign in."""

    token: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{20,100}$")]


class SignIn:
    """Knows people by their address, and mails links to them."""

    def __init__(
        self,
        database: Database,
        access: Access,
        channel: Channel,
        clock: Clock,
        zone: ZoneInfo,
        base: str,
    ) -> None:
        """Take the channel of e-mail and the address under which people reach the pages."""
        self._database = database
        self._access = access
        self._seen = 0
        self._channel = channel
        self._clock = clock
        self._zone = zone
        self._base = base.rstrip("/")

    async def people(self, email: str) -> list[dict[str, Any]]:
        """Return the officers of an address, in whatever case it is written."""
        async with self._database.reading() as tx:
            rows = await tx.fetch(
                "SELECT officer_id FROM officers WHERE lower(email) = $1 "
                "ORDER BY officer_id LIMIT $2",
                email.strip().lower(),
                _MOST_PEOPLE,
            )
            found = await directory.officers(tx, [row[0] for row in rows]) if rows else []
        return [self._person(officer) for officer in found]

    async def person(self, officer_id: str) -> dict[str, Any]:
        """Return what an officer is today; raises Problem 404."""
        return self._person(await self._officer(officer_id))

    async def mail(self, officer_id: str, token: str) -> dict[str, Any]:
        """Mail a link; raises Problem 404 for an officer without an address."""
        officer = await self._officer(officer_id)
        if officer.email is None:
            raise not_found("officer")
        handover = await self._channel.send(self._envelope(officer, officer.email, token))
        if handover.outcome is not Outcome.ACCEPTED:
            detail = f"The mail was not taken: {handover.detail}"
            raise Problem(502, "mail_not_taken", detail)
        return {"sent": True}

    async def run(self) -> None:
        """End sessions as `follow` does, until cancelled."""
        while True:
            try:
                await self.follow()
            except Transient as error:
                _LOG.warning("sessions are not followed", error=str(error))
            await asyncio.sleep(_LOOK_SECONDS)

    async def follow(self) -> int:
        """End the sessions of officers whose record changed since; how many that were.

        They sign in anew, as what they are now.
        """
        newest = await self._changed(self._seen - _OVERLAP)
        if not newest:
            return 0
        ended = 0
        for key in await self._access.keys.listed():
            officer_id = key.source.removeprefix(PERSON)
            if officer_id != key.source and key.created < newest.get(officer_id, 0):
                ended += key.revoked is None and await self._access.revoke_key(key.key_id)
        self._seen = max(newest.values())
        return ended

    async def _changed(self, since: int) -> dict[str, int]:
        """Return the officers stored after an instant, and when."""
        async with self._database.reading() as tx:
            rows = await tx.fetch(
                "SELECT officer_id, recorded FROM officers WHERE recorded > $1", since
            )
        return {row[0]: row[1] for row in rows}

    async def _officer(self, officer_id: str) -> Officer:
        async with self._database.reading() as tx:
            found = await directory.officers(tx, [officer_id])
        if not found:
            raise not_found("officer")
        return found[0]

    def _person(self, officer: Officer) -> dict[str, Any]:
        day = day_number(today(self._clock.now(), self._zone))
        holding = [posting for posting in officer.postings if posting.holds(day)]
        ends = [posting.last - day for posting in holding if posting.last is not None]
        return {
            "officer_id": officer.officer_id,
            "language": officer.language if officer.language in _WORDS else "en",
            "postings": [
                {"unit_id": posting.unit_id, "post": posting.post or officer.post}
                for posting in holding
            ],
            "days_left": min(ends, default=None),
        }

    def _envelope(self, officer: Officer, address: str, token: str) -> Envelope:
        language = officer.language if officer.language in _WORDS else "en"
        words = _WORDS[language]
        link = f"{self._base}/sign-in/link/{quote(token, safe='')}?lang={language}"
        lead = words["lead"].format(post=clean(officer.post), minutes=_MINUTES)
        direction = "rtl" if language == "ur" else "ltr"
        page = (
            f'<!doctype html><html lang="{language}" dir="{direction}"><body>'
            f"<p>{html.escape(lead)}</p>"
            f'<p><a href="{html.escape(link)}">{html.escape(words["open"])}</a></p>'
            f"<p>{html.escape(words['end'])}</p></body></html>"
        )
        now = micros(self._clock.now())
        return Envelope(
            delivery_id=str(uuid.uuid4()),
            token=secrets.token_urlsafe(8),
            recipient=address,
            text=f"{words['subject']}: {link}",
            subject=words["subject"],
            body=f"{lead}\n\n{link}\n\n{words['end']}\n",
            page=page,
            language=language,
            codes=(),
            threads=(),
            created=now,
            expires=now + _MINUTES * MINUTE,
        )


def router(sign_in: SignIn) -> APIRouter:
    """Return the routes that the service of pages asks."""
    routes = APIRouter(route_class=StrictRoute, include_in_schema=False)

    @routes.post("/v1/sign-ins")
    async def people(sent: AddressIn, caller: Service) -> dict[str, Any]:
        """Say who an address belongs to, and what they are today."""
        del caller
        return {"people": await sign_in.people(sent.email)}

    @routes.get("/v1/sign-ins/{officer_id:segment}")
    async def person(officer_id: str, caller: Service) -> dict[str, Any]:
        """Say what an officer is today."""
        del caller
        return await sign_in.person(officer_id)

    @routes.post("/v1/sign-ins/{officer_id:segment}/mail")
    async def mail(officer_id: str, sent: LinkIn, caller: Service) -> dict[str, Any]:
        """Mail a link to an officer."""
        del caller
        return await sign_in.mail(officer_id, sent.token)

    return routes
