"""Rows written as CSV, XLSX or GeoJSON into a file, in bounded memory.

Owns the three formats; what is read back by an import is what was written. Texts that a
spreadsheet would run are marked in CSV and XLSX; numbers are numbers.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import IO, Any, Protocol

import msgspec
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from services.ingest.imports.fields import FieldKind, written
from services.ingest.imports.workbooks import escaped
from shared.errors import Problem
from shared.formula_guard import guarded

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
}
_POINTS = (("lat", "lon"), ("location.lat", "location.lon"))
_LONGEST = 32_000
_TEXTS = {"text", "code", "prose", "choice", "list", "json", "uuid", "instant", "date"}
Row = Mapping[str, Any]


class Writer(Protocol):
    """Writes rows into a file."""

    def row(self, row: Row) -> None:
        """Write a row."""
        ...

    def close(self) -> None:
        """Write what comes after the last row."""
        ...


async def write(
    rows: AsyncIterator[Row], fields: Sequence[FieldKind], kind: str, file: IO[bytes]
) -> int:
    """Write all rows in a format; how many there were."""
    makers: dict[str, Callable[[IO[bytes], Sequence[FieldKind]], Writer]] = {
        "csv": CsvWriter,
        "xlsx": XlsxWriter,
        "geojson": GeoWriter,
    }
    writer = makers[kind](file, fields)
    count = 0
    async for row in rows:
        writer.row(row)
        count += 1
    writer.close()
    return count


def _cell(field: FieldKind, value: Any) -> Any:
    """A leaf as a spreadsheet takes it: a number, or a text that is no formula."""
    if value is None:
        return None
    if field.kind not in _TEXTS and not isinstance(value, str):
        return written(value) if isinstance(value, bool) else value
    return guarded(written(value))


class CsvWriter:
    """CSV in UTF-8 with a byte order mark, by which spreadsheets know it."""

    def __init__(self, file: IO[bytes], fields: Sequence[FieldKind]) -> None:
        self._file = file
        self._fields = fields
        self._text = io.StringIO()
        self._writer = csv.writer(self._text)
        self._text.write("\ufeff")
        self._writer.writerow([field.name for field in fields])

    def row(self, row: Row) -> None:
        """Write a row."""
        self._writer.writerow([_number(_cell(f, row.get(f.name))) for f in self._fields])
        if self._text.tell() > 1 << 16:
            self._flush()

    def _flush(self) -> None:
        self._file.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()

    def close(self) -> None:
        """Write what is left."""
        self._flush()


def _number(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, float) else value


class XlsxWriter:
    """A workbook of one sheet, written row by row."""

    def __init__(self, file: IO[bytes], fields: Sequence[FieldKind]) -> None:
        self._file = file
        self._fields = fields
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("export")
        self._sheet.append([field.name for field in fields])

    def row(self, row: Row) -> None:
        """Write a row."""
        self._sheet.append([self._cell(_cell(f, row.get(f.name))) for f in self._fields])

    def _cell(self, value: Any) -> Any:
        if isinstance(value, float) and float(f"{value:.15g}") != value:
            # A workbook keeps fifteen digits; such a number is kept as its text.
            value = repr(value)
        if not isinstance(value, str):
            return value
        if len(value) > _LONGEST:
            detail = "A text is longer than a cell of a workbook may be; export it as CSV."
            raise Problem(422, "cell_too_long", detail)
        cell = WriteOnlyCell(self._sheet, escaped(value))
        cell.data_type = "s"
        return cell

    def close(self) -> None:
        """Write the workbook."""
        self._book.save(self._file)


class GeoWriter:
    """A feature collection, a feature on each line; without a point the geometry is null."""

    def __init__(self, file: IO[bytes], fields: Sequence[FieldKind]) -> None:
        self._file = file
        self._names = {field.name for field in fields}
        self._first = True
        file.write(b'{"type":"FeatureCollection","features":[')

    def row(self, row: Row) -> None:
        """Write a feature."""
        geometry = None
        for lat, lon in _POINTS:
            if row.get(lat) is not None and row.get(lon) is not None:
                geometry = {"type": "Point", "coordinates": [row[lon], row[lat]]}
        properties = {k: v for k, v in row.items() if k in self._names}
        feature = {"type": "Feature", "geometry": geometry, "properties": properties}
        self._file.write((b"\n" if self._first else b",\n") + msgspec.json.encode(feature))
        self._first = False

    def close(self) -> None:
        """End the collection."""
        self._file.write(b"\n]}\n")
