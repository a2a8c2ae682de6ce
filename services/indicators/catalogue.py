"""The indicators as data: what is divided by what, by which splits, and how it is to be read.

Owns every definition of 02 §4 and its version. Measures are named by `measures`, words by `labels`;
computing is left to `figures`. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

from services.indicators import intervals, labels
from services.indicators.intervals import Resemblance, Sampling
from services.indicators.measures import GENDERS, KINDS, POSTS, PROCUREMENT, TOILETS

Basis = Literal["flow", "stock"]
Direction = Literal["higher", "lower"]

COUNTED = "coverage"
"""Stands for what only presence knows: schools of the register visited in the window."""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of every answer: an indicator's total (split None) or one of its splits.

    `numerators` and `denominators` are measures that are summed; `answered` is the measure that is
    1 for a visit (flow) or school (stock) which answers the line. `always`: shown even when nobody
    answered.
    """

    indicator: str
    split: str | None
    numerators: tuple[str, ...]
    denominators: tuple[str, ...]
    answered: str
    always: bool


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator: its words, how it is counted and its lines (the total first).

    `basis` is None for coverage, which is neither flow nor stock; `unit` is what `value` is.
    """

    code: str
    version: int
    basis: Basis | None
    direction: Direction
    unit: Literal["share", "count"]
    numerator: str
    denominator: str | None
    sampling: Sampling
    resemblance: Resemblance
    lines: tuple[Line, ...]

    @property
    def names(self) -> Mapping[str, str]:
        """Labels by language."""
        return labels.INDICATORS[self.code]


def _people(code: str, people: str, whole: str, splits: tuple[str, ...]) -> tuple[Line, ...]:
    def line(split: str | None, cells: tuple[str, ...], answered: str) -> Line:
        return Line(
            code,
            split,
            tuple(f"{people}_{cell}_present" for cell in cells),
            tuple(f"{people}_{cell}_{whole}" for cell in cells),
            answered,
            always=True,
        )

    each = (line(split, (split,), f"{people}_{split}_answered") for split in splits)
    return (line(None, splits, f"{people}_answered"), *each)


def _attendance(
    code: str, people: str, whole: str, splits: tuple[str, ...], alike: Resemblance
) -> Indicator:
    return Indicator(
        code=code,
        version=1,
        basis="flow",
        direction="higher",
        unit="share",
        numerator="present",
        denominator=whole,
        sampling=Sampling.CLUSTERED,
        resemblance=alike,
        lines=_people(code, people, whole, splits),
    )


def _words(
    code: str, kind: str, words: tuple[str, ...], form: tuple[str, str, str], total: Line
) -> tuple[Line, ...]:
    """The total and an open split; `form` names numerator, denominator and answered with `{}`."""
    numerator, denominator, answered = form
    each = (
        Line(
            code,
            f"{kind}:{word}",
            (numerator.format(word),),
            (denominator.format(word),) if denominator else (),
            answered.format(word),
            always=False,
        )
        for word in words
    )
    return (total, *each)


def _per_school(
    code: str,
    numerators: tuple[str, ...],
    denominators: tuple[str, ...],
    answered: str,
    words: tuple[str, str],
    *,
    direction: Direction = "higher",
    sampling: Sampling = Sampling.SCHOOL,
    basis: Basis | None = "stock",
) -> Indicator:
    return Indicator(
        code=code,
        version=1,
        basis=basis,
        direction=direction,
        unit="share",
        numerator=words[0],
        denominator=words[1],
        sampling=sampling,
        resemblance=intervals.ALONE,
        lines=(Line(code, None, numerators, denominators, answered, always=True),),
    )


_SEX = ("male", "female", "unspecified")

INDICATORS: tuple[Indicator, ...] = (
    _attendance(
        "student_attendance",
        "students",
        "enrolled",
        ("boys", "girls", "unspecified"),
        intervals.STUDENTS,
    ),
    _attendance("teacher_attendance", "teachers", "posted", _SEX, intervals.TEACHERS),
    _attendance("non_teaching_attendance", "non_teaching", "posted", _SEX, intervals.NON_TEACHING),
    Indicator(
        code="official_visits",
        version=1,
        basis="flow",
        direction="higher",
        unit="share",
        numerator="visits that found an official's visit in the last 30 days",
        denominator="visits answering it",
        sampling=Sampling.CLUSTERED,
        resemblance=intervals.OFFICIAL_VISITS,
        lines=_words(
            "official_visits",
            "visitor_post",
            POSTS,
            ("official_{}_yes", "official_{}_answered", "official_{}_answered"),
            Line(
                "official_visits",
                None,
                ("official_yes",),
                ("official_answered",),
                "official_answered",
                always=True,
            ),
        ),
    ),
    Indicator(
        code="usable_rooms",
        version=1,
        basis="stock",
        direction="higher",
        unit="share",
        numerator="usable rooms",
        denominator="available rooms",
        sampling=Sampling.CLUSTERED,
        resemblance=intervals.ROOMS,
        lines=_words(
            "usable_rooms",
            "school_gender",
            GENDERS,
            ("rooms_{}_usable", "rooms_{}_available", "rooms_{}_answered"),
            Line(
                "usable_rooms",
                None,
                ("rooms_usable",),
                ("rooms_available",),
                "rooms_answered",
                always=True,
            ),
        ),
    ),
    Indicator(
        code="usable_toilets",
        version=1,
        basis="stock",
        direction="higher",
        unit="share",
        numerator="usable toilets of all kinds",
        denominator="available toilets of all kinds",
        sampling=Sampling.CLUSTERED,
        resemblance=intervals.TOILETS,
        lines=(
            Line(
                "usable_toilets",
                None,
                tuple(f"toilets_{kind}_usable" for kind in TOILETS),
                tuple(f"toilets_{kind}_available" for kind in TOILETS),
                "toilets_answered",
                always=True,
            ),
            *(
                Line(
                    "usable_toilets",
                    kind,
                    (f"toilets_{kind}_usable",),
                    (f"toilets_{kind}_available",),
                    f"toilets_{kind}_answered",
                    always=True,
                )
                for kind in TOILETS
            ),
        ),
    ),
    Indicator(
        code="learning_environment",
        version=1,
        basis="flow",
        direction="higher",
        unit="share",
        numerator='items answered "yes"',
        denominator='items answered "yes" or "no"',
        sampling=Sampling.CLUSTERED,
        resemblance=intervals.ENVIRONMENT,
        lines=_words(
            "learning_environment",
            "school_gender",
            GENDERS,
            ("environment_{}_yes", "environment_{}_items", "environment_{}_answered"),
            Line(
                "learning_environment",
                None,
                ("environment_yes",),
                ("environment_items",),
                "environment_answered",
                always=True,
            ),
        ),
    ),
    _per_school(
        "child_clubs",
        ("club_yes",),
        ("club_answered",),
        "club_answered",
        ("schools with a child club", "schools answering"),
    ),
    _per_school(
        "procurement_participation",
        ("procurement_attended",),
        tuple(f"procurement_{word}" for word in PROCUREMENT),
        "procurement_answered",
        (
            "feeder schools that attended",
            "feeder schools that attended, missed it or were left out",
        ),
    ),
    Indicator(
        code="visits_made",
        version=1,
        basis="flow",
        direction="higher",
        unit="count",
        numerator="counted visits of any status",
        denominator=None,
        sampling=Sampling.COUNT,
        resemblance=intervals.ALONE,
        lines=_words(
            "visits_made",
            "visit_type",
            KINDS,
            ("visits_{}", "", "visits_{}"),
            Line("visits_made", None, ("visits",), (), "visits", always=True),
        ),
    ),
    _per_school(
        "schools_open",
        ("status_open",),
        ("status_answered",),
        "status_answered",
        ("open schools", "schools answering"),
    ),
    _per_school(
        "schools_known",
        ("known",),
        ("registered",),
        "known",
        ("active schools with a counted visit in the last 365 days", "active schools"),
        sampling=Sampling.CENSUS,
    ),
    _per_school(
        "coverage",
        (COUNTED,),
        ("registered",),
        COUNTED,
        ("active schools visited in the period", "active schools"),
        sampling=Sampling.CENSUS,
        basis=None,
    ),
    _per_school(
        "schools_without_toilet",
        ("no_toilet",),
        ("no_toilet_answered",),
        "no_toilet_answered",
        ("schools without any toilet", "schools answering"),
        direction="lower",
    ),
)

BY_CODE: Mapping[str, Indicator] = {indicator.code: indicator for indicator in INDICATORS}
LINES: tuple[Line, ...] = tuple(line for indicator in INDICATORS for line in indicator.lines)
"""All lines of an answer in their order; the columns of everything that `figures` computes."""
DEFINITIONS = format(crc32(repr([(i.code, i.version) for i in INDICATORS]).encode()), "x")
"""Changes whenever any definition does; part of every answer's version."""
