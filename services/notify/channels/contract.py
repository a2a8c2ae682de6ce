"""What every channel takes and gives: one envelope in, one outcome out.

A channel makes one attempt and says how it ended; when to try again is decided in `policy`, and
nothing here is logged with an address in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from services.notify.policy import Outcome

_DIGITS = re.compile(r"\d{6,}")
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_LONGEST_DETAIL = 160


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message ready to go: `recipient` is the address, the rest is text and references.

    `codes` are the alerts' codes, `threads` ids that stay the same for all messages of an alert,
    `created` and `expires` microseconds.
    """

    delivery_id: str
    token: str
    recipient: str
    text: str
    subject: str
    body: str
    page: str
    language: str
    codes: tuple[str, ...]
    threads: tuple[str, ...]
    created: int
    expires: int


@dataclass(frozen=True, slots=True)
class Handover:
    """How one attempt ended: the kind, a few words without addresses, the gateway's own id.

    `retry_after` is the pause in seconds that the gateway asked for.
    """

    outcome: Outcome
    detail: str
    provider_id: str | None = None
    retry_after: int | None = None


class Channel(Protocol):
    """A way out of the house."""

    async def send(self, envelope: Envelope) -> Handover:
        """Make one attempt; every failure comes back as an outcome."""
        ...

    async def check(self) -> str | None:
        """Return None when the way is open, else what is missing, in words."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def redacted(text: str) -> str:
    """Return a gateway's words without telephone numbers and addresses, on one short line."""
    line = " ".join(text.split())
    return _DIGITS.sub("•••", _ADDRESS.sub("•••", line))[:_LONGEST_DETAIL]
