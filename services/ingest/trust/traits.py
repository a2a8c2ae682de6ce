"""What of a visit's form the trust signals look at; pure.

Owns reading a form down to a few numbers and marks. What two visits together say is left to
`signals`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.ingest.flags import SchoolFacts
from services.ingest.schemas import VisitForm

Cells = list[int | None]
_ENCODER = msgspec.json.Encoder()
_FEWEST_ANSWERS = 12
_FEWEST_PUPILS = 30
_HALF_HOUR = 30
_MICRO_DEGREES = 1_000_000
# A school's point in a register is seldom measured at its gate.
_POINT_ACCURACY_M = 500
_MOST_ACCURACY_M = 100_000
_PUPILS = ("boys", "girls", "unspecified")
_STAFF = ("male", "female", "unspecified")
_ANSWERS = (
    "students",
    "teachers",
    "non_teaching",
    "rooms",
    "toilets",
    "facilities",
    "participation",
    "environment",
)


class Answers(msgspec.Struct, array_like=True, frozen=True):
    """Counts that are compared with the school's last visit.

    `enrolled` is boys, girls, unspecified; `posted` is male, female, unspecified; both are empty
    when nothing was given.
    """

    enrolled: Cells = []
    rooms: int | None = None
    posted: Cells = []


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a visit took place: degrees times a million, and metres that it may be wrong by."""

    lat: int
    lon: int
    accuracy_m: int


def spot_of(form: VisitForm, facts: SchoolFacts | None) -> Spot | None:
    """The device's place, else the school's point in the register, else None."""
    place = form.location
    if place is not None and place.lat is not None and place.lon is not None:
        accuracy = min(place.accuracy_m or 0, _MOST_ACCURACY_M)
        return Spot(_micro(place.lat), _micro(place.lon), round(accuracy))
    if facts is not None and facts.lat is not None and facts.lon is not None:
        return Spot(_micro(facts.lat), _micro(facts.lon), _POINT_ACCURACY_M)
    return None


def _micro(degrees: float) -> int:
    return round(degrees * _MICRO_DEGREES)


def answers_of(form: VisitForm) -> Answers:
    """The counts of a form that are compared with the school's last visit."""
    return Answers(
        enrolled=_cells(form.students, _PUPILS, "enrolled"),
        rooms=form.rooms.available if form.rooms is not None else None,
        posted=_cells(form.teachers, _STAFF, "posted"),
    )


def _cells(group: object, names: Sequence[str], field: str) -> Cells:
    if group is None:
        return []
    cells = [getattr(getattr(group, name), field, None) for name in names]
    return [] if all(value is None for value in cells) else cells


def on_a_half_hour(local: datetime) -> bool:
    """Whether a local time is a full or a half hour to the microsecond."""
    return local.minute % _HALF_HOUR == 0 and local.second == 0 and local.microsecond == 0


def minutes_of(form: VisitForm) -> int | None:
    """How many whole minutes a visit took, or None when its end was not given."""
    if form.ended_at is None:
        return None
    return int((form.ended_at - form.visited_at).total_seconds() // 60)


def marks_of(form: VisitForm, source: str, code: str) -> list[str]:
    """What another visit must not share: photographs, and a set of answers.

    A set of answers is marked for its monitor and for its school, and only when it is large enough
    not to be met twice by chance: 12 answers with 30 pupils present.
    """
    marks = {f"photo:{digest.lower()}" for digest in form.photos or ()}
    text = _ENCODER.encode([getattr(form, name) for name in _ANSWERS])
    values = text.count(b":") - text.count(b":{") - text.count(b":[")
    present = _cells(form.students, _PUPILS, "present")
    if values >= _FEWEST_ANSWERS and sum(filter(None, present)) >= _FEWEST_PUPILS:
        if form.monitor_id is not None:
            marks.add("monitor:" + _hashed(text, source, form.monitor_id))
        marks.add("school:" + _hashed(text, code))
    return sorted(marks)


def _hashed(text: bytes, *owner: str) -> str:
    whole = text + b"\n" + "\n".join(owner).encode()
    return hashlib.blake2b(whole, digest_size=16).hexdigest()
