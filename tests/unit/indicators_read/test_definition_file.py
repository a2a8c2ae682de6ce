"""Files of definitions: what is taken beside the shipped ones, and every refusal in full words."""

from pathlib import Path
from typing import Any

import pytest

from services.indicators.definition_file import DefinitionError, load, refused_changes, shipped

OWN: dict[str, str] = {
    "code": '"absent_teachers"',
    "version": "1",
    "basis": '"flow"',
    "direction": '"lower"',
    "unit": '"share"',
    "numerator": '["teachers_absent"]',
    "denominator": '["teachers_male_posted", "teachers_female_posted"]',
    "answered": '"teachers_answered"',
    "numerator_is": '"absent"',
    "denominator_is": '"posted"',
    "sample": '"clustered"',
    "alike": "{ icc = 0.2, cv2 = 0.3 }",
    "labels": '{ en = "Absent teachers" }',
}
SPLIT = {
    "words": '["male", "female"]',
    "numerator": '["teachers_{}_present"]',
    "denominator": '["teachers_{}_posted"]',
    "answered": '"teachers_{}_answered"',
}


def written(folder: Path, split: dict[str, str] | None = None, **changed: str | None) -> Path:
    fields = {name: text for name, text in (OWN | changed).items() if text is not None}
    lines = ["[[indicators]]", *(f"{name} = {text}" for name, text in fields.items())]
    if split is not None:
        lines += ["[[indicators.splits]]", *(f"{name} = {text}" for name, text in split.items())]
    path = folder / "own.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_an_own_indicator_stands_behind_the_shipped_ones(tmp_path: Path) -> None:
    found = load(written(tmp_path))
    assert list(found.current) == [*shipped().current, "absent_teachers"]
    assert found.version != shipped().version


def test_a_next_version_is_in_force_and_the_one_before_can_be_asked_for(tmp_path: Path) -> None:
    found = load(written(tmp_path, code='"usable_rooms"', version="2"))
    assert found.current["usable_rooms"].version == 2
    assert {code for code, version in found.by_version if version == 2} == {"usable_rooms"}
    older = found.place("usable_rooms", "school_gender:girls", 1)
    assert older is not None
    assert not found.answered[older]
    assert found.place("usable_rooms", "school_gender:girls") is None


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"code": '"Absent"'}, "code", "a code is"),
        ({"code": "7"}, "code", "Expected `str`, got `int`"),
        ({"version": '"1"'}, "version", "Expected `int`, got `str`"),
        ({"version": "0"}, "version", "a whole number from 1"),
        ({"code": '"usable_rooms"'}, "version", "cannot follow version 1"),
        ({"basis": '"flows"'}, "basis", "Invalid enum value 'flows'"),
        ({"labels": None}, "labels", "missing required field `labels`"),
        ({"labels": '{ ur = "غیر حاضر" }'}, "labels.en", "an English label is needed"),
        ({"labels": '{ en = " " }'}, "labels.en", "empty"),
        ({"labels": '{ en = "a", fr = "b" }'}, "labels.fr", "the languages are"),
        ({"numerators": '["visits"]'}, "numerators", "unknown field `numerators`"),
        ({"numerator": '["teachers_gone"]'}, "numerator", "there is no measure teachers_gone"),
        ({"numerator": '["rooms_usable"]'}, "numerator", "rooms_usable is no measure of a flow"),
        ({"numerator": "[]"}, "numerator", "adds up to nothing"),
        (
            {"numerator": '["teachers_absent", "teachers_absent"]'},
            "numerator",
            "teachers_absent is given twice",
        ),
        ({"answered": '"teachers_absent"'}, "answered", "does not say who answered"),
        ({"denominator": "[]", "denominator_is": None}, "denominator", "a share needs"),
        ({"sample": '"school"'}, "alike", "only there"),
        ({"alike": "{ icc = 1.5, cv2 = 0.3 }"}, "alike.icc", "between 0 and 1"),
        ({"alike": "{ icc = 0.5 }"}, "alike", "missing required field `cv2`"),
        ({"by": '["colour"]'}, "by", "colour is none of"),
        ({"reliable": "{ known_percent = 80 }"}, "reliable.known_percent", "only a stock"),
    ],
)
def test_a_wrong_field_is_named_with_file_indicator_and_reason(
    changed: dict[str, Any], field: str, reason: str, tmp_path: Path
) -> None:
    path = written(tmp_path, **changed)
    with pytest.raises(DefinitionError) as refusal:
        load(path)
    said = str(refusal.value)
    code = changed.get("code", '"absent_teachers"').strip('"')
    named = "indicator number 1" if code == "7" else f"indicator {code}"
    assert said.startswith(f"{path}: {named}: field {field}")
    assert reason in said


