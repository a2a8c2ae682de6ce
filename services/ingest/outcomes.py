"""What became of a submission: its receipt, and the problem when it was refused.

Owns the meaning of a replay: the first receipt with the present status, 409 for other content,
410 for what was withdrawn.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from services.ingest.drafts import Draft
from services.ingest.flags import Flag
from services.ingest.stamps import written
from shared.errors import Problem

_FLAGS = msgspec.json.Decoder(list[Flag])
_ENCODER = msgspec.json.Encoder()


class Receipt(msgspec.Struct, omit_defaults=True):
    """The answer to a write; `flags` are those of the revision it is about."""

    visit_id: str
    source: str
    revision: int
    status: str
    flags: list[Flag]
    received_at: str
    position: int
    recorded_at: str | None = None
    figures: str | None = None


@dataclass(slots=True)
class Outcome:
    """A submission's fate: `word` is accepted, quarantined or replayed."""

    word: str
    receipt: Receipt

    @property
    def http(self) -> int:
        """The status code of a single submission with this fate."""
        return {"accepted": 201, "quarantined": 202}.get(self.word, 200)


def status_of(standing: str, known: bool) -> str:
    """The word a visit's state is told with; waiting for a school is derived, never stored."""
    if standing != "standing":
        return standing
    return "accepted" if known else "quarantined"


def flags_text(flags: list[Flag]) -> str:
    """Flags as they are stored."""
    return _ENCODER.encode(flags).decode() if flags else "[]"


def flags_of(text: str) -> list[Flag]:
    """Flags as they were stored."""
    return [] if text == "[]" else _FLAGS.decode(text)


def accepted(draft: Draft, position: int) -> Outcome:
    """The fate of a submission that became revision 1 at a journal position."""
    status = status_of(draft.standing, draft.known)
    receipt = Receipt(
        visit_id=draft.visit_id,
        source=draft.source,
        revision=1,
        status=status,
        flags=draft.flags,
        received_at=draft.received_at,
        position=position,
    )
    return Outcome(status, receipt)


def again(draft: Draft, first: Draft, outcome: Outcome) -> Outcome | Problem:
    """The fate of a submission whose id came earlier in the same batch."""
    if draft.digest != first.digest:
        return conflict()
    return Outcome("replayed", outcome.receipt)


# What `replayed` needs of a stored visit, in this order.
REPLAY_COLUMNS = "visit_id,source,digest,standing,school_code,flags,received_at,first_position"


def replayed(draft: Draft, row: Any, knows: Any) -> Outcome | Problem:
    """The fate of a submission whose id is stored; `row` has `REPLAY_COLUMNS`."""
    _, _, digest, standing, code, flags, received_at, position = row
    if standing == "withdrawn":
        return withdrawn()
    if bytes(digest) != draft.digest:
        return conflict()
    receipt = Receipt(
        visit_id=draft.visit_id,
        source=draft.source,
        revision=1,
        status=status_of(standing, knows(code)),
        flags=flags_of(flags),
        received_at=written(received_at),
        position=position,
    )
    return Outcome("replayed", receipt)


def conflict() -> Problem:
    """The 409 for other content under a known id."""
    detail = "Another visit was accepted under this id; correct it with PUT, or use a new id."
    return Problem(409, "visit_exists", detail)


def withdrawn() -> Problem:
    """The 410 for a withdrawn visit."""
    return Problem(410, "withdrawn", "The visit was withdrawn; PUT restores it.")
