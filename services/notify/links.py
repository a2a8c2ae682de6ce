"""Addresses that go into mails: acknowledging by a signed link, and the unit's card.

Owns the signature. A link names one alert and one officer; whoever holds it can do one thing, and
opening it does nothing (mail scanners open links): the page it shows has a button.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote

_MAC_BYTES = 16
_LONGEST = 600


class Links:
    """Makes and reads links with a secret of the deployment."""

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")
        self._secret = b""

    def use(self, secret: str) -> None:
        """Take the signing secret; it is known only once the access store is open."""
        self._secret = secret.encode()

    def acknowledge(self, alert_id: str, officer_id: str) -> str:
        """Return the address at which one officer acknowledges one alert."""
        return f"{self._base}/v1/acks/{self.token(alert_id, officer_id)}"

    def card(self, unit_id: str) -> str:
        """Return the address of a unit's card."""
        return f"{self._base}/units/{quote(unit_id, safe='')}"

    def token(self, alert_id: str, officer_id: str) -> str:
        """Return the signed token of an alert and an officer."""
        named = f"{alert_id}\n{officer_id}".encode()
        return f"{_text(named)}.{_text(self._mac(named))}"

    def read(self, token: str) -> tuple[str, str] | None:
        """Return the alert and the officer of a token that we signed, else None."""
        if not self._secret or len(token) > _LONGEST:
            return None
        body, _, signature = token.partition(".")
        try:
            named = _bytes(body)
            given = _bytes(signature)
            alert_id, _, officer_id = named.decode().partition("\n")
        except ValueError:
            return None
        if not hmac.compare_digest(given, self._mac(named)):
            return None
        return alert_id, officer_id

    def _mac(self, named: bytes) -> bytes:
        return hmac.new(self._secret, b"acknowledge\n" + named, hashlib.sha256).digest()[
            :_MAC_BYTES
        ]


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
