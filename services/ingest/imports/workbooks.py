"""XLSX workbooks: the rows of one sheet as texts, read as a stream, safe against hostile files.

Owns the limits on the archive, the parts beside the sheet (sheet names, shared texts, formats of
dates) and how a stored value is written as text. No DTD and no entity is ever expanded.
"""

import re
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, fromstring
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from services.ingest.imports.refusal import FileRefused

MOST_COLUMNS = 1_000
MOST_ROWS = 1_000_000
_MOST_MEMBERS = 2_000
_MOST_BYTES = 512 << 20
_MOST_PART = 8 << 20
_MOST_STRINGS = 2_000_000
_MOST_STRING_BYTES = 64 << 20
_MOST_CELL = 131_072
_PIECE = 1 << 16
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_CODED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_COLUMN = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
NO_VALUE = "#FORMULA!"
_BROKEN = "Open the file in a spreadsheet program, save it again as XLSX, and send that."


def workbook_rows(file: BinaryIO, sheet: str | None) -> Iterator[tuple[int, list[str]]]:
    """Rows of a sheet (by name; default the first visible one) with their numbers.

    Raises FileRefused for anything but a workbook within the limits.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _refuse_bomb(archive)
            book = _Book(archive)
            yield from book.rows(sheet)
    except DefusedXmlException as error:
        detail = "The workbook declares entities or a document type, which no spreadsheet does."
        raise FileRefused("hostile_xml", detail, _BROKEN) from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ParseError, zlib.error) as error:
        raise _no_workbook() from error
    except (EOFError, LookupError, ValueError, RuntimeError) as error:
        raise _no_workbook() from error


def _no_workbook() -> FileRefused:
    return FileRefused("not_a_workbook", "The file cannot be read as an XLSX workbook.", _BROKEN)


def _refuse_bomb(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    size = sum(member.file_size for member in members)
    if len(members) > _MOST_MEMBERS or size > _MOST_BYTES:
        detail = f"Unpacked, the workbook is larger than {_MOST_BYTES >> 20} MiB."
        fix = "Split the table into several files, or send it as CSV."
        raise FileRefused("too_large_unpacked", detail, fix)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


class _Book:
    """The parts of a workbook that lie beside its sheets."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        book = self._part("xl/workbook.xml")
        self._sheets = [
            (item.get("name", ""), item.get("state", "visible"), _relation(item))
            for item in book.iter()
            if _local(item.tag) == "sheet"
        ]
        properties = next((i for i in book.iter() if _local(i.tag) == "workbookPr"), None)
        old = properties is not None and properties.get("date1904") in {"1", "true"}
        self.epoch = CALENDAR_MAC_1904 if old else CALENDAR_WINDOWS_1900
        relations = self._part("xl/_rels/workbook.xml.rels")
        self._targets = {item.get("Id", ""): item.get("Target", "") for item in relations}
        self.dates, self.spans = self._formats()

    def _part(self, name: str) -> Element:
        with self._archive.open(name) as part:
            raw = part.read(_MOST_PART + 1)
        if len(raw) > _MOST_PART:
            raise FileRefused(
                "too_large_unpacked", "A part beside the sheets is too large.", _BROKEN
            )
        found: Element = fromstring(raw, forbid_dtd=True)
        return found

    def _formats(self) -> tuple[set[int], set[int]]:
        """Which cell formats show dates, and which show lengths of time."""
        dates: set[int] = set()
        spans: set[int] = set()
        if "xl/styles.xml" not in self._archive.namelist():
            return dates, spans
        styles = self._part("xl/styles.xml")
        codes = dict(BUILTIN_FORMATS)
        for item in styles.iter():
            if _local(item.tag) == "numFmt":
                codes[int(item.get("numFmtId", "0"))] = item.get("formatCode", "")
        formats = next((item for item in styles.iter() if _local(item.tag) == "cellXfs"), ())
        for number, item in enumerate(formats):
            code = codes.get(int(item.get("numFmtId", "0")), "General")
            if is_date_format(code):
                dates.add(number)
            if is_timedelta_format(code):
                spans.add(number)
        return dates, spans

    def rows(self, sheet: str | None) -> Iterator[tuple[int, list[str]]]:
        """The rows of a sheet; raises FileRefused when there is none of this name."""
        shown = [item for item in self._sheets if item[1] == "visible"]
        chosen = [item for item in self._sheets if item[0] == sheet] if sheet else shown
        if not chosen:
            raise FileRefused(
                "no_such_sheet",
                "The workbook has no sheet of the name in the mapping."
                if sheet
                else "The workbook has no visible sheet.",
                "Name the sheet in the mapping, or rename it in the workbook.",
            )
        target = self._targets[chosen[0][2]].lstrip("/")
        path = target if target.startswith("xl/") else f"xl/{target}"
        reading = _Sheet(self, self._strings())
        yield from self._parsed(path, reading, reading.take)

    def _strings(self) -> list[str]:
        path = "xl/sharedStrings.xml"
        if path not in self._archive.namelist():
            return []
        if self._archive.getinfo(path).file_size > _MOST_STRING_BYTES:
            detail = f"The texts of the workbook take more than {_MOST_STRING_BYTES >> 20} MiB."
            raise FileRefused("too_large_unpacked", detail, "Send the table as CSV.")
        strings = _Strings()
        deque(self._parsed(path, strings, lambda: iter(())), maxlen=0)
        return strings.found

    def _parsed(
        self, path: str, target: Any, take: Callable[[], Iterator[tuple[int, list[str]]]]
    ) -> Iterator[tuple[int, list[str]]]:
        parser = DefusedXMLParser(target=target, forbid_dtd=True)
        with self._archive.open(path) as part:
            while piece := part.read(_PIECE):
                parser.feed(piece)
                yield from take()
        parser.close()
        yield from take()


