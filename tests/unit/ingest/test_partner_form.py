"""The field form refuses what the intake refuses, rule by rule, and nothing else."""

from __future__ import annotations

import inspect
import io
import re
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from openpyxl import load_workbook
from pyxform.xls2xform import convert

from services.ingest import rules
from services.ingest.adapters.form_fields import Field, fields
from services.ingest.adapters.form_rules import constraints
from services.ingest.adapters.form_texts import MESSAGES
from services.ingest.adapters.mapping import mapped, own_mapping
from services.ingest.adapters.xlsform import version, workbook
from services.ingest.diagnosis import PARSER, faults
from services.ingest.rules import reject
from services.ingest.schemas import VisitIn
from tests.support.xform import XForm

ZONE = ZoneInfo("Asia/Karachi")
NOW = datetime(2019, 6, 3, 7, 0, tzinfo=UTC)
Answers = dict[str, str]
BARE: Answers = {
    "school_code": "01001",
    "visited_at": "2019-03-05T09:40:00+05:00",
    "status": "open",
}


@pytest.fixture(scope="module")
def xform() -> XForm:
    made = convert(io.BytesIO(workbook()), validate=False, file_type=".xlsx")
    assert made.warnings == []
    return XForm.read(made.xform, NOW.astimezone(ZONE), ZONE)


def path_of(field: Field, row: int | None = None) -> str:
    groups = [
        f"{group}[{row}]" if row is not None and group == field.repeat else group
        for group in field.groups
    ]
    return "/".join(["/data", *groups, field.name])


def places(answers: Answers) -> Answers:
    """Answers by name (grades as `name#row`) as answers by path."""
    known = {field.name: field for field in fields()}
    found = {}
    for key, value in answers.items():
        name, _, row = key.partition("#")
        found[path_of(known[name], int(row) if row else None)] = value
    return found


def nested(answers: Answers) -> dict[str, Any]:
    """The same answers as a server shows them."""
    rows: dict[int, dict[str, Any]] = {}
    found: dict[str, Any] = {}
    for key, value in answers.items():
        name, _, row = key.partition("#")
        if row:
            rows.setdefault(int(row), {})[name] = value
        else:
            found[name] = value
    if rows:
        found["students_grades"] = [rows[row] for row in sorted(rows)]
    return found


def intake_codes(answers: Answers) -> set[str]:
    """What the intake says of these answers, read by the project's own mapping."""
    read = mapped(own_mapping(), nested(answers))
    assert read.errors == []
    form = {"visit_id": "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f"} | read.form
    try:
        visit = msgspec.convert(form, VisitIn)
    except msgspec.ValidationError:
        found = faults(PARSER.decode(msgspec.json.encode(form).decode()), VisitIn)
        return {error.code for error in found}
    return {error.code for error in reject(visit, NOW, ZONE)}


ZERO: Answers = {"teachers_male_on_leave": "0", "teachers_male_on_duty": "0"}
BROKEN: dict[str, tuple[Answers, str]] = {
    "out_of_range": ({"rooms_available": "201"}, "rooms_available"),
    "too_long": ({"remarks": "x" * 8193}, "remarks"),
    "present_exceeds_enrolled": (
        {"students_girls_enrolled": "5", "students_girls_present": "6"},
        "students_girls_present",
    ),
    "present_exceeds_posted": (
        {"non_teaching_male_posted": "1", "non_teaching_male_present": "2"},
        "non_teaching_male_present",
    ),
    "grades_exceed_total": (
        {
            "students_boys_enrolled": "9",
            "students_grades_grade#0": "1",
            "students_grades_boys_enrolled#0": "5",
            "students_grades_grade#1": "2",
            "students_grades_boys_enrolled#1": "5",
        },
        "students_boys_enrolled",
    ),
    "staff_do_not_add_up": (
        ZERO
        | {
            "teachers_male_posted": "4",
            "teachers_male_present": "2",
            "teachers_male_absent": "1",
        },
        "teachers_male_posted",
    ),
    "usable_exceeds_available": (
        {"toilets_staff_available": "0", "toilets_staff_usable": "1"},
        "toilets_staff_usable",
    ),
    "visit_date_in_future": ({"visited_at": "2019-06-04T12:00:01+05:00"}, "visited_at"),
    "ended_before_visited": ({"ended_at": "2019-03-05T09:39:59+05:00"}, "ended_at"),
    "official_visit_after_visit": (
        {"oversight_last_official_visit": "2019-03-06"},
        "oversight_last_official_visit",
    ),
}
UNASKED: dict[str, Answers] = {
    "not_open": {"status": "refused", "students_boys_enrolled": "1"},
    "not_open (teachers)": {"status": "not_found", "teachers_male_present": "0"},
    "not_open (environment)": {"status": "merged", "environment_clean": "yes"},
    "functional_without_available": {"facilities_water_functional": "yes"},
    "functional_without_available (no)": {
        "facilities_water_available": "no",
        "facilities_water_functional": "yes",
    },
}


