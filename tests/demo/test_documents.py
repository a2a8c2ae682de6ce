"""The documents for partners say what the product does: their examples and tables are checked."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec
import pytest

from services.indicators import intervals
from services.indicators.definition_file import shipped
from services.indicators.intervals import Sampling
from services.ingest import rules, schemas
from shared.domain.intervals import wilson
from tests.demo.test_figures import CIRCULAR, PINNED
from tests.oracle.figures import figures
from tests.oracle.small import TREE, school, visit

DOCS = Path(__file__).parents[2] / "docs"
FORM = (DOCS / "visit-form.md").read_text(encoding="utf-8")
INDICATORS_TEXT = (DOCS / "indicators.md").read_text(encoding="utf-8")
SHIPPED = shipped()
TODAY = date(2019, 6, 3)


def blocks(text: str) -> list[dict[str, Any]]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]


@pytest.mark.parametrize("form", [block for block in blocks(FORM) if "school_code" in block])
def test_example_forms_are_taken(form: dict[str, Any]) -> None:
    one = msgspec.convert(form, schemas.VisitIn)
    assert rules.reject(one, datetime(2018, 3, 7, tzinfo=UTC), ZoneInfo("Asia/Karachi")) == []


def test_every_field_of_the_form_is_named() -> None:
    def names(kind: Any) -> set[str]:
        found = set(kind.__struct_fields__)
        for field in msgspec.structs.fields(kind):
            for part in getattr(field.type, "__args__", ()):
                if isinstance(part, type) and issubclass(part, msgspec.Struct):
                    found |= names(part)
        return found

    missing = {name for name in names(schemas.VisitIn) if f"`{name}`" not in FORM}
    assert missing == set()


def test_every_word_of_the_form_is_named() -> None:
    kinds: list[Any] = [schemas.Status, schemas.ClosureReason, schemas.VisitType]
    kinds += [schemas.VisitorPost, schemas.Procurement, schemas.Answer]
    assert all(f"`{word}`" in FORM for kind in kinds for word in get_args(kind))


def test_every_rule_and_flag_is_named() -> None:
    for module in ("rules", "flags"):
        path = Path(rules.__file__).with_name(f"{module}.py")
        text = path.read_text(encoding="utf-8")
        codes = set(re.findall(r'(?:FieldError\([^"]*"[^"]*",|Flag\()\s*"([a-z_]+)"', text))
        codes |= set(re.findall(r'FieldError\((?:pointer|f"[^"]*"), "([a-z_]+)"', text))
        assert len(codes) > 5
        assert {code for code in codes if f"`{code}`" not in FORM} == set()


def test_the_table_of_indicators_is_the_catalogue() -> None:
    table = re.findall(r"^\| `(\w+)` \| .*\| .*\| .*\| .*\|$", INDICATORS_TEXT, re.MULTILINE)
    assert sorted(table) == sorted(indicator.code for indicator in SHIPPED.entries)
    for indicator in SHIPPED.entries:
        [row] = [
            line
            for line in INDICATORS_TEXT.splitlines()
            if re.match(rf"^\| `{indicator.code}` \| .*\| .*\| .*\| .*\|$", line)
        ]
        if indicator.basis is not None:
            assert f"| {indicator.basis}" in row
        for line in indicator.lines:
            if line.split and ":" not in line.split:
                assert line.split in row
    for indicator in SHIPPED.entries:
        if indicator.sampling is not Sampling.CLUSTERED or indicator.shown == "asked":
            continue
        [(icc, cv2)] = re.findall(
            rf"^\| {indicator.code} \| ([\d.]+) \| ([\d.]+) \|$", INDICATORS_TEXT, re.MULTILINE
        )
        alike = indicator.resemblance
        assert (float(icc), float(cv2)) == (alike.icc, alike.cv2)


def test_the_demonstration_s_numbers_are_the_pinned_ones() -> None:
    pinned = PINNED["units"]["PK-BA"]["figures"]
    for indicator, percent in CIRCULAR.items():
        row = pinned[indicator]
        numbers = f"{row['numerator']:,} | {row['denominator']:,} | {percent} |"
        assert f"| `{indicator}` | {numbers}" in INDICATORS_TEXT
    [answer] = [block for block in blocks(INDICATORS_TEXT) if "indicator" in block]
    pinned = PINNED["units"]["PK-BA-QTA"]["figures"][answer["indicator"]]
    assert {name: answer[name] for name in pinned} == pinned
    share = answer["numerator"] / answer["denominator"]
    assert answer["value"] == round(share, 6)
    registered = PINNED["units"]["PK-BA-QTA"]["schools_registered"]
    alike = SHIPPED.current["usable_rooms"].resemblance
    sample = intervals.clustered(answer["denominator"], answer["schools"], alike.icc, alike.cv2)
    n_eff = float(intervals.of_finite(sample, answer["schools"], registered))
    low, high = wilson(share, n_eff, 0.90)
    assert answer["interval"] == [round(low, 6), round(high, 6)]


def row(history: list[Any], code: str, first: str, last: str) -> tuple[Any, ...]:
    said = figures(
        [TREE, *history], "P", date.fromisoformat(first), date.fromisoformat(last), TODAY, "as_was"
    )
    [found] = [one for one in said["figures"] if (one["indicator"], one["split"]) == (code, None)]
    return found["numerator"], found["denominator"], found["schools"]


def test_the_ratio_of_sums_is_as_worked_out() -> None:
    boys, girls = {"enrolled": 40, "present": 30}, {"enrolled": 20}
    history = [
        school("1"),
        school("2"),
        visit("a", "1", "2018-03-05", students={"boys": boys, "girls": girls}),
        visit("b", "2", "2018-03-05", students={"unspecified": {"enrolled": 100, "present": 60}}),
    ]
    assert row(history, "student_attendance", "2018-03-05", "2018-03-05") == (90, 140, 2)
    assert "| **total** | **90** | **140** | 64.3 % |" in INDICATORS_TEXT


def test_what_stands_is_as_worked_out() -> None:
    def toilets(usable: int, available: int) -> dict[str, Any]:
        return {"shared": {"usable": usable, "available": available}}

    rooms = {"available": 6, "usable": 4}
    closed = {"status": "closed_temporarily", "closure_reason": "holiday"}
    history = [
        school("1"),
        visit("a", "1", "2018-01-10", rooms=rooms, toilets=toilets(0, 1)),
        visit("b", "1", "2018-06-02", toilets=toilets(1, 2)),
        visit("c", "1", "2019-02-05", **closed),
    ]
    for day, code, expected in (
        ("2018-12-31", "usable_rooms", (4, 6, 1)),
        ("2018-12-31", "usable_toilets", (1, 2, 1)),
        ("2019-01-09", "usable_rooms", (4, 6, 1)),
        ("2019-01-10", "usable_rooms", (0, 0, 0)),
        ("2019-02-10", "schools_open", (1, 1, 1)),
    ):
        assert row(history, code, day, day) == expected
