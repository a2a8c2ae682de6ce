"""An uploaded file as a table: its header, then numbered rows of texts, whatever the format.

Owns the choice of format, the header and the limits that hold for all formats. A file is read once
from end to end before any of it is used, so that a fault in its last line is known before its first
is stored.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any, BinaryIO

import msgspec

from services.ingest.imports.features import feature_rows
from services.ingest.imports.mappings import Mapping
from services.ingest.imports.refusal import FileRefused
from services.ingest.imports.text_files import text_format, text_rows
from services.ingest.imports.workbooks import (
    MOST_COLUMNS,
    MOST_ROWS,
    too_many_columns,
    too_many_rows,
    workbook_rows,
)

CSV, XLSX, GEOJSON = "csv", "xlsx", "geojson"
_OLD = b"\xd0\xcf\x11\xe0"
_ROW = msgspec.json.Decoder(tuple[int, list[str]])
_ENCODER = msgspec.json.Encoder()
Numbered = tuple[int, list[str]]


@dataclass
class Table:
    """A file that was read from end to end: its columns, how many rows, and how to read them."""

    columns: list[str]
    total: int
    again: Callable[[], Iterator[Numbered]]
    told: dict[str, Any] = field(default_factory=dict)
    spool: IO[bytes] | None = None

    def close(self) -> None:
        """Let go of what the table keeps on disk."""
        if self.spool is not None:
            self.spool.close()

    def rows(self) -> Iterator[Numbered]:
        """All rows with their numbers in the file, each as wide as the header or wider."""
        width = len(self.columns)
        for number, cells in self.again():
            if len(cells) < width:
                cells += [""] * (width - len(cells))
            yield number, cells


def format_of(file: BinaryIO) -> str:
    """What the first bytes are: xlsx, geojson or csv; raises FileRefused for old workbooks."""
    file.seek(0)
    head = file.read(4096)
    if head.startswith(b"PK"):
        return XLSX
    if head.startswith(_OLD):
        raise FileRefused(
            "old_workbook",
            "The file is a workbook in the old XLS format.",
            "Open it in a spreadsheet program and save it as XLSX or CSV.",
        )
    return GEOJSON if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else CSV


def read_table(file: BinaryIO, mapping: Mapping, charset: str | None) -> Table:
    """Read a file from end to end; raises FileRefused when it is no table within the limits.

    The file must stay open as long as the table is read.
    """
    kind = format_of(file)
    told: dict[str, Any] = {"format": kind}
    if kind == CSV:
        written = text_format(file, mapping.encoding or charset, mapping.delimiter)
        told |= {
            "encoding": written.encoding,
            "encoding_guessed": written.guessed,
            "delimiter": written.delimiter,
        }
        return _counted(lambda: text_rows(file, written), mapping.header_row, told)
    rows = workbook_rows(file, mapping.sheet) if kind == XLSX else feature_rows(file)
    # The operating system removes the spool with its last handle.
    spool: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the table's to close
    try:
        table = _counted(_spooled(rows, spool), mapping.header_row, told)
    except BaseException:
        spool.close()
        raise
    table.spool = spool
    return table


def _spooled(rows: Iterator[Numbered], spool: IO[bytes]) -> Callable[[], Iterator[Numbered]]:
    """Rows that are dear to read, on disk, in a form that is cheap to read again."""
    for row in rows:
        spool.write(_ENCODER.encode(row) + b"\n")

    def again() -> Iterator[Numbered]:
        spool.seek(0)
        yield from map(_ROW.decode, spool)

    return again


def _counted(
    again: Callable[[], Iterator[Numbered]], header_row: int, told: dict[str, Any]
) -> Table:
    columns: list[str] = []
    total = 0
    rows = _filled(again(), header_row)
    for number, cells in rows:
        if len(cells) > MOST_COLUMNS:
            raise too_many_columns(number)
        if not columns:
            columns = _named(cells)
            continue
        total += 1
        if total > MOST_ROWS:
            raise too_many_rows()
    if not columns:
        detail = "The table is empty: it has no line of column names."
        raise FileRefused("empty_table", detail, "Send a table whose first line names the columns.")
    return Table(columns, total, lambda: islice(_filled(again(), header_row), 1, None), told)


def _filled(rows: Iterator[Numbered], header_row: int) -> Iterator[Numbered]:
    """The header and the rows below it; empty rows are none."""
    for row in rows:
        if row[0] >= header_row and any(row[1]) and any(map(str.strip, row[1])):
            yield row


def _named(cells: list[str]) -> list[str]:
    """The columns' names; a repeated one gets its number, so that each is one column."""
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    seen: dict[str, int] = {}
    names = []
    for cell in cells:
        name = " ".join(cell.split())
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 or not name else f"{name} ({seen[name]})")
    return names
