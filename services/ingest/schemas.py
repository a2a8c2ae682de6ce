"""The visit on the wire: the structs that decode it are its only validator and its OpenAPI.

Owns names, types and ranges of single fields; what fields mean together is left to `rules`, and
the telling of what is wrong with a body to `diagnosis`.
"""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

Persons = Annotated[int, Meta(ge=0, le=2000)]
Staff = Annotated[int, Meta(ge=0, le=200)]
Rooms = Annotated[int, Meta(ge=0, le=200)]
Toilets = Annotated[int, Meta(ge=0, le=100)]
Code = Annotated[str, Meta(min_length=1, max_length=100)]
Word = Annotated[str, Meta(max_length=100)]
Instant = Annotated[datetime, Meta(tz=True)]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}\Z")]
Answer = Literal["yes", "no", "not_applicable"]
Status = Literal[
    "open",
    "closed_temporarily",
    "closed_permanently",
    "not_found",
    "refused",
    "inaccessible",
    "merged",
]
ClosureReason = Literal[
    "staff_absent",
    "no_teacher_posted",
    "holiday",
    "security",
    "building_unsafe",
    "no_students",
    "occupied",
    "other",
]
VisitType = Literal["routine", "follow_up", "verification", "spot"]
VisitorPost = Literal[
    "deo", "ddeo", "adeo", "cluster_head", "learning_coordinator", "rtsm_monitor", "other"
]
Procurement = Literal["attended", "invited_absent", "not_invited", "no_meeting_held", "dont_know"]


class Group(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A group of answers; an absent or null field is not measured, never 0.

    A form is a tree, so the collector need not look for cycles in it.
    """


class Pupils(Group):
    """Pupils of one sex, or of unknown sex."""

    enrolled: Persons | None = None
    present: Persons | None = None


class Grade(Group):
    """Pupils of one grade."""

    grade: Code
    boys: Pupils | None = None
    girls: Pupils | None = None
    unspecified: Pupils | None = None


class Students(Group):
    """Pupils of the school, and by grade where counted."""

    boys: Pupils | None = None
    girls: Pupils | None = None
    unspecified: Pupils | None = None
    grades: Annotated[list[Grade], Meta(max_length=100)] | None = None


class Posts(Group):
    """Staff of one sex, or of unknown sex."""

    posted: Staff | None = None
    present: Staff | None = None
    on_leave: Staff | None = None
    on_duty: Staff | None = None
    absent: Staff | None = None


class Teachers(Group):
    """Teaching staff."""

    male: Posts | None = None
    female: Posts | None = None
    unspecified: Posts | None = None
    sanctioned: Staff | None = None
    head_present: Answer | None = None
    proxies: Staff | None = None


class NonTeaching(Group):
    """Non-teaching staff."""

    male: Posts | None = None
    female: Posts | None = None
    unspecified: Posts | None = None


class RoomCount(Group):
    """Rooms of the building."""

    available: Rooms | None = None
    usable: Rooms | None = None
    classrooms_used: Rooms | None = None
    open_air_classes: Rooms | None = None


class ToiletCount(Group):
    """Toilets of one kind."""

    available: Toilets | None = None
    usable: Toilets | None = None


class ToiletKinds(Group):
    """Toilets by kind, and washing of hands."""

    boys: ToiletCount | None = None
    girls: ToiletCount | None = None
    shared: ToiletCount | None = None
    staff: ToiletCount | None = None
    handwash: bool | None = None
    soap: bool | None = None


class Facility(Group):
    """One facility: there, and working."""

    available: bool | None = None
    functional: bool | None = None


class Facilities(Group):
    """Facilities of the building."""

    water: Facility | None = None
    electricity: Facility | None = None
    boundary_wall: Facility | None = None


class Oversight(Group):
    """Visits by education officials."""

    official_visit_last_30_days: bool | None = None
    last_official_visit: date | None = None
    visitor_post: VisitorPost | None = None
    evidence: Word | None = None


class Participation(Group):
    """Clubs, committees and procurement."""

    child_club_formed: bool | None = None
    ptsmc_formed: bool | None = None
    feeder_attended_procurement: Procurement | None = None
    procurement_meeting_held: bool | None = None


class Environment(Group):
    """What was seen of teaching and learning."""

    lesson_plan: Answer | None = None
    teacher_engaged: Answer | None = None
    teaching_aids: Answer | None = None
    blackboard: Answer | None = None
    textbooks: Answer | None = None
    work_checked: Answer | None = None
    seating: Answer | None = None
    clean: Answer | None = None
    timetable: Answer | None = None
    no_corporal_punishment: Answer | None = None


class Location(Group):
    """Where the device was, in degrees (WGS 84) and metres."""

    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    accuracy_m: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    mock: bool | None = None


class VisitForm(Group, kw_only=True):
    """The form of a visit, apart from its identity."""

    source: Code | None = None
    form_version: Word | None = None
    school_code: Code
    visited_at: Instant
    ended_at: Instant | None = None
    visit_type: VisitType | None = None
    monitor_id: Code | None = None
    device_id: Word | None = None
    location: Location | None = None
    status: Status
    closure_reason: ClosureReason | None = None
    students: Students | None = None
    teachers: Teachers | None = None
    non_teaching: NonTeaching | None = None
    rooms: RoomCount | None = None
    toilets: ToiletKinds | None = None
    facilities: Facilities | None = None
    oversight: Oversight | None = None
    participation: Participation | None = None
    environment: Environment | None = None
    photos: Annotated[list[Digest], Meta(max_length=50)] | None = None
    remarks: Annotated[str, Meta(max_length=8192)] | None = None


class VisitIn(VisitForm, kw_only=True):
    """A visit as it is posted; `visit_id` is made on the device."""

    visit_id: UUID


class CorrectionIn(VisitForm, kw_only=True):
    """A visit as it is put: the path says which one, the body may repeat it."""

    visit_id: UUID | None = None


class ReviewIn(Group):
    """A reviewer's decision about one visit."""

    decision: Literal["exclude", "include", "release"]
    reason: Annotated[str, Meta(max_length=200)] | None = None
    note: Annotated[str, Meta(max_length=2000)] | None = None
