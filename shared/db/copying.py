"""Rows in and out of PostgreSQL as the bytes of its COPY, past the driver's rows.

Owns the two statements; what the bytes mean is the caller's, who saves an object for each value.
"""

import io
from collections.abc import Awaitable, Callable, Sequence

from shared.db.postgres import PostgresDatabase


async def copy_out(
    database: PostgresDatabase, query: str, take: Callable[[bytes], Awaitable[None]]
) -> None:
    """Give the rows of a query piece by piece; the query has no arguments."""
    async with database.connection() as connection:
        await connection.copy_from_query(query, output=take, format="binary")


async def copy_in(
    database: PostgresDatabase, table: str, columns: Sequence[str], data: bytes
) -> None:
    """Append rows to a table; whoever dies midway has appended none."""
    async with database.connection() as connection:
        await connection.copy_to_table(
            table,
            source=io.BytesIO(data),
            columns=list(columns),
            schema_name=database.schema,
            format="binary",
        )
