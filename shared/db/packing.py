"""Many rows as a few parameters of one PostgreSQL statement.

The driver looks at every element of an array several times. Integers therefore travel as one text,
byte strings joined into one with where each begins, and the server takes them apart again. Pure.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate

from sqlalchemy import BigInteger, Integer, LargeBinary, Table

from shared.db.tables import array_type
from shared.db.transaction import Row


def literal(integers: Iterable[int | None]) -> str:
    """Write integers as PostgreSQL's array literal, to be read as `$1::text::integer[]`."""
    values = list(integers)
    if None in values:
        return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
    return "{" + ",".join(map(str, values)) + "}"


def packed(
    table: Table, columns: Sequence[str], rows: Iterable[Row], addresses: Sequence[str] = ()
) -> tuple[str, list[object]]:
    """Return a query that gives the rows with the columns so named, and its arguments.

    The columns are those of the table of these names and of their types; rows must not be none.
    With `addresses` ("(0,1)"), one for each row, a column `address` of type tid comes after them.
    """
    arguments: list[object] = []
    arrays: list[str] = []
    named: list[str] = []
    chosen: list[str] = []

    def array(kind: str, name: str, argument: object) -> None:
        arguments.append(argument)
        arrays.append(f"${len(arguments)}::{kind}")
        named.append(name)

    for name, values in zip(columns, zip(*rows, strict=True), strict=True):
        kind = array_type(table, name)
        declared = table.c[name].type
        if isinstance(declared, LargeBinary):
            begins, lengths, joined = _joined(values)
            array("text::integer[]", f"{name}_at", literal(begins))
            array("text::integer[]", f"{name}_size", literal(lengths))
            arguments.append(joined)
            cut = f"substr(${len(arguments)}::bytea, q.{name}_at, q.{name}_size)"
            chosen.append(f"{cut} AS {name}")
            continue
        if isinstance(declared, Integer | BigInteger):
            array(f"text::{kind}", name, literal(values))
        else:
            array(kind, name, list(values))
        chosen.append(f"q.{name}")
    if addresses:
        array("text::tid[]", "address", '{"' + '","'.join(addresses) + '"}')
        chosen.append("q.address")
    query = f"SELECT {','.join(chosen)} FROM unnest({','.join(arrays)}) AS q({','.join(named)})"
    return query, arguments


def _joined(
    blobs: Sequence[bytes | None],
) -> tuple[list[int | None], list[int | None], bytes]:
    """Return where each byte string begins (from 1), its length (None: there is none), and all."""
    if None in blobs:
        there = [b"" if blob is None else blob for blob in blobs]
        ends = list(accumulate(map(len, there)))
        begins: list[int | None] = [
            None if blob is None else end - len(blob) + 1
            for blob, end in zip(blobs, ends, strict=True)
        ]
        lengths = [None if blob is None else len(blob) for blob in blobs]
        return begins, lengths, b"".join(there)
    lengths = [len(blob or b"") for blob in blobs]
    ends = list(accumulate(size or 0 for size in lengths))
    begins = [end - (size or 0) + 1 for end, size in zip(ends, lengths, strict=True)]
    return begins, lengths, b"".join(blob or b"" for blob in blobs)
