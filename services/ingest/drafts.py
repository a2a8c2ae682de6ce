"""A visit on its way into the ledger: read, judged, flagged, and not stored yet.

Owns what can be decided about a submission before its transaction, and again inside it when the
register has changed meanwhile. Storing is left to `intake` and `changes`.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.ingest.calendar import Calendar
from services.ingest.flags import Flag, Limits, flag
from services.ingest.reading import CORRECTION, VISIT, Body, composed, read
from services.ingest.registry.register import Register, school_key
from services.ingest.rules import reject
from services.ingest.schemas import VisitForm
from services.ingest.stamps import Stamps, written
from shared.access import Principal
from shared.clock import from_micros
from shared.domain.codes import canonical_school_code
from shared.domain.days import day_number
from shared.errors import FieldError, Problem, not_found
from shared.journal.records import Event

ACCEPTED = "rtsm.visit.accepted.v1"
CORRECTED = "rtsm.visit.corrected.v1"
WITHDRAWN = "rtsm.visit.withdrawn.v1"
TOPIC = "rtsm.visits"
_EPOCH = from_micros(0)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_ENCODER = msgspec.json.Encoder()
_NO_FLAGS: list[Flag] = []


class VisitEvent(msgspec.Struct, omit_defaults=True):
    """The data of a visit's event: its state after a revision, with the measured form."""

    source: str
    visit_id: str
    revision: int
    recorded_at: str
    received_at: str
    school_code: str
    standing: str
    visited_at: datetime
    form: msgspec.Raw
    previous_school_code: str | None = None


@dataclass(slots=True)
class Draft:
    """One submission; `received` is microseconds, `standing` where it would stand as revision 1."""

    visit: VisitForm
    visit_id: str
    source: str
    actor: str
    digest: bytes
    text: str
    plain: bool
    code: str
    local: datetime
    day: int
    received: int
    standing: str
    flags: list[Flag]
    known: bool
    judged: int

    @property
    def at(self) -> int:
        """When the visit was made, in microseconds since the epoch."""
        return (self.visit.visited_at - _EPOCH) // _MICROSECOND

    def measured(self) -> bytes:
        """The form for the event, as JSON: without remarks, location, device and identity."""
        visit = self.visit
        kept = visit.remarks, visit.location, visit.device_id, visit.source
        visit.remarks = visit.location = visit.device_id = visit.source = None
        encoded = _ENCODER.encode(visit)
        visit.remarks, visit.location, visit.device_id, visit.source = kept
        return encoded if self.plain else composed(encoded)


class Drafter:
    """Turns bodies into drafts by the deployment's rules."""

    def __init__(
        self,
        register: Register,
        stamps: Stamps,
        zone: ZoneInfo,
        calendar: Calendar,
        first_day: date,
        limits: Limits | None = None,
    ) -> None:
        self.register = register
        self.stamps = stamps
        self.zone = zone
        self.first_day = day_number(first_day)
        self._calendar = calendar
        self._limits = limits or Limits()

    def posted(self, raw: bytes, caller: Principal) -> Draft:
        """A posted visit; raises Problem 400, 404 or 422."""
        return self._draft(VISIT, raw, caller, None, None)

    def put(self, raw: bytes, caller: Principal, source: str, visit_id: UUID) -> Draft:
        """A corrected visit of a known identity; raises Problem 400, 404 or 422."""
        return self._draft(CORRECTION, raw, caller, source, visit_id)

    def _draft(
        self,
        body: Body[Any],
        raw: bytes,
        caller: Principal,
        source: str | None,
        visit_id: UUID | None,
    ) -> Draft:
        reading = read(body, raw, visit_id)
        visit = reading.visit
        received = self.stamps.next()
        errors = reject(visit, from_micros(received), self.zone)
        if errors:
            raise Problem(422, errors[0].code, errors[0].detail, errors=errors)
        local = visit.visited_at.astimezone(self.zone)
        day = local.toordinal() - _EPOCH_ORDINAL
        draft = Draft(
            visit=visit,
            visit_id=str(visit.visit_id),
            source=source or source_of(caller, visit.source),
            actor=caller.key_id,
            digest=reading.digest,
            text=reading.text,
            plain=reading.plain,
            code=canonical_school_code(visit.school_code),
            local=local,
            day=day,
            received=received,
            standing="standing" if day >= self.first_day else "quarantined",
            flags=_NO_FLAGS,
            known=False,
            judged=-1,
        )
        self.judge(draft)
        if caller.units is not None and not self.within(caller, draft.code, day):
            raise not_found("school")
        return draft

    def judge(self, draft: Draft) -> None:
        """Set the flags and whether the school is known, by the register as it is in memory."""
        facts = self.register.facts(draft.code, draft.day)
        draft.known = facts is not None
        draft.flags = flag(draft.visit, draft.local, facts, self._calendar, self._limits)
        if draft.standing == "quarantined":
            draft.flags.append(Flag("date_to_be_corrected", "/visited_at"))
        draft.judged = self.register.version

    def within(self, caller: Principal, code: str, day: int) -> bool:
        """Whether a key may touch visits of a school on a day."""
        return caller.units is None or self.register.under(school_key(code), caller.units, day)


def source_of(caller: Principal, named: str | None) -> str:
    """The source of what a key sends: its own, unless a key with `admin` names another."""
    return named if named and caller.has("admin") else caller.source


def event_of(
    draft: Draft,
    recorded: int,
    revision: int = 1,
    *,
    kind: str = ACCEPTED,
    standing: str | None = None,
    received: int | None = None,
    previous: str | None = None,
) -> Event:
    """The event of a visit's revision, recorded at an instant in microseconds."""
    data = VisitEvent(
        source=draft.source,
        visit_id=draft.visit_id,
        revision=revision,
        recorded_at=written(recorded),
        received_at=written(draft.received if received is None else received),
        school_code=draft.code,
        standing=standing or draft.standing,
        visited_at=draft.visit.visited_at,
        form=msgspec.Raw(draft.measured()),
        previous_school_code=previous if previous != draft.code else None,
    )
    return Event(
        topic=TOPIC,
        type=kind,
        key=draft.code,
        subject=f"{draft.source}/{draft.visit_id}",
        time=draft.at,
        recorded=recorded,
        data=_ENCODER.encode(data),
    )


def rejected(pointer: str, code: str, detail: str) -> Problem:
    """A 422 about one field of a visit."""
    return Problem(422, code, detail, errors=[FieldError(pointer, code, detail)])
