"""What a seal vouches for: the question, the instant, the definitions and every integer."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from services.indicators.seals import judged, read_seal, seal_of

SECRET = b"k" * 32
AT = 1_559_534_400_000_000
ANSWER: Any = {
    "unit": "D1",
    "first": "2018-03-01",
    "last": "2018-03-31",
    "state_on": "2018-03-31",
    "view": "as_was",
    "visits": 12,
    "schools_visited": 5,
    "schools_registered": 9,
    "figures": [
        {
            "indicator": "student_attendance",
            "split": None,
            "definition": 1,
            "numerator": 40,
            "denominator": 50,
            "visits": 12,
            "schools": 5,
        },
        {
            "indicator": "child_clubs",
            "split": None,
            "definition": 1,
            "numerator": 0,
            "denominator": 0,
            "visits": 0,
            "schools": 0,
        },
    ],
}
SEAL = seal_of(ANSWER, AT, "defs", 365, SECRET)


def verdict(
    answer: Any, *, at: int = AT, defs: str = "defs", days: int = 365, text: str = ""
) -> str:
    return judged(read_seal(text or SEAL.text()), answer, at, defs, days, SECRET)


def test_the_same_figures_are_confirmed_whatever_else_the_answer_says() -> None:
    assert verdict(ANSWER) == "confirmed"
    later = copy.deepcopy(ANSWER) | {"as_of": "later", "name": "Renamed"}
    later["figures"] = later["figures"][:1]  # a line in which nothing is says nothing
    assert verdict(later) == "confirmed"


@pytest.mark.parametrize("name", ["numerator", "denominator", "visits", "schools", "definition"])
def test_any_other_integer_differs(name: str) -> None:
    other = copy.deepcopy(ANSWER)
    other["figures"][0][name] += 1
    assert verdict(other) == "differs"


@pytest.mark.parametrize("name", ["visits", "schools_visited", "schools_registered"])
def test_any_other_number_above_the_figures_differs(name: str) -> None:
    assert verdict(ANSWER | {name: ANSWER[name] + 1}) == "differs"


@pytest.mark.parametrize(
    ("name", "value"),
    [("unit", "D2"), ("first", "2018-03-02"), ("last", "2018-03-30"), ("view", "restated")],
)
def test_another_question_is_not_ours(name: str, value: str) -> None:
    assert verdict(ANSWER | {name: value}) == "not_ours"


def test_another_instant_key_or_text_is_not_ours() -> None:
    assert verdict(ANSWER, at=AT + 1) == "not_ours"
    foreign = seal_of(ANSWER, AT, "defs", 365, b"x" * 32)
    assert verdict(ANSWER, text=foreign.text()) == "not_ours"
    letters = SEAL.text().replace("-", "")
    for place in range(len(letters)):
        other = "B" if letters[place] == "A" else "A"
        assert verdict(ANSWER, text=letters[:place] + other + letters[place + 1 :]) == "not_ours"
    for text in ("7", "ü" * 39, letters + "A", "_" * 39):
        assert verdict(ANSWER, text=text) == "not_ours"


def test_other_definitions_are_told_from_other_figures() -> None:
    assert verdict(ANSWER, defs="newer") == "definitions_changed"
    assert verdict(ANSWER, days=366) == "differs"


def test_a_seal_is_read_however_it_was_typed() -> None:
    text = SEAL.text()
    letters = {"0": "O", "1": "I", "8": "B"}
    for typed in (
        text.lower(),
        text.replace("-", " "),
        text.translate(str.maketrans({v: k for k, v in letters.items()})),
    ):
        assert verdict(ANSWER, text=typed) == "confirmed"
