"""The catalogue is complete, and speaks of measures and words that exist."""

from services.indicators.catalogue import BY_CODE, COUNTED, INDICATORS, LINES
from services.indicators.labels import of_split
from services.indicators.measures import ANSWERED, FLOW, STOCK

CIRCULAR = {
    "student_attendance",
    "teacher_attendance",
    "non_teaching_attendance",
    "official_visits",
    "usable_rooms",
    "usable_toilets",
    "learning_environment",
    "child_clubs",
    "procurement_participation",
    "visits_made",
    "schools_open",
    "schools_known",
    "coverage",
    "schools_without_toilet",
}


def test_every_indicator_of_the_circular_is_there_once() -> None:
    assert [indicator.code for indicator in INDICATORS] == list(BY_CODE)
    assert set(BY_CODE) == CIRCULAR


def test_lines_speak_of_known_measures_of_their_own_kind() -> None:
    for line in LINES:
        basis = BY_CODE[line.indicator].basis
        known = {"flow": FLOW, "stock": STOCK}.get(basis or "", (COUNTED, "registered"))
        assert set(line.numerators) | set(line.denominators) <= set(known)
        assert line.answered in (ANSWERED if basis == "flow" else known)


def test_totals_come_first_and_lines_are_named_once() -> None:
    names = [(line.indicator, line.split) for line in LINES]
    assert len(names) == len(set(names))
    assert all(indicator.lines[0].split is None for indicator in INDICATORS)


def test_everything_has_a_label_in_three_languages() -> None:
    for labels in (
        *(indicator.names for indicator in INDICATORS),
        *(of_split(line.split) for line in LINES),
    ):
        assert set(labels) == {"en", "ur", "bn"}
        assert all(labels.values())


def test_only_schools_without_toilet_is_better_when_lower() -> None:
    assert [i.code for i in INDICATORS if i.direction == "lower"] == ["schools_without_toilet"]
