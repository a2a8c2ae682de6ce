"""From declared tables to the statements that make them, in either dialect.

Tables are declared with SQLModel in each service's `tables.py`; making them is idempotent.
"""

from sqlalchemy import (
    BigInteger,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable


def statements(tables: MetaData, dialect: str) -> list[str]:
    """The CREATE statements of all tables and indexes, in an order that works."""
    spoken = postgresql.dialect() if dialect == "postgresql" else sqlite.dialect()  # type: ignore[no-untyped-call]
    made = []
    for table in tables.sorted_tables:
        made.append(str(CreateTable(table, if_not_exists=True).compile(dialect=spoken)))
        made += [
            str(CreateIndex(index, if_not_exists=True).compile(dialect=spoken))
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
    return made


def array_type(table: Table, column: str) -> str:
    """PostgreSQL's array type for the values of a column."""
    kind = table.c[column].type
    if isinstance(kind, BigInteger):
        return "bigint[]"
    if isinstance(kind, SmallInteger | Integer):
        return "integer[]"
    if isinstance(kind, LargeBinary):
        return "bytea[]"
    if isinstance(kind, Float):
        return "double precision[]"
    return "text[]"
