"""The visit form as types, for editors and type checkers.

Owns names only: the server is the judge. A test holds it against the server's own schema.
"""

from typing import Literal, Required, TypedDict

Answer = Literal["yes", "no", "not_applicable"]


class Pupils(TypedDict, total=False):
    """Pupils of one sex, or of unknown sex."""

    enrolled: int
    present: int


class PupilsBySex(TypedDict, total=False):
    """Pupils of each sex."""

    boys: Pupils
    girls: Pupils
    unspecified: Pupils


class Grade(PupilsBySex, total=False):
    """Pupils of one grade."""

    grade: Required[str]


class Students(PupilsBySex, total=False):
    """Pupils of the school, and by grade where counted."""

    grades: list[Grade]


class Posts(TypedDict, total=False):
    """Staff of one sex, or of unknown sex."""

    posted: int
    present: int
    on_leave: int
    on_duty: int
    absent: int


class StaffBySex(TypedDict, total=False):
    """Staff of each sex."""

    male: Posts
    female: Posts
    unspecified: Posts


class Teachers(StaffBySex, total=False):
    """Teaching staff."""

    sanctioned: int
    head_present: Answer
    proxies: int


class NonTeaching(StaffBySex, total=False):
    """Non-teaching staff."""


class Rooms(TypedDict, total=False):
    """Rooms of the building."""

    available: int
    usable: int
    classrooms_used: int
    open_air_classes: int


class ToiletCount(TypedDict, total=False):
    """Toilets of one kind."""

    available: int
    usable: int


class Toilets(TypedDict, total=False):
    """Toilets by kind, and washing of hands."""

    boys: ToiletCount
    girls: ToiletCount
    shared: ToiletCount
    staff: ToiletCount
    handwash: bool
    soap: bool


class Facility(TypedDict, total=False):
    """One facility: there, and working."""

    available: bool
    functional: bool


class Facilities(TypedDict, total=False):
    """Facilities of the building."""

    water: Facility
    electricity: Facility
    boundary_wall: Facility


class Oversight(TypedDict, total=False):
    """Visits by education officials."""

    official_visit_last_30_days: bool
    last_official_visit: str
    visitor_post: Literal[
        "deo", "ddeo", "adeo", "cluster_head", "learning_coordinator", "rtsm_monitor", "other"
    ]
    evidence: str


class Participation(TypedDict, total=False):
    """Clubs, committees and procurement."""

    child_club_formed: bool
    ptsmc_formed: bool
    feeder_attended_procurement: Literal[
        "attended", "invited_absent", "not_invited", "no_meeting_held", "dont_know"
    ]
    procurement_meeting_held: bool


class Environment(TypedDict, total=False):
    """What was seen of teaching and learning."""

    lesson_plan: Answer
    teacher_engaged: Answer
    teaching_aids: Answer
    blackboard: Answer
    textbooks: Answer
    work_checked: Answer
    seating: Answer
    clean: Answer
    timetable: Answer
    no_corporal_punishment: Answer


class Location(TypedDict, total=False):
    """Where the device was, in degrees (WGS 84) and metres."""

    lat: float
    lon: float
    accuracy_m: float
    mock: bool


class Visit(TypedDict, total=False):
    """A visit as it is sent; instants are RFC 3339 with an offset, days are ISO dates.

    Make `visit_id` once, where the visit is recorded, and keep it: it is what makes sending safe.
    """

    visit_id: Required[str]
    school_code: Required[str]
    visited_at: Required[str]
    status: Required[
        Literal[
            "open",
            "closed_temporarily",
            "closed_permanently",
            "not_found",
            "refused",
            "inaccessible",
            "merged",
        ]
    ]
    source: str
    form_version: str
    ended_at: str
    visit_type: Literal["routine", "follow_up", "verification", "spot"]
    monitor_id: str
    device_id: str
    location: Location
    closure_reason: Literal[
        "staff_absent",
        "no_teacher_posted",
        "holiday",
        "security",
        "building_unsafe",
        "no_students",
        "occupied",
        "other",
    ]
    students: Students
    teachers: Teachers
    non_teaching: NonTeaching
    rooms: Rooms
    toilets: Toilets
    facilities: Facilities
    oversight: Oversight
    participation: Participation
    environment: Environment
    photos: list[str]
    remarks: str