def _relation(item: Element) -> str:
    return next((value for name, value in item.attrib.items() if _local(name) == "id"), "")


class _Strings:
    """Collects the shared texts, phonetic readings left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._texts: list[str] = []
        self._within = 0
        self._phonetic = 0

    def start(self, tag: str, _: dict[str, str]) -> None:
        """An element begins."""
        name = _local(tag)
        self._within += name == "t"
        self._phonetic += name == "rPh"

    def data(self, text: str) -> None:
        """Characters."""
        if self._within and not self._phonetic:
            self._texts.append(text)

    def end(self, tag: str) -> None:
        """An element ends."""
        name = _local(tag)
        self._within -= name == "t"
        self._phonetic -= name == "rPh"
        if name == "si":
            if len(self.found) >= _MOST_STRINGS:
                detail = "The workbook has too many texts."
                raise FileRefused("too_large_unpacked", detail, "Send the table as CSV.")
            self.found.append(_unescaped("".join(self._texts)))
            self._texts = []

    def close(self) -> None:
        """The document ends."""


class _Sheet:
    """Collects rows of texts; refuses the sheet as soon as it goes beyond a limit."""

    def __init__(self, book: _Book, strings: list[str]) -> None:
        self._book = book
        self._strings = strings
        self._ready: list[tuple[int, list[str]]] = []
        self._number = 0
        self._cells: list[str] = []
        self._place = 0
        self._kind = "n"
        self._style = 0
        self._formula = False
        self._reading = False
        self._texts: list[str] = []
        self._size = 0

    def take(self) -> Iterator[tuple[int, list[str]]]:
        """The rows that are complete."""
        ready, self._ready = self._ready, []
        return iter(ready)

    def start(self, tag: str, given: dict[str, str]) -> None:
        """An element begins."""
        name = _local(tag)
        if name == "c":
            self._begin_cell(given)
        elif name in {"v", "t"}:
            self._reading = True
        elif name == "f":
            self._formula = True
        elif name == "row":
            self._number = int(given.get("r", self._number + 1))
            self._cells, self._place = [], 0
            if self._number > MOST_ROWS:
                raise too_many_rows()

    def _begin_cell(self, given: dict[str, str]) -> None:
        found = _COLUMN.fullmatch(given.get("r", ""))
        self._place = _column(found[1]) if found else self._place + 1
        if self._place > MOST_COLUMNS:
            raise too_many_columns(self._number)
        self._kind = given.get("t", "n")
        self._style = int(given.get("s", "0"))
        self._formula = False
        self._texts, self._size = [], 0

    def data(self, text: str) -> None:
        """Characters."""
        if self._reading:
            self._size += len(text)
            if self._size > _MOST_CELL:
                detail = "A cell holds more than 131,072 characters."
                raise FileRefused("cell_too_long", detail, "Shorten the text.", self._number)
            self._texts.append(text)

    def end(self, tag: str) -> None:
        """An element ends."""
        name = _local(tag)
        if name in {"v", "t"}:
            self._reading = False
        elif name == "c":
            value = self._value()
            if value:
                self._cells += [""] * (self._place - 1 - len(self._cells))
                self._cells[self._place - 1 :] = [value]
        elif name == "row":
            self._ready.append((self._number, self._cells))

    def close(self) -> None:
        """The document ends."""

    def _value(self) -> str:
        text = "".join(self._texts)
        if not text:
            return NO_VALUE if self._formula and self._kind != "str" else ""
        if self._kind == "s":
            return self._strings[int(text)]
        if self._kind == "b":
            return "true" if text.strip() == "1" else "false"
        if self._kind != "n":
            return _unescaped(text)
        if self._style in self._book.dates:
            return _dated(float(text), self._book.epoch, self._style in self._book.spans)
        return _numbered(text)


def escaped(text: str) -> str:
    """A text as a workbook keeps it: `_x000D_` and the like stand for characters there."""
    return _CODED.sub(lambda found: f"_x005F{found[0]}", text) if "_x" in text else text


def _unescaped(text: str) -> str:
    if "_x" not in text:
        return text
    return _CODED.sub(lambda found: chr(int(found[1], 16)), text)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _numbered(text: str) -> str:
    """A number as people write it: no `.0`, no digits that only a binary fraction has."""
    if _WHOLE.fullmatch(text):
        return text
    value = float(text)
    whole = value.is_integer() and abs(value) < 1e15
    return str(int(value)) if whole else repr(value)


def _dated(number: float, epoch: datetime, span: bool) -> str:
    try:
        value = from_excel(number, epoch, timedelta=span)
    except (OverflowError, ValueError):
        return _numbered(str(number))
    if isinstance(value, datetime):
        return value.isoformat() if value.time() != time() else value.date().isoformat()
    return value.isoformat() if isinstance(value, date | time) else _spent(value)


def _spent(value: timedelta | None) -> str:
    return "" if value is None else str(value)


def too_many_columns(row: int) -> FileRefused:
    """The refusal of a table wider than any form."""
    detail = f"The table has more than {MOST_COLUMNS} columns."
    fix = "Remove the columns that are not needed, and stray cells far to the right."
    return FileRefused("too_many_columns", detail, fix, row)


def too_many_rows() -> FileRefused:
    """The refusal of a table longer than a job may be."""
    detail = f"The table has more than {MOST_ROWS} rows."
    fix = "Split it into several files; remove stray cells far below the table."
    return FileRefused("too_many_rows", detail, fix, MOST_ROWS)
