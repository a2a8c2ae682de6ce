"""Cells and rows as they stand in real registers, and what cleaning makes of them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from services.ingest.cleaning.cells import KINDS, clean
from services.ingest.cleaning.faults import Fault
from services.ingest.cleaning.rows import PAKISTAN, Doubles, point, total_row

PKT = timezone(timedelta(hours=5))


@pytest.mark.parametrize(
    ("kind", "raw", "options", "value"),
    [
        ("text", "  GBPS  PATAO\xa0MIRZAI ", {}, "GBPS PATAO MIRZAI"),
        ("text", "NA", {}, "NA"),
        ("text", "گورنمنٹ سکول", {}, "گورنمنٹ سکول"),
        ("code", " 01001 ", {}, "01001"),
        ("code", "1001.0", {}, "1001"),
        ("code", "NCHD_072", {}, "NCHD_072"),
        ("code", "GBHS MANNA", {"spaces": True}, "GBHS MANNA"),
        ("integer", "12.0", {}, 12),
        ("integer", "1,234", {}, 1234),
        ("integer", "12,34,567", {}, 1234567),
        ("integer", "۴۷", {}, 47),
        ("number", "250|m", {"units": {"m": 1, "km": 1000}}, 250.0),
        ("number", "3|km", {"units": {"m": 1, "km": 1000}}, 3000.0),
        ("number", "-9", {}, -9.0),
        ("integer", "NA", {}, None),
        ("integer", "", {}, None),
        ("integer", "-999", {"missing": ["-999"]}, None),
        ("latitude", "-9.5", {}, -9.5),
        ("latitude", "30°30'00\"N", {}, 30.5),
        ("longitude", "67.726", {}, 67.726),
        ("date", "2018-03-05", {}, date(2018, 3, 5)),
        ("date", "2018-03-05 00:00:00", {}, date(2018, 3, 5)),
        ("date", "05/03/2018", {"order": "dmy"}, date(2018, 3, 5)),
        ("date", "5-Mar-2018", {}, date(2018, 3, 5)),
        ("instant", "2018-03-05T09:40:00+05:00", {}, datetime(2018, 3, 5, 9, 40, tzinfo=PKT)),
        ("instant", "2018-03-05T04:40:00Z", {}, datetime(2018, 3, 5, 4, 40, tzinfo=UTC)),
        (
            "instant",
            "05/03/2018 9:40 AM",
            {"order": "dmy", "zone": "Asia/Karachi"},
            datetime(2018, 3, 5, 9, 40, tzinfo=PKT),
        ),
        ("boolean", "Yes ", {}, True),
        ("boolean", "نہیں", {}, False),
        ("boolean", "Pakka", {"true": ["pakka"]}, True),
        ("choice", " co-education", {"choices": {"Co-Education": "mixed"}}, "mixed"),
        ("choice", "open", {"choices": ["open", "closed"]}, "open"),
    ],
)
def test_a_cell_is_read(kind: str, raw: str, options: dict[str, object], value: object) -> None:
    assert clean(kind, raw, **options) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "raw", "options", "code"),
    [
        ("code", "GBHS MASORY MANA", {}, "name_as_code"),
        ("code", "1.001E+03", {}, "code_as_number"),
        ("code", "", {"required": True}, "empty"),
        ("text", "a\u0007b", {}, "control_character"),
        ("text", "abc", {"max_length": 2}, "too_long"),
        ("number", "Inf", {}, "not_finite"),
        ("number", "nan", {}, "not_finite"),
        ("integer", "-999", {}, "missing_mark"),
        ("integer", "-9", {"minimum": 0}, "missing_mark"),
        ("latitude", "-999", {}, "missing_mark"),
        ("number", "250|m", {}, "number_with_unit"),
        ("number", "|km", {"units": {"km": 1000}}, "unit_without_number"),
        ("integer", "12.5", {}, "not_whole"),
        ("integer", "1e400", {}, "not_a_number"),
        ("integer", "-3", {"minimum": 0}, "out_of_range"),
        ("integer", "twelve", {}, "not_a_number"),
        ("latitude", "91", {}, "out_of_range"),
        ("date", "05/03/2018", {}, "ambiguous_date"),
        ("date", "2018-02-30", {}, "no_such_day"),
        ("date", "soon", {}, "not_a_date"),
        ("instant", "2018-03-05T09:40", {}, "no_offset"),
        ("instant", "2018-03-05", {}, "not_a_time"),
        ("boolean", "maybe", {}, "not_yes_or_no"),
        ("choice", "opn", {"choices": ["open", "closed"]}, "not_in_list"),
    ],
)
def test_a_dirty_cell_is_told_with_what_to_do(
    kind: str, raw: str, options: dict[str, object], code: str
) -> None:
    fault = clean(kind, raw, **options)  # type: ignore[arg-type]
    assert isinstance(fault, Fault)
    assert fault.code == code
    assert fault.detail
    assert fault.fix


def test_a_near_choice_is_offered_not_taken() -> None:
    fault = clean("choice", "Fnctional x", choices={"Functional": "open", "Closed": "closed"})
    assert isinstance(fault, Fault)
    assert fault.detail.endswith("Did you mean open?")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_makes_cleaning_fall(kind: str) -> None:
    options = {"choices": ["a"]} if kind == "choice" else {}
    for raw in (
        "\x00",
        "²",
        "٣/٣/٢٠١٨",
        "1" * 5000,
        "9999-99-99T99:99:99+99:99",
        "\ud800",
        "|",
        "+",
    ):
        clean(kind, raw, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cells", [["TOTAL", ""], ["", "Grand Total :"], ["x", "کل"], ["Total 213"]]
)
def test_a_sum_is_no_school(cells: list[str]) -> None:
    fault = total_row(cells)
    assert fault is not None
    assert fault.code == "total_row"


def test_a_school_may_be_called_nearly_so() -> None:
    assert total_row(["5123", "GBPS TOTAL ABAD"]) is None


def test_a_row_twice_is_told_from_a_row_that_disagrees() -> None:
    doubles = Doubles()
    assert doubles.fault("1001", 2, ["1001", "A "]) is None
    again = doubles.fault("1001", 3, ["1001", "a"])
    other = doubles.fault("1001", 4, ["1001", "B"])
    assert (again and again.code, other and other.code) == ("double_row", "double_key")
    assert other is not None
    assert "Row 2" in other.detail


def test_a_swapped_point_is_told_and_turned_round_only_when_asked() -> None:
    left_out = point(67.726, 30.381, PAKISTAN)
    assert (left_out.lat, left_out.lon) == (None, None)
    mended = point(67.726, 30.381, PAKISTAN, mend_swapped=True)
    assert (mended.lat, mended.lon) == (30.381, 67.726)
    for told in (left_out, mended):
        assert told.fault is not None
        assert told.fault.code == "swapped_point"
    assert point(30.381, 67.726, PAKISTAN).fault is None


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [(0.0, 0.0, "no_fix"), (30.0, None, "half_a_point"), (51.5, -0.1, "outside_area")],
)
def test_a_faulty_point_is_left_out(lat: float, lon: float | None, code: str) -> None:
    found = point(lat, lon, PAKISTAN)
    assert found.fault is not None
    assert (found.fault.code, found.lat, found.lon) == (code, None, None)
