"""SMS through a gateway that takes a JSON POST, with our reference so that it can drop repeats.

Owns the request `{"to","from","text","reference","callback"}` and the meaning of HTTP answers.
A gateway's own JSON names differ; this is the shape to adapt to in front of one.
"""

from __future__ import annotations

import httpx

from services.notify.channels.contract import Envelope, Handover, redacted
from services.notify.channels.reach import unreachable
from services.notify.policy import Outcome
from shared.settings import Sms

TIMEOUT = httpx.Timeout(20.0, connect=5.0)
_BUSY = frozenset({408, 425, 429})
_NOT_LET_IN = frozenset({401, 403, 407})


def before_the_body(error: httpx.HTTPError) -> bool:
    """Return whether a failed request surely never reached the gateway as a whole."""
    kinds = (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.WriteError,
        httpx.WriteTimeout,
        httpx.UnsupportedProtocol,
    )
    return isinstance(error, kinds)


def of_failure(error: httpx.HTTPError) -> Handover:
    """Return the outcome of a request that got no answer."""
    if before_the_body(error):
        return Handover(Outcome.UNREACHABLE, f"SMS gateway: {type(error).__name__}")
    return Handover(Outcome.UNKNOWN, f"no answer from the SMS gateway: {type(error).__name__}")


def of_refusal(answer: httpx.Response, *, server_error: Outcome) -> Handover:
    """Return the outcome of an answer that is none of 2xx.

    Too many requests, and a gateway that does not let us in (our mistake, not the message's), are
    temporary; any other 4xx is final. A 503 took nothing; `server_error` is what other 5xx mean.
    """
    status = answer.status_code
    detail = redacted(f"{status} {answer.text}")
    if status in _BUSY or status == httpx.codes.SERVICE_UNAVAILABLE:
        return Handover(Outcome.REFUSED, detail, retry_after=_pause(answer))
    if status in _NOT_LET_IN:
        return Handover(Outcome.REFUSED, detail)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Handover(server_error, detail)
    return Handover(Outcome.PERMANENT, detail)


def _pause(answer: httpx.Response) -> int | None:
    asked = answer.headers.get("retry-after", "")
    return min(int(asked), 6 * 3600) if asked.isdigit() else None


class HttpSmsChannel:
    """Hands texts to one HTTP gateway."""

    def __init__(self, sms: Sms, client: httpx.AsyncClient, receipts: str) -> None:
        """Take the settings, a client of its own and the address under which receipts come."""
        self._sms = sms
        self._client = client
        self._receipts = receipts

    async def send(self, envelope: Envelope) -> Handover:
        """Make one attempt; a repeat carries the same reference."""
        try:
            answer = await self._client.post(
                self._sms.url or "",
                auth=httpx.BasicAuth(self._sms.username or "", self._sms.password or ""),
                headers={"Idempotency-Key": envelope.delivery_id},
                json={
                    "to": envelope.recipient,
                    "from": self._sms.sender,
                    "text": envelope.text,
                    "reference": envelope.delivery_id,
                    "callback": f"{self._receipts}/{envelope.token}",
                },
            )
        except httpx.HTTPError as error:
            return of_failure(error)
        if answer.is_success:
            return Handover(Outcome.ACCEPTED, str(answer.status_code), _own_id(answer))
        return of_refusal(answer, server_error=Outcome.REFUSED)

    async def check(self) -> str | None:
        """Say whether the gateway's port answers."""
        return await gateway_unreachable(self._sms.url or "")

    async def close(self) -> None:
        """Close the client."""
        await self._client.aclose()


def _own_id(answer: httpx.Response) -> str | None:
    try:
        body = answer.json()
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    given = body.get("message_id", body.get("id"))
    return None if given is None else str(given)[:100]


async def gateway_unreachable(url: str) -> str | None:
    """Return None when the port of a gateway's address answers, else what is missing."""
    address = httpx.URL(url)
    port = address.port or (443 if address.scheme == "https" else 80)
    return await unreachable("SMS gateway", address.host, port)
