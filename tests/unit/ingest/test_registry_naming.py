"""Names that are certain, names that are near, and the words for what a record changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.registry.naming import Match, Names, Spelling, anyone, halves, key
from services.ingest.registry.wording import changes

NAMES = Names(
    [
        Spelling("JFB", "JFB", "id"),
        Spelling("JFB", "Jaffarabad", "name"),
        Spelling("JFB", "Jafer Abad", "alias"),
        Spelling("OLD", "Usta Muhammad", "former_name"),
        Spelling("USM", "Usta Muhammad", "name"),
        Spelling("CL-1", "01003", "head_school"),
        Spelling("ZB", "ضلع ژوب", "name"),
    ]
)


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("jfb", "JFB"),
        ("JAFFARABAD ", "JFB"),
        ("jafer-abad", "JFB"),
        ("Usta  Muhammad.", "USM"),
        ("1003", "CL-1"),
        ("ضِلع ژوب", "ZB"),
    ],
)
def test_a_certain_name(text: str, identity: str) -> None:
    found = NAMES.resolve(text, anyone, anyone)
    assert found.match is not None
    assert (found.match.identity, found.match.score) == (identity, 1.0)


def test_a_near_name_is_never_certain() -> None:
    found = NAMES.resolve("Jafarabad", anyone, anyone)
    assert found.match is None
    assert found.candidates[0].identity == "JFB"
    assert all(match.score < 1 for match in found.candidates)


def test_who_does_not_stand_is_offered_with_full_score_and_not_taken() -> None:
    found = NAMES.resolve("Jaffarabad", anyone, lambda identity: identity != "JFB")
    assert found.match is None
    assert found.candidates[0] == Match("JFB", "Jaffarabad", "name", 1.0)


@given(st.text(max_size=40))
def test_any_text_gets_an_answer_whose_key_is_stable(text: str) -> None:
    assert key(key(text)) == key(text)
    found = NAMES.resolve(text, anyone, anyone)
    assert found.match is None or found.match in found.candidates
    assert all(" ".join(pair) == " ".join(text.split()) for pair in halves(text))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (None, {"name": "A"}, ["created"]),
        ({"name": "A"}, {"name": "B"}, ["renamed"]),
        ({"name": "A", "parent_id": "P"}, {"name": "B", "parent_id": "Q"}, ["renamed", "moved"]),
        ({"valid_to": None}, {"valid_to": "2019-01-31"}, ["ended"]),
        ({"valid_to": "2019-01-31"}, {"valid_to": None}, ["reopened"]),
        ({"status": "open"}, {"status": "merged"}, ["merged"]),
        ({"status": "closed"}, {"status": "open"}, ["status_changed"]),
        (
            {"gender": "boys", "zone": "winter"},
            {"gender": "girls", "zone": "summer"},
            ["described"],
        ),
        ({"aliases": []}, {"aliases": None}, []),
        ({"names": {}}, {"names": {"ur": "ژوب"}}, ["renamed"]),
    ],
)
def test_the_words_for_a_change(
    before: dict[str, object] | None, after: dict[str, object], words: list[str]
) -> None:
    assert changes(before, after) == words
