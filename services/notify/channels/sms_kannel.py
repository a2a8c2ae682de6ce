"""SMS through Kannel's `sendsms`, with delivery reports under a secret token.

Owns the query and the meaning of Kannel's answers: 202 with `0: Accepted for delivery` or
`3: Queued for later delivery`. The user's name and password are in the query, so no address of a
request is ever logged or kept.
"""

from __future__ import annotations

import httpx

from services.notify.channels.contract import Envelope, Handover, redacted
from services.notify.channels.sms_http import gateway_unreachable, of_failure, of_refusal
from services.notify.policy import MINUTE, Outcome
from services.notify.segments import is_gsm
from shared.settings import Sms

ALL_REPORTS = 31
"""Every kind of report: delivered, undeliverable, buffered, taken by the operator, rejected."""
_LEAST_VALIDITY = 10


class KannelChannel:
    """Hands texts to one Kannel."""

    def __init__(self, sms: Sms, client: httpx.AsyncClient, receipts: str) -> None:
        """Take the settings, a client of its own and the address under which receipts come."""
        self._sms = sms
        self._client = client
        self._receipts = receipts

    def query(self, envelope: Envelope) -> dict[str, str]:
        """Return the parameters of `sendsms` for one message."""
        minutes = (envelope.expires - envelope.created) // MINUTE
        return {
            "username": self._sms.username or "",
            "password": self._sms.password or "",
            "from": self._sms.sender,
            "to": envelope.recipient,
            "text": envelope.text,
            "charset": "UTF-8",
            "coding": "0" if is_gsm(envelope.text) else "2",
            "validity": str(max(_LEAST_VALIDITY, minutes)),
            "dlr-mask": str(ALL_REPORTS),
            "dlr-url": f"{self._receipts}/{envelope.token}?type=%d&answer=%A&id=%F",
        }

    async def send(self, envelope: Envelope) -> Handover:
        """Make one attempt."""
        address = httpx.URL(self._sms.url or "").copy_merge_params(self.query(envelope))
        try:
            answer = await self._client.get(address)
        except httpx.HTTPError as error:
            return of_failure(error)
        if answer.is_success:
            return Handover(Outcome.ACCEPTED, redacted(f"{answer.status_code} {answer.text}"))
        return of_refusal(answer, server_error=Outcome.UNKNOWN)

    async def check(self) -> str | None:
        """Say whether Kannel's port answers."""
        return await gateway_unreachable(self._sms.url or "")

    async def close(self) -> None:
        """Close the client."""
        await self._client.aclose()
