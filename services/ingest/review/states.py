"""Where a visit stands in the review queue; pure.

Owns the meaning of open, cleared, released and excluded. A decision covers the form it was about
and the flags that could be seen then: another form, or a further flag, opens the visit again.
"""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from services.ingest.flags import Flag

OPEN, CLEARED, RELEASED, EXCLUDED = "open", "cleared", "released", "excluded"
STATES = (OPEN, CLEARED, RELEASED, EXCLUDED)
_FLAGS = msgspec.json.Decoder(list[Flag])


@dataclass(frozen=True, slots=True)
class Decided:
    """What the last decision about a visit was, about which form, seeing which flags."""

    decision: str
    form_revision: int
    codes: frozenset[str]


def codes_of(flags: str) -> frozenset[str]:
    """The codes of flags as they are stored."""
    return frozenset() if flags == "[]" else frozenset(flag.code for flag in _FLAGS.decode(flags))


def state_of(
    standing: str, codes: Collection[str], form_revision: int, last: Decided | None
) -> str:
    """The state of a visit in the queue; empty when nobody need look and nobody has decided."""
    if standing == "excluded":
        return EXCLUDED
    if standing in ("waiting", "quarantined"):
        return OPEN
    if last is None or last.decision == "exclude":
        return OPEN if codes else ""
    if last.form_revision == form_revision and last.codes.issuperset(codes):
        return RELEASED if last.decision == "release" else CLEARED
    return OPEN if codes else CLEARED
