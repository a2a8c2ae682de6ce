"""Random bodies of visits that obey every rejecting rule of 02 §2.

Owns the contents of a form; when, where and by whom belongs to `generator`.
"""

from __future__ import annotations

from random import Random
from typing import Any

Form = dict[str, Any]
CLOSED = ("closed_temporarily", "closed_permanently", "not_found", "merged")
SILENT = ("refused", "inaccessible")
REASONS = ("staff_absent", "no_teacher_posted", "holiday", "security", "no_students", "other")
ITEMS = (
    "lesson_plan",
    "teacher_engaged",
    "teaching_aids",
    "blackboard",
    "textbooks",
    "work_checked",
    "seating",
    "clean",
    "timetable",
    "no_corporal_punishment",
)
POSTS = (
    "deo",
    "ddeo",
    "adeo",
    "cluster_head",
    "learning_coordinator",
    "rtsm_monitor",
    "other",
)
PROCUREMENT = ("attended", "invited_absent", "not_invited", "no_meeting_held", "dont_know")
TYPES = ("routine", "routine", "routine", "follow_up", "spot", "verification")


def pair(rng: Random, below: str, above: str, most: int, chance: float = 0.9) -> Form:
    """A cell such as {"enrolled": 40, "present": 31}; sometimes one half is missing."""
    whole = rng.choice((0, rng.randint(0, most)))
    cell = {below: whole, above: rng.randint(0, whole)}
    if rng.random() > chance:
        del cell[rng.choice((below, above))]
    return cell


def _cells(rng: Random, names: tuple[str, ...], below: str, above: str, most: int) -> Form:
    chosen = [name for name in names if rng.random() < 0.6]
    return {name: pair(rng, below, above, most) for name in chosen}


def _students(rng: Random) -> Form:
    group = _cells(rng, ("boys", "girls", "unspecified"), "enrolled", "present", 60)
    sexes = [s for s in ("boys", "girls") if len(group.get(s, {})) == 2]
    if sexes and rng.random() < 0.3:
        # one grade that is a part of the totals: never more than them, present within enrolled
        grade: Form = {"grade": str(rng.randint(1, 5))}
        for sex in sexes:
            present = rng.randint(0, group[sex]["present"])
            absent = rng.randint(0, group[sex]["enrolled"] - group[sex]["present"])
            grade[sex] = {"enrolled": present + absent, "present": present}
        group["grades"] = [grade]
    return group


def _staff(rng: Random, sexes: tuple[str, ...]) -> Form:
    group = _cells(rng, sexes, "posted", "present", 12)
    for cell in group.values():
        if len(cell) == 2 and rng.random() < 0.5:
            away = cell["posted"] - cell["present"]
            leave = rng.randint(0, away)
            duty = rng.randint(0, away - leave)
            cell.update(on_leave=leave, on_duty=duty, absent=away - leave - duty)
    return group


def _rooms(rng: Random) -> Form:
    group = pair(rng, "available", "usable", 9)
    for name in ("classrooms_used", "open_air_classes"):
        if rng.random() < 0.3:
            group[name] = rng.randint(0, 5)
    if rng.random() < 0.15:
        group = {"open_air_classes": rng.randint(0, 3)}
    return group


def _toilets(rng: Random) -> Form:
    group = _cells(rng, ("boys", "girls", "shared", "staff"), "available", "usable", 4)
    if rng.random() < 0.2:
        group = {kind: {"available": 0, "usable": 0} for kind in group}
    for name in ("handwash", "soap"):
        if rng.random() < 0.2:
            group[name] = rng.random() < 0.5
    return group


def _oversight(rng: Random) -> Form:
    group: Form = {}
    if rng.random() < 0.85:
        group["official_visit_last_30_days"] = rng.random() < 0.6
    if rng.random() < 0.6:
        group["visitor_post"] = rng.choice(POSTS)
    return group


def _participation(rng: Random, head: bool) -> Form:
    group: Form = {}
    if rng.random() < 0.6:
        group["child_club_formed"] = rng.random() < 0.5
    if rng.random() < 0.4:
        group["ptsmc_formed"] = rng.random() < 0.5
    if head or rng.random() < 0.15:
        group["procurement_meeting_held"] = rng.random() < 0.5
    elif rng.random() < 0.7:
        group["feeder_attended_procurement"] = rng.choice(PROCUREMENT)
    return group


def _environment(rng: Random) -> Form:
    words = ("yes", "yes", "no", "not_applicable")
    chosen = rng.sample(ITEMS, rng.randint(1, len(ITEMS)))
    return {item: rng.choice(words) for item in chosen}


def _open_groups(rng: Random) -> Form:
    form: Form = {}
    if rng.random() < 0.75:
        form["students"] = _students(rng)
    if rng.random() < 0.7:
        form["teachers"] = _staff(rng, ("male", "female", "unspecified"))
    if rng.random() < 0.5:
        form["non_teaching"] = _staff(rng, ("male", "female", "unspecified"))
    if rng.random() < 0.6:
        form["environment"] = _environment(rng)
    return form


def _any_groups(rng: Random, head: bool) -> Form:
    form: Form = {}
    if rng.random() < 0.5:
        form["rooms"] = _rooms(rng)
    if rng.random() < 0.5:
        form["toilets"] = _toilets(rng)
    if rng.random() < 0.6:
        form["oversight"] = _oversight(rng)
    if rng.random() < 0.6:
        form["participation"] = _participation(rng, head)
    return form


def measured(rng: Random, *, head: bool = False) -> Form:
    """Status, type and a random choice of the groups; every group and field may be absent."""
    form: Form = {"status": "open"}
    if rng.random() < 0.25:
        form["status"] = rng.choice((*CLOSED, CLOSED[0], CLOSED[0], *SILENT))
        chance = 0.8 if form["status"] == "closed_temporarily" else 0.2
        if rng.random() < chance:
            form["closure_reason"] = rng.choice(REASONS)
    if rng.random() < 0.85:
        form["visit_type"] = rng.choice(TYPES)
    if form["status"] == "open":
        form |= _open_groups(rng)
    elif rng.random() < 0.3:
        form["teachers"] = {"male": {"posted": rng.randint(0, 6)}}
    form |= _any_groups(rng, head)
    if rng.random() < 0.05:
        form["remarks"] = "نئی چاردیواری زیر تعمیر ہے"
    return {name: group for name, group in form.items() if group != {}}