def test_a_stock_of_answers_that_stand_apart_is_refused(tmp_path: Path) -> None:
    stock = {"basis": '"stock"', "numerator": '["no_toilet"]', "answered": '"no_toilet_answered"'}
    assert load(written(tmp_path, **stock, denominator='["registered"]'))
    with pytest.raises(DefinitionError, match="rooms_available are answered apart"):
        load(written(tmp_path, **stock, denominator='["rooms_available"]'))


@pytest.mark.parametrize(
    ("split", "field", "reason"),
    [
        ({"words": '["male"]'}, "splits[0].numerator", "do not add"),
        ({"words": '["male", "female", "male"]'}, "splits[0].numerator", "do not add"),
        ({"words": "[]"}, "splits[0].words", "there are none"),
        ({"words": '["male", "Frau"]'}, "splits[0].words", "'Frau' is no word"),
        ({"denominator": '["teachers_{}_seen"]'}, "splits[0].denominator", "teachers_male_seen"),
        ({"answered": '"teachers_{}_present"'}, "splits[0].answered", "does not say who"),
        ({"kind": '"school_gender"'}, "splits[0].words", "male is no gender of schools"),
    ],
)
def test_parts_that_are_not_the_whole_are_refused(
    split: dict[str, str], field: str, reason: str, tmp_path: Path
) -> None:
    whole = {"numerator": '["teachers_male_present", "teachers_female_present"]'}
    assert load(written(tmp_path, SPLIT, **whole)).place("absent_teachers", "female") is not None
    path = written(tmp_path, SPLIT | split, **whole)
    with pytest.raises(DefinitionError) as refusal:
        load(path)
    assert f"indicator absent_teachers: field {field}: " in str(refusal.value)
    assert reason in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[indicators", "this is no TOML"),
        ("", "there are no [[indicators]]"),
        ("colour = 1", "unknown field colour"),
        ("indicators = [3]", "indicator number 1: field"),
    ],
)
def test_a_file_of_something_else_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"own\.toml") as refusal:
        load(path)
    assert reason in str(refusal.value)


def test_the_example_of_the_guide_is_taken(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "definitions.md").read_text(encoding="utf-8")
    path = tmp_path / "own.toml"
    path.write_text(guide.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    assert "absent_teachers" in load(path).current


def test_a_file_saved_with_a_mark_before_its_text_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert "absent_teachers" in load(path).current


def test_a_file_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"RTSM_DEFINITIONS: .*none\.toml cannot be read"):
        load(tmp_path / "none.toml")


def test_only_words_may_change_under_a_version_that_was_used(tmp_path: Path) -> None:
    held = [(e.code, e.version, e.digest) for e in load(written(tmp_path)).entries]
    refused_changes(load(written(tmp_path, labels='{ en = "Away" }', shown='"asked"')), held)
    for field, text in (("numerator", '["teachers_on_leave"]'), ("direction", '"higher"')):
        with pytest.raises(DefinitionError, match="absent_teachers: field version: version 1 was"):
            refused_changes(load(written(tmp_path, **{field: text})), held)
