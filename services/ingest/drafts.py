"""A visit on its way into the ledger: read, judged, flagged, and not stored yet.

Owns what can be decided about a submission before its transaction, and again inside it when the
register has changed meanwhile. Storing is left to `intake` and `changes`.
"""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.ingest.calendar import Calendar, Dated
from services.ingest.flags import Flag, Limits, flag
from services.ingest.reading import CORRECTION, VISIT, Reading, read
from services.ingest.registry.register import Register
from services.ingest.rules import reject
from services.ingest.schemas import VisitForm
from services.ingest.stamps import Stamps, written
from shared.access import Principal
from shared.clock import from_micros
from shared.domain.codes import canonical_school_code, school_unit
from shared.domain.days import day_number
from shared.errors import not_found
from shared.journal.records import Event
from shared.strict_json import refused

ACCEPTED = "rtsm.visit.accepted.v1"
CORRECTED = "rtsm.visit.corrected.v1"
WITHDRAWN = "rtsm.visit.withdrawn.v1"
TOPIC = "rtsm.visits"
_EPOCH = from_micros(0)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_ENCODER = msgspec.json.Encoder()


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


class Draft(msgspec.Struct, gc=False):
    """One submission; `received` is microseconds, `standing` where it would stand as revision 1.

    `received_at` is the same instant as it is written.
    """

    visit: VisitForm
    visit_id: str
    source: str
    actor: str
    digest: bytes
    text: bytes
    measured: bytes
    code: str
    local: datetime
    day: int
    received: int
    received_at: str
    standing: str
    flags: list[Flag] = []
    known: bool = False
    judged: int = -1

    @property
    def at(self) -> int:
        """When the visit was made, in microseconds since the epoch."""
        return (self.visit.visited_at - _EPOCH) // _MICROSECOND


class Drafter:
    """Turns bodies into drafts by the deployment's rules."""

    def __init__(
        self,
        register: Register,
        stamps: Stamps,
        zone: ZoneInfo,
        calendars: Dated[Calendar],
        first_day: date,
        limits: Limits | None = None,
    ) -> None:
        self.register = register
        self.stamps = stamps
        self.zone = zone
        self.first_day = day_number(first_day)
        self.calendars = calendars
        self._limits = limits or Limits()

    def posted(self, raw: bytes, caller: Principal) -> Draft:
        """A posted visit; raises Problem 400, 404 or 422."""
        return self._draft(read(VISIT, raw), caller, None)

    def put(self, raw: bytes, caller: Principal, source: str, visit_id: UUID) -> Draft:
        """A corrected visit of a known identity; raises Problem 400, 404 or 422."""
        return self._draft(read(CORRECTION, raw, visit_id), caller, source)

    def _draft(
        self,
        reading: Reading[Any],
        caller: Principal,
        source: str | None,
    ) -> Draft:
        visit = reading.visit
        received = self.stamps.next()
        errors = reject(visit, self.stamps.now, self.zone)
        if errors:
            raise refused(errors)
        local = visit.visited_at.astimezone(self.zone)
        day = local.toordinal() - _EPOCH_ORDINAL
        draft = Draft(
            visit,
            str(visit.visit_id),
            source or source_of(caller, visit.source),
            caller.key_id,
            reading.digest,
            reading.text,
            reading.measured,
            canonical_school_code(visit.school_code),
            local,
            day,
            received,
            written(received),
            "standing" if day >= self.first_day else "quarantined",
        )
        self.judge(draft)
        if caller.units is not None and not self.within(caller, draft.code, day):
            raise not_found("school")
        return draft

    def judge(self, draft: Draft) -> None:
        """Set the flags and whether the school is known, by the register as it is in memory."""
        facts = self.register.facts(draft.code, draft.day)
        draft.known = facts is not None
        calendar = self.calendars.on(draft.day)
        draft.flags = flag(draft.visit, draft.local, facts, calendar, self._limits)
        if draft.standing == "quarantined":
            draft.flags.append(Flag("date_to_be_corrected", "/visited_at"))
        draft.judged = self.register.version

    def within(self, caller: Principal, code: str, day: int) -> bool:
        """Whether a key may touch visits of a school on a day."""
        return caller.units is None or self.register.under(school_unit(code), caller.units, day)


def source_of(caller: Principal, named: str | None) -> str:
    """The source of what a key sends: its own, unless a key with `admin` names another."""
    return named if named and caller.has("admin") else caller.source


def event_of(
    draft: Draft,
    recorded: int,
    recorded_at: str,
    revision: int = 1,
    *,
    kind: str = ACCEPTED,
    standing: str | None = None,
    previous: str | None = None,
) -> Event:
    """The event of a visit's revision, recorded at an instant in microseconds (and as written)."""
    data = VisitEvent(
        draft.source,
        draft.visit_id,
        revision,
        recorded_at,
        draft.received_at,
        draft.code,
        standing or draft.standing,
        draft.visit.visited_at,
        msgspec.Raw(draft.measured),
        previous if previous != draft.code else None,
    )
    return Event(
        TOPIC,
        kind,
        draft.code,
        f"{draft.source}/{draft.visit_id}",
        draft.at,
        recorded,
        _ENCODER.encode(data),
    )