@pytest.mark.parametrize("code", list(BROKEN))
def test_what_a_rule_refuses_its_constraint_refuses(xform: XForm, code: str) -> None:
    answers, name = BROKEN[code]
    known = {field.name: field for field in fields()}
    assert intake_codes(BARE | answers) == {code}
    assert xform.refusals(places(BARE | answers)) == [path_of(known[name])]


@pytest.mark.parametrize("rule", list(UNASKED))
def test_what_may_not_be_answered_is_not_asked(xform: XForm, rule: str) -> None:
    answers = BARE | UNASKED[rule]
    assert intake_codes(answers) == {rule.partition(" ")[0]}
    assert xform.refusals(places(answers)) != []


def test_every_rule_of_the_intake_has_its_constraint_and_its_words() -> None:
    unasked = {rule.partition(" ")[0] for rule in UNASKED}
    assert {one.code for one in constraints()} == set(BROKEN) == set(MESSAGES)
    # The codes of the intake's rules, taken from where they are written.
    written = re.findall(r'FieldError\([^()]*?, "([a-z_]+)", ', inspect.getsource(rules))
    told = set(written) - {"invalid_instant"}
    assert told == (set(BROKEN) - {"out_of_range", "too_long"}) | unasked


def test_random_visits_are_judged_alike(xform: XForm) -> None:
    random = Random(20190603)
    refused = 0
    for _ in range(400):
        answers = filled(random)
        codes = intake_codes(answers)
        found = xform.refusals(places(answers))
        assert bool(codes) == bool(found), (codes, found, answers)
        refused += bool(codes)
    assert 80 < refused < 360


def filled(random: Random) -> Answers:
    answers = dict(BARE)
    answers["status"] = random.choice(["open"] * 6 + ["refused"])
    for field in random.sample(fields(), random.randint(1, 25)):
        if field.name in BARE or field.kind in {"photo", "geopoint", "device", "text"}:
            continue
        for row in (0, 1) if field.repeat else (None,):
            if row is not None:
                answers[f"students_grades_grade#{row}"] = str(row + 1)
            key = field.name if row is None else f"{field.name}#{row}"
            answers[key] = value(field, random)
    # Two questions are not asked where the intake would take an answer that says nothing more.
    if answers["status"] == "open":
        answers.pop("closure_reason", None)
    for name in ("water", "electricity", "boundary_wall"):
        if answers.get(f"facilities_{name}_available") == "no":
            answers.pop(f"facilities_{name}_functional", None)
    return answers


def value(field: Field, random: Random) -> str:
    if field.kind == "integer":
        return str(
            random.choice([0, 1, 2, 3, 5, 8, int(field.high or 0), int(field.high or 0) + 1])
        )
    if field.kind == "boolean":
        return random.choice(["yes", "no"])
    if field.kind == "choice":
        return random.choice(field.words)
    visited = datetime.fromisoformat(BARE["visited_at"])
    if field.kind == "date":
        return (visited + timedelta(days=random.choice([-20, -1, 0, 1]))).date().isoformat()
    return (visited + timedelta(minutes=random.choice([-30, 0, 45]))).isoformat()


def test_the_spreadsheet_speaks_both_languages_and_is_the_same_each_time() -> None:
    file = workbook()
    assert file == workbook()
    book = load_workbook(io.BytesIO(file))
    rows = list(book["survey"].iter_rows(values_only=True))
    heading = [str(name) for name in rows[0]]
    for row in rows[1:]:
        told = dict(zip(heading, row, strict=True))
        if str(told["type"]).startswith(("end_", "calculate", "deviceid")):
            continue
        for kind in ("label", *(["constraint_message"] if told["constraint"] else [])):
            assert told[f"{kind}::English (en)"], told["name"]
            assert any("\u0600" <= letter <= "\u06ff" for letter in str(told[f"{kind}::Urdu (ur)"]))
    settings = dict(zip(*book["settings"].iter_rows(values_only=True), strict=True))
    assert (settings["form_id"], settings["version"]) == ("rtsm_visit", version())
