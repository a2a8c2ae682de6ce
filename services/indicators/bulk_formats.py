"""Batches of columns as NDJSON, CSV or Parquet, piece by piece.

Owns the three formats. NDJSON is for machines and holds texts as they are; in CSV, what a
spreadsheet would run is marked; Parquet is written in row groups by pyarrow, which is loaded when
the first Parquet is asked for: a process that never writes any does without its memory.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from services.indicators.bulk import Batch, Column, Kind, Values
from shared.clock import rfc3339
from shared.domain.days import day_date
from shared.formula_guard import guarded

MEDIA = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_ROWS_A_GROUP = 20_000


class Writer(Protocol):
    """Turns batches into bytes; whatever is returned may be sent at once."""

    def batch(self, batch: Batch) -> bytes:
        """The bytes that some more rows make ready."""
        ...

    def end(self) -> bytes:
        """What comes after the last row."""
        ...


def writer(form: str, columns: Sequence[Column], about: Mapping[str, str]) -> Writer:
    """What writes a format; `about` says what the answer is, where the format has room for it."""
    if form == "ndjson":
        return _Ndjson(columns)
    if form == "csv":
        return _Csv(columns)
    return _Parquet(columns, about)


def _worded(column: Column, values: Values) -> Values:
    """Days and instants as texts, the rest as it is."""
    if column.kind == "day":
        return [None if value is None else day_date(value).isoformat() for value in values]
    if column.kind == "instant":
        return [None if value is None else rfc3339(value) for value in values]
    return values


class _Ndjson:
    """A JSON object on each line, every column named on every line."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._names = [column.name for column in columns]
        self._encoder = msgspec.json.Encoder()

    def batch(self, batch: Batch) -> bytes:
        columns = [_worded(c, v) for c, v in zip(self._columns, batch.values, strict=True)]
        rows = zip(*columns, strict=True)
        return self._encoder.encode_lines(
            [dict(zip(self._names, row, strict=True)) for row in rows]
        )

    def end(self) -> bytes:
        return b""


class _Csv:
    """CSV with a byte order mark, by which spreadsheets know UTF-8."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._head: list[str] | None = [column.name for column in columns]

    def batch(self, batch: Batch) -> bytes:
        columns = [_cells(c, v) for c, v in zip(self._columns, batch.values, strict=True)]
        return self._begun() + _lines(list(zip(*columns, strict=True)))

    def end(self) -> bytes:
        return self._begun()

    def _begun(self) -> bytes:
        if self._head is None:
            return b""
        head, self._head = self._head, None
        return b"\xef\xbb\xbf" + _lines([head])


def _cells(column: Column, values: Values) -> Values:
    if column.kind == "text":
        return [None if value is None else guarded(value) for value in values]
    if column.kind == "truth":
        return [None if value is None else str(value).lower() for value in values]
    return _worded(column, values)


def _lines(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


class _Taken(io.RawIOBase):
    """A file that gives away what was written to it, so that nothing piles up."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._written += len(part)
        return len(part)

    def tell(self) -> int:
        return self._written

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


class _Parquet:
    """Parquet in row groups of 20,000 rows, compressed with zstd."""

    def __init__(self, columns: Sequence[Column], about: Mapping[str, str]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._pa = pa
        kinds: dict[Kind, Any] = {
            "text": pa.string(),
            "whole": pa.int64(),
            "number": pa.float64(),
            "truth": pa.bool_(),
            "day": pa.date32(),
            "instant": pa.timestamp("us", tz="UTC"),
        }
        self._types = [kinds[column.kind] for column in columns]
        fields = [(column.name, kind) for column, kind in zip(columns, self._types, strict=True)]
        self._schema = pa.schema(fields, metadata=dict(about))
        self._file = _Taken()
        self._writer = parquet.ParquetWriter(self._file, self._schema, compression="zstd")
        self._batches: list[Any] = []
        self._rows = 0

    def batch(self, batch: Batch) -> bytes:
        if batch.rows:
            arrays = [
                self._array(values, kind)
                for values, kind in zip(batch.values, self._types, strict=True)
            ]
            self._batches.append(self._pa.RecordBatch.from_arrays(arrays, schema=self._schema))
            self._rows += batch.rows
        if self._rows >= _ROWS_A_GROUP:
            self._group()
        return self._file.take()

    def _array(self, values: Values, kind: Any) -> Any:
        pa = self._pa
        if pa.types.is_date(kind):
            return pa.array(values, pa.int32()).cast(kind)
        if pa.types.is_timestamp(kind):
            return pa.array(values, pa.int64()).cast(kind)
        return pa.array(values, kind)

    def _group(self) -> None:
        if self._batches:
            table = self._pa.Table.from_batches(self._batches, self._schema)
            self._writer.write_table(table, row_group_size=max(self._rows, 1))
            self._batches, self._rows = [], 0

    def end(self) -> bytes:
        self._group()
        self._writer.close()
        return self._file.take()
