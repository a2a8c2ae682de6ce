"""What a transaction can do, in either dialect.

SQL is written once, in the common subset, with `$1` placeholders; lists are given as
`= ANY($1::text[])`. Everything stored is an integer, a text or bytes.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

Row = Sequence[Any]


class Tx(Protocol):
    """One transaction, or one read snapshot, on one connection."""

    dialect: str
    address: str
    """What to select, after a table's name and a dot, to learn where a row is (`update_at`)."""

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        """All rows of a query, as indexable sequences."""
        ...

    async def fetch_one(self, sql: str, *args: Any) -> Any:
        """The first row of a query, or None."""
        ...

    async def execute(self, sql: str, *args: Any) -> int:
        """Run a statement; the number of rows it changed."""
        ...

    async def many(self, sql: str, rows: Iterable[Row]) -> None:
        """Run a statement once for each row of arguments."""
        ...

    async def insert_rows(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert many rows in bulk; raises Conflict when a key exists already."""
        ...

    async def upsert_rows(
        self, table: str, keys: Sequence[str], columns: Sequence[str], rows: Sequence[Row]
    ) -> None:
        """Insert rows or, where `keys` exist, set the other `columns`; keys must not repeat."""
        ...

    async def update_at(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Set `columns` of rows already read: each of `rows` is its `address`, then the values.

        An address holds in the transaction that read it, for as long as nobody else may write the
        row; raises Transient when there is none.
        """
        ...

    async def lock(self, name: str, *, shared: bool = False) -> None:
        """Hold a named lock until the transaction ends; a SQLite writer is alone anyway."""
        ...

    async def try_lock(self, name: str) -> bool:
        """Take the named lock only if it is free."""
        ...
