"""Files as tables: encodings, delimiters, workbooks, and what a hostile file is told."""

from __future__ import annotations

import io
from datetime import date, datetime

import pytest

from services.ingest.imports.files import Table, read_table
from services.ingest.imports.mappings import Mapping
from services.ingest.imports.refusal import FileRefused
from shared.formula_guard import guarded, unguarded
from tests.support.tables import with_part, workbook

URDU = "code;name\r\n1;مدرسہ کوئٹہ گرلز\r\n\r\n2;گورنمنٹ پرائمری سکول\r\n"
LATIN = "code,name\n1,École Düsseldorf\n2,Señor\n"
SHEET = "xl/worksheets/sheet1.xml"


def read(content: bytes, charset: str | None = None, **mapping: object) -> Table:
    return read_table(io.BytesIO(content), Mapping(kind="schools", **mapping), charset)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spelt", "encoding", "guessed"),
    [
        ("utf-8", "utf-8", False),
        ("utf-8-sig", "utf-8", False),
        ("utf-16", "utf-16", False),
        ("utf-16-le", "utf-16", True),
        ("cp1256", "windows-1256", True),
    ],
)
def test_an_urdu_table_is_read_in_any_encoding(spelt: str, encoding: str, guessed: bool) -> None:
    text = URDU.replace("کوئٹہ", "كوئته").replace("ی", "ي").replace("ہ", "ه").replace("ک", "ك")
    text = text if spelt == "cp1256" else URDU
    file = io.BytesIO(text.encode(spelt))
    table = read_table(file, Mapping(kind="schools"), None)
    assert table.told["encoding"] == encoding
    assert table.told["encoding_guessed"] is guessed
    assert table.told["delimiter"] == ";"
    assert table.columns == ["code", "name"]
    names = text.split("\r\n")
    assert list(table.rows()) == [(2, names[1].split(";")), (4, names[3].split(";"))]


def test_western_accents_are_told_from_arabic_script() -> None:
    table = read(LATIN.encode("cp1252"))
    assert (table.told["encoding"], table.told["encoding_guessed"]) == ("windows-1252", True)
    assert next(table.rows()) == (2, ["1", "École Düsseldorf"])


@pytest.mark.parametrize(
    ("content", "charset", "code", "row"),
    [
        (LATIN.encode("cp1252"), "utf-8", "wrong_encoding", 2),
        (LATIN.encode(), "ebcdic", "unknown_encoding", 0),
        (b"a,b\n1,\xe9\xe9\n2,\xe9 \xe9 \xe9\n", None, "unclear_encoding", 0),
        (b"a,b;c\n1,2;3\n", None, "unclear_delimiter", 1),
        (b'a,b\n1,2\n3,"x\n4,5\n', None, "broken_quotes", 3),
        (b'a,b\n1,"x"y\n', None, "broken_quotes", 2),
        (b"\n\n", None, "empty_table", 0),
        (b"a,b\n" + b"x" * (2 << 20), None, "line_too_long", 2),
        (b"a," * 5_000, None, "too_many_columns", 1),
        (b"a," * 1_000_000, None, "line_too_long", 1),
        (b"a," * 500_000 + b"\n", None, "too_many_columns", 1),
        (b"\xd0\xcf\x11\xe0" + bytes(100), None, "old_workbook", 0),
        (b"PK\x03\x04 broken", None, "not_a_workbook", 0),
        (b'{"type": "Topology"}', None, "not_geojson", 0),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(
    content: bytes, charset: str | None, code: str, row: int
) -> None:
    with pytest.raises(FileRefused) as refused:
        read(content, charset)
    assert (refused.value.loss.fault.code, refused.value.loss.row) == (code, row)
    assert refused.value.loss.fault.fix


def test_a_workbook_is_read_as_people_see_it() -> None:
    at = datetime(2018, 3, 5, 9, 40)  # noqa: DTZ001 - a cell has no zone
    content = workbook(
        ["code", "day", "at", "share", "ok", None, "note"],
        [1001, date(2018, 3, 5), at, 0.25, True, "stray", "_x0041_"],
        [None] * 7,
        ["0012", None, None, 12.0],
        title="Register",
    )
    table = read(content, sheet="Register")
    assert table.columns[:3] == ["code", "day", "at"]
    rows = list(table.rows())
    seen = ["1001", "2018-03-05", "2018-03-05T09:40:00", "0.25", "true"]
    assert rows[0][1][:5] == seen
    assert rows[1] == (4, ["0012", "", "", "12", "", "", ""])
    table.close()
    with pytest.raises(FileRefused, match="no sheet"):
        read(content, sheet="Other")


def _sheet(inner: str) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{space}"><sheetData>{inner}</sheetData></worksheet>'.encode()


@pytest.mark.parametrize(
    ("part", "content", "code"),
    [
        (SHEET, _sheet("<row>" + "<c><v>1</v></c>" * 1_001 + "</row>"), "too_many_columns"),
        (SHEET, _sheet('<row r="1"><c r="XFD1"><v>1</v></c></row>'), "too_many_columns"),
        (SHEET, _sheet('<row r="99999999"><c><v>1</v></c></row>'), "too_many_rows"),
        (SHEET, b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "hostile_xml"),
        (SHEET, b"<worksheet><sheetData>", "not_a_workbook"),
        (SHEET, _sheet(f"<row><c><v>{'9' * 200_000}</v></c></row>"), "cell_too_long"),
        ("xl/styles.xml", b"<x>" + b" " * (9 << 20) + b"</x>", "too_large_unpacked"),
        ("xl/theme/theme1.xml", bytes(600 << 20), "too_large_unpacked"),
    ],
    ids=["wide", "far-right", "far-down", "entities", "cut-off", "long-cell", "styles", "bomb"],
)
def test_a_hostile_workbook_is_refused(part: str, content: bytes, code: str) -> None:
    book = with_part(workbook(["code"], ["1"]), part, content)
    with pytest.raises(FileRefused) as refused:
        read(book)
    assert refused.value.loss.fault.code == code


@pytest.mark.parametrize("text", ["", "=1+1", "'=1", "''", "plain", "-5", "@a", "\t=", "＝1", "'a"])
def test_the_mark_before_formulas_comes_off_again(text: str) -> None:
    cell = guarded(text)
    assert unguarded(cell) == text
    assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r", "＝"}
    assert cell
