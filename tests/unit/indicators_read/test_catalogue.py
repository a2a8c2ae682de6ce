"""The catalogue is complete, and speaks of measures and words that exist."""

from services.indicators.definition_file import shipped
from services.indicators.labels import of_split

SHIPPED = shipped()
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


ALTERNATIVES = {
    "teacher_attendance_less_leave",
    "teacher_attendance_with_closed",
    "learning_environment_visits",
}


def test_every_indicator_of_the_circular_is_in_every_answer_and_alternatives_are_asked_for() -> (
    None
):
    shown = {code: indicator.shown for code, indicator in SHIPPED.current.items()}
    assert {code for code, how in shown.items() if how == "always"} == CIRCULAR
    assert {code for code, how in shown.items() if how == "asked"} == ALTERNATIVES


def test_totals_come_first_and_lines_are_named_once() -> None:
    names = [(line.indicator, line.split, line.version) for line in SHIPPED.lines]
    assert len(names) == len(set(names))
    assert all(indicator.lines[0].split is None for indicator in SHIPPED.entries)


def test_everything_has_a_label_in_three_languages_and_a_short_name_in_two() -> None:
    for labels in (
        *(indicator.names for indicator in SHIPPED.entries),
        *(of_split(line.split) for line in SHIPPED.lines),
        *(labels for indicator in SHIPPED.entries for labels in indicator.words.values()),
    ):
        assert set(labels) == {"en", "ur", "bn"}
        assert all(labels.values())
    assert all(set(indicator.short) == {"en", "ur"} for indicator in SHIPPED.entries)


def test_only_schools_without_toilet_is_better_when_lower() -> None:
    lower = [code for code, found in SHIPPED.current.items() if found.direction == "lower"]
    assert lower == ["schools_without_toilet"]
