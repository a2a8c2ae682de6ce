"""The reject rules of the visit as expressions that a telephone evaluates before anything is sent.

Owns the translation of `rules.reject` into XLSForm's language, question by question, each under the
very code with which the intake would refuse. An unanswered question breaks no rule: expressions
compare only what was given. What is merely unlikely is flagged on receipt and never blocks here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from services.ingest.adapters.form_fields import Field, fields
from services.ingest.rules import AHEAD, FACILITIES, KINDS, SEXES, STAFF_SEXES

OPEN = "${status} = 'open'"
_DAY_SECONDS = 86_400
_STAFF = ("teachers", "non_teaching")
_PARTS = ("present", "on_leave", "on_duty", "absent")


@dataclass(frozen=True, slots=True)
class Constraint:
    """What must hold of a question once it is answered, and the code it is refused with."""

    name: str
    code: str
    expression: str


@dataclass(frozen=True, slots=True)
class Calculation:
    """A number that the form makes for itself; `repeat` when it stands inside the repeat."""

    name: str
    expression: str
    repeat: str | None = None


def constraints() -> Iterator[Constraint]:
    """Every constraint of the form."""
    for field in fields():
        yield from _own(field)
    for prefix in ("students", "students_grades"):
        for sex in SEXES:
            cell = f"{prefix}_{sex}"
            yield _at_most(f"{cell}_present", f"{cell}_enrolled", "present_exceeds_enrolled")
    for sex in SEXES:
        for count in ("enrolled", "present"):
            expression = f". >= ${{{sum_name(sex, count)}}}"
            yield Constraint(f"students_{sex}_{count}", "grades_exceed_total", expression)
    for group in _STAFF:
        for sex in STAFF_SEXES:
            yield from _staff(f"{group}_{sex}")
    for group in ("rooms", *(f"toilets_{kind}" for kind in KINDS)):
        yield _at_most(f"{group}_usable", f"{group}_available", "usable_exceeds_available")
    yield from _times()


def calculations() -> Iterator[Calculation]:
    """The sums over grades, with an unanswered cell as nothing; their answers are not sent on."""
    for sex in SEXES:
        for count in ("enrolled", "present"):
            cell = f"students_grades_{sex}_{count}"
            yield Calculation(f"{cell}_given", f"coalesce(${{{cell}}}, 0)", "students_grades")
            yield Calculation(sum_name(sex, count), f"sum(${{{cell}_given}})")


def sum_name(sex: str, count: str) -> str:
    """The name of the sum of one count over the grades."""
    return f"students_{sex}_{count}_of_grades"


def relevance() -> dict[str, str]:
    """When a group or a question is asked at all; what is not asked is not sent."""
    asked = {"students": OPEN, "environment": OPEN, "closure_reason": "${status} != 'open'"}
    for sex in STAFF_SEXES:
        asked[f"teachers_{sex}_present"] = OPEN
    for name in FACILITIES:
        asked[f"facilities_{name}_functional"] = f"${{facilities_{name}_available}} = 'yes'"
    return asked


def _own(field: Field) -> Iterator[Constraint]:
    """The range or the length of a single answer."""
    if field.low is not None and field.high is not None:
        expression = f". >= {field.low} and . <= {field.high}"
        yield Constraint(field.name, "out_of_range", expression)
    if field.longest is not None:
        yield Constraint(field.name, "too_long", f"string-length(.) <= {field.longest}")


def _at_most(part: str, whole: str, code: str) -> Constraint:
    return Constraint(part, code, f"${{{whole}}} = '' or . <= ${{{whole}}}")


def _staff(cell: str) -> Iterator[Constraint]:
    yield _at_most(f"{cell}_present", f"{cell}_posted", "present_exceeds_posted")
    blank = " or ".join(f"${{{cell}_{part}}} = ''" for part in _PARTS)
    total = " + ".join(f"${{{cell}_{part}}}" for part in _PARTS)
    yield Constraint(f"{cell}_posted", "staff_do_not_add_up", f"{blank} or {total} = .")


def _times() -> Iterator[Constraint]:
    """Days are compared as numbers of days: a date is its midnight on the device's clock."""
    ahead = AHEAD.total_seconds() / _DAY_SECONDS
    yield Constraint(
        "visited_at",
        "visit_date_in_future",
        f"decimal-date-time(.) <= decimal-date-time(now()) + {ahead:g}",
    )
    begun = "decimal-date-time(${visited_at})"
    yield Constraint("ended_at", "ended_before_visited", f"decimal-date-time(.) >= {begun}")
    yield Constraint(
        "oversight_last_official_visit",
        "official_visit_after_visit",
        f"decimal-date-time(.) <= {begun}",
    )
