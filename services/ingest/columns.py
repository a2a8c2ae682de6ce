"""The kinds of columns that the service's tables are made of, in both dialects.

Owns nullability and types; names, keys and meanings are each table's.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, Text


def key(kind: type[Integer | Text]) -> Column[Any]:
    """A key column that the database never numbers by itself."""
    return Column(kind, primary_key=True, autoincrement=False)


def integer(*, null: bool = False) -> Column[Any]:
    """A number that fits 32 bits, or a 0 or 1."""
    return Column(Integer, nullable=null)


def big(*, null: bool = False) -> Column[Any]:
    """A number of 64 bits: an instant in microseconds, or a position."""
    return Column(BigInteger, nullable=null)


def text(*, null: bool = False) -> Column[Any]:
    """A text."""
    return Column(Text, nullable=null)
