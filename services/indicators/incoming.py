"""Events as the fold takes them: visit revisions with their measures, register versions.

Owns the reading of event data and the refusal of what makes no sense (`InvalidEvent`, one record
at a time, never with its content in the reason). Pure.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, NamedTuple, NoReturn
from zoneinfo import ZoneInfo

import msgspec

from services.indicators.cells import encode_row
from services.indicators.form import Form, measure
from services.indicators.segments import SchoolVersion, UnitVersion
from shared.domain.codes import canonical_school_code
from shared.domain.days import day_number
from shared.journal.records import InvalidEvent, Record

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)


class VisitData(msgspec.Struct, gc=False):
    """Data of an `rtsm.visit.*` event."""

    source: str
    visit_id: str
    revision: Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
    recorded_at: Instant
    received_at: Instant
    school_code: str
    standing: str
    visited_at: Instant
    form: Form


class Revision(NamedTuple):
    """One revision of a visit, in the order of the columns of `visits` without `school`."""

    source: str
    visit_id: str
    revision: int
    school_code: str
    day: int
    at: int
    received: int
    recorded: int
    monitor: str | None
    kind: str
    status: str
    standing: str
    groups: int
    mask: int
    flow: bytes
    stock: bytes


class UnitData(msgspec.Struct):
    """A unit as the register event carries it."""

    unit_id: str
    level: str
    valid_from: date
    name: str = ""
    parent_id: str | None = None


class SchoolData(msgspec.Struct):
    """A school as the register event carries it; the code as it was sent."""

    school_code: str
    status: str
    valid_from: date
    name: str = ""
    unit_id: str | None = None
    gender: str | None = None


class RegistryData(msgspec.Struct):
    """Data of an `rtsm.unit.changed` or `rtsm.school.changed` event; one of the two is given."""

    version: Annotated[int, msgspec.Meta(ge=1)]
    recorded_at: Instant
    unit: UnitData | None = None
    school: SchoolData | None = None


class RegistryRaw(msgspec.Struct):
    """The unit or school word for word, kept beside the fields the fold needs."""

    unit: msgspec.Raw = msgspec.Raw(b"")
    school: msgspec.Raw = msgspec.Raw(b"")


class RegistryChange(NamedTuple):
    """One version of a unit or of a school, its name, when it was recorded, and all of it."""

    version: UnitVersion | SchoolVersion
    name: str
    recorded: int
    data: str


_VISIT = msgspec.json.Decoder(VisitData)
_REGISTRY = msgspec.json.Decoder(RegistryData)
_RAW = msgspec.json.Decoder(RegistryRaw)
UNREADABLE = (msgspec.DecodeError, OverflowError, ValueError)
"""What reading an event that makes no sense raises."""


def read_revision(data: bytes, zone: ZoneInfo) -> Revision:
    """Decode and measure the visit of one event; raises one of UNREADABLE."""
    visit = _VISIT.decode(data)
    form = visit.form
    visited = visit.visited_at
    flow, stock, groups, mask = measure(form)
    # The named tuple without the call of its own making: once for every visit of every fold.
    return tuple.__new__(
        Revision,
        (
            visit.source,
            visit.visit_id,
            visit.revision,
            visit.school_code,
            visited.astimezone(zone).toordinal() - _EPOCH_ORDINAL,
            (visited - _EPOCH) // _MICROSECOND,
            (visit.received_at - _EPOCH) // _MICROSECOND,
            (visit.recorded_at - _EPOCH) // _MICROSECOND,
            form.monitor_id,
            form.visit_type or "routine",
            form.status,
            visit.standing,
            groups,
            mask,
            encode_row(flow),
            encode_row(stock),
        ),
    )


def read_revisions(records: Sequence[Record], zone: ZoneInfo) -> list[Revision]:
    """Decode and measure the visits of a batch; raises InvalidEvent for the first bad record."""
    revisions = []
    for record in records:
        try:
            revisions.append(read_revision(record.event.data, zone))
        except UNREADABLE as error:
            _refuse(record, error)
    return revisions


def read_changes(records: Sequence[Record]) -> list[RegistryChange]:
    """Decode register events in order; raises InvalidEvent for the first bad record."""
    return [_change(record) for record in records]


def _change(record: Record) -> RegistryChange:
    try:
        data = _REGISTRY.decode(record.event.data)
        raw = _RAW.decode(record.event.data)
    except msgspec.DecodeError as error:
        _refuse(record, error)
    recorded = (data.recorded_at - _EPOCH) // _MICROSECOND
    unit, school = data.unit, data.school
    if unit is not None:
        return RegistryChange(
            UnitVersion(
                unit.unit_id,
                day_number(unit.valid_from),
                unit.parent_id,
                unit.level,
                data.version,
            ),
            unit.name,
            recorded,
            bytes(raw.unit).decode(),
        )
    if school is not None:
        return RegistryChange(
            SchoolVersion(
                canonical_school_code(school.school_code),
                day_number(school.valid_from),
                school.unit_id,
                school.gender,
                school.status,
                data.version,
            ),
            school.name,
            recorded,
            bytes(raw.school).decode(),
        )
    raise InvalidEvent(record, "neither a unit nor a school")


def _refuse(record: Record, error: Exception) -> NoReturn:
    raise InvalidEvent(record, f"{type(error).__name__}: {error}") from error
