"""The form's rules once more, written down from their text, to look at the demonstration with.

Shares no code with the intake; only rules that refuse a form are here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

Form = dict[str, Any]

KEYS = {
    "visit_id",
    "source",
    "form_version",
    "school_code",
    "visited_at",
    "ended_at",
    "visit_type",
    "monitor_id",
    "device_id",
    "location",
    "status",
    "closure_reason",
    "students",
    "teachers",
    "non_teaching",
    "rooms",
    "toilets",
    "facilities",
    "oversight",
    "participation",
    "environment",
    "remarks",
    "photos",
}
STATUSES = [
    "open",
    "closed_temporarily",
    "closed_permanently",
    "not_found",
    "refused",
    "inaccessible",
    "merged",
]
REASONS = [
    "staff_absent",
    "no_teacher_posted",
    "holiday",
    "security",
    "building_unsafe",
    "no_students",
    "occupied",
    "other",
]
MEETING = ["attended", "invited_absent", "not_invited", "no_meeting_held", "dont_know"]

_WHERE = ("present", "on_leave", "on_duty", "absent")


def broken(form: Form, received: datetime) -> list[str]:
    """The rules that the form breaks, by a word each."""
    return list(_broken(form, received))


def _broken(form: Form, received: datetime) -> Iterator[str]:
    if set(form) - KEYS or None in form.values():
        yield "keys"
    if str(uuid.UUID(form["visit_id"])) != form["visit_id"]:
        yield "visit_id"
    yield from _words(form)
    yield from _times(form, received)
    if form["status"] != "open":
        present = any("present" in cell for cell in _cells(form.get("teachers", {})))
        if "students" in form or "environment" in form or present:
            yield "not open"
    yield from _people(form)
    yield from _premises(form)


def _words(form: Form) -> Iterator[str]:
    if form["status"] not in STATUSES:
        yield "status"
    if form.get("closure_reason", "other") not in REASONS:
        yield "closure_reason"
    if form.get("visit_type", "spot") not in ("routine", "follow_up", "verification", "spot"):
        yield "visit_type"
    taking_part = form.get("participation", {})
    if taking_part.get("feeder_attended_procurement", "attended") not in MEETING:
        yield "procurement"
    if set(form.get("environment", {}).values()) - {"yes", "no", "not_applicable"}:
        yield "environment"


def _times(form: Form, received: datetime) -> Iterator[str]:
    visited = datetime.fromisoformat(form["visited_at"])
    ended = datetime.fromisoformat(form["ended_at"])
    if visited.tzinfo is None or ended < visited:
        yield "times"
    if visited > received + timedelta(hours=24):
        yield "future"
    last = form.get("oversight", {}).get("last_official_visit")
    if last is not None and date.fromisoformat(last) > visited.date():
        yield "official visit after the visit"


def _cells(group: Form) -> list[Form]:
    return [cell for cell in group.values() if isinstance(cell, dict)]


def _people(form: Form) -> Iterator[str]:
    students = form.get("students", {})
    grades = students.get("grades", [])
    for cell in [*_cells(students), *(one for grade in grades for one in _cells(grade))]:
        if not 0 <= cell.get("present", 0) <= cell["enrolled"] <= 2000:
            yield "students"
    for sex in ("boys", "girls"):
        for half in ("enrolled", "present"):
            if sum(grade.get(sex, {}).get(half, 0) for grade in grades) > students.get(
                sex, {half: 0}
            ).get(half, 0):
                yield "grades"
    for group in ("teachers", "non_teaching"):
        for cell in _cells(form.get(group, {})):
            if not 0 <= cell.get("present", 0) <= cell["posted"] <= 200:
                yield group
            parts = [cell[part] for part in _WHERE if cell.get(part) is not None]
            if len(parts) == len(_WHERE) and sum(parts) != cell["posted"]:
                yield f"{group} do not add up"


def _premises(form: Form) -> Iterator[str]:
    for cell in [form.get("rooms", {}), *_cells(form.get("toilets", {}))]:
        if cell and not 0 <= cell["usable"] <= cell["available"] <= 100:
            yield "usable"
    for cell in form.get("facilities", {}).values():
        if cell.get("functional") is not None and not cell["available"]:
            yield "functional"
    rooms = form.get("rooms", {})
    if form["status"] == "open" and rooms and not rooms["usable"] + rooms["open_air_classes"]:
        yield "open without a room"
