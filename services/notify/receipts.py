"""What has become of a message: one ladder on which it only ever climbs.

Owns the order of the states and the meaning of a gateway's delivery report. Storing is left to
`outbox`.
"""

from __future__ import annotations

LADDER = (
    "queued",
    "sending",
    "unknown",
    "accepted",
    "sent",
    "expired",
    "delivered",
    "failed",
)
"""States from the least to the most settled; the higher of two always wins, in any order.

`delivered` stands above `expired` because a late report of delivery is true; `failed` stands above
`delivered` because a message of several parts is only as good as its worst part.
"""

FINAL = frozenset({"expired", "delivered", "failed", "cancelled"})

_KANNEL = {"1": "delivered", "2": "failed", "4": "accepted", "8": "sent", "16": "failed"}
_WORDS = {
    "delivered": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "rejected": "failed",
    "expired": "expired",
    "sent": "sent",
    "accepted": "accepted",
    "queued": "accepted",
}


def higher(state: str, reported: str) -> str:
    """Return the state after a report; a state off the ladder (cancelled) stays."""
    if state not in LADDER or reported not in LADDER:
        return state
    return max(state, reported, key=LADDER.index)


def meaning(kind: str) -> str | None:
    """Return the state that a report's type stands for (Kannel's numbers, or a word), or None."""
    return _KANNEL.get(kind) or _WORDS.get(kind.lower())
