"""One PostgreSQL schema: pooled connections, bulk writes by COPY and arrays, advisory locks.

Owns connections, kinds of errors and the refusal of a server that may forget commits; what is
stored is left to the services. Isolation is READ COMMITTED with explicit locks; reading takes a
REPEATABLE READ snapshot.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import MetaData

from shared.db.errors import Conflict, DatabaseError, Transient
from shared.db.packing import packed
from shared.db.signal import Signal
from shared.db.tables import statements
from shared.db.transaction import Row, Tx

_WAIT_SECONDS = 5.0
# A process that froze or whose machine is gone must not keep its locks, which others wait for.
_SESSION = {
    "application_name": "rtsm",
    "idle_in_transaction_session_timeout": "300s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
# Taken and let go of in one statement, so that nobody waits for whoever asks.
_FREE = (
    "SELECT CASE WHEN pg_try_advisory_lock_shared($1) THEN pg_advisory_unlock_shared($1) "
    "ELSE false END"
)
_TRANSIENT = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.LockNotAvailableError,
    asyncpg.DiskFullError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise Conflict(str(error)) from error
    except _TRANSIENT as error:
        raise Transient(f"{type(error).__name__}: {error}") from error


def lock_number(name: str) -> int:
    """The signed 64-bit number under which PostgreSQL knows a named lock."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


class PostgresTx:
    """A transaction on one connection of a schema."""

    dialect = "postgresql"
    address = "ctid::text"

    def __init__(self, connection: Any, schema: str, tables: MetaData) -> None:
        self._connection = connection
        self._schema = schema
        self._tables = tables

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        """All rows of a query."""
        with _told():
            return await self._connection.fetch(sql, *args)  # type: ignore[no-any-return]

    async def fetch_one(self, sql: str, *args: Any) -> Any:
        """The first row of a query, or None."""
        with _told():
            return await self._connection.fetchrow(sql, *args)

    async def execute(self, sql: str, *args: Any) -> int:
        """Run a statement; the number of rows it changed."""
        with _told():
            tag = await self._connection.execute(sql, *args)
        last = tag.rpartition(" ")[2]
        return int(last) if last.isdigit() else 0

    async def many(self, sql: str, rows: Iterable[Row]) -> None:
        """Run a statement once for each row of arguments."""
        with _told():
            await self._connection.executemany(sql, rows)

    async def insert_rows(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert many rows by COPY; raises Conflict when a key exists already."""
        with _told():
            await self._connection.copy_records_to_table(
                table, records=rows, columns=list(columns), schema_name=self._schema
            )

    async def upsert_rows(
        self, table: str, keys: Sequence[str], columns: Sequence[str], rows: Sequence[Row]
    ) -> None:
        """Insert rows or set the other columns where the keys exist, as one statement."""
        if not rows:
            return
        change = ",".join(f"{name}=excluded.{name}" for name in columns if name not in keys)
        given, arguments = packed(self._tables.tables[table], columns, rows)
        sql = (
            f"INSERT INTO {table} ({','.join(columns)}) {given} ON CONFLICT ({','.join(keys)}) DO "
            + (f"UPDATE SET {change}" if change else "NOTHING")
        )
        with _told():
            await self._connection.execute(sql, *arguments)

    async def update_at(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Set columns of the rows at the addresses that come first in each of `rows`."""
        if not rows:
            return
        addresses, *values = zip(*rows, strict=True)
        given, arguments = packed(
            self._tables.tables[table], columns, zip(*values, strict=True), addresses
        )
        change = ",".join(f"{name}=g.{name}" for name in columns)
        changed = await self.execute(
            f"UPDATE {table} t SET {change} FROM ({given}) g WHERE t.ctid = g.address", *arguments
        )
        if changed != len(rows):
            raise Transient(f"{len(rows) - changed} rows of {table} went meanwhile")

    async def lock(self, name: str, *, shared: bool = False) -> None:
        """Hold a named lock of this schema until the transaction ends."""
        call = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        with _told():
            await self._connection.execute(
                f"SELECT {call}($1)", lock_number(f"{self._schema}:{name}")
            )

    async def try_lock(self, name: str) -> bool:
        """Take the named lock only if it is free."""
        with _told():
            row = await self._connection.fetchrow(
                "SELECT pg_try_advisory_xact_lock($1)", lock_number(f"{self._schema}:{name}")
            )
        return bool(row[0])


class PostgresDatabase:
    """A PostgreSQL schema with its tables."""

    dialect = "postgresql"

    def __init__(
        self, url: str, schema: str, tables: MetaData, *, unsafe: bool = False, size: int = 6
    ) -> None:
        self.url = url.replace("postgresql+asyncpg://", "postgresql://")
        self.schema = schema
        self.tables = tables
        self.committed = Signal()
        self._unsafe = unsafe
        self._size = size
        self._pool: Any = None

    async def open(self) -> None:
        """Connect, refuse a forgetful server, and make what is missing."""
        if self._pool is not None:
            return
        with _told():
            pool = await asyncpg.create_pool(
                self.url,
                min_size=1,
                max_size=self._size,
                server_settings=_SESSION | {"search_path": self.schema},
                command_timeout=120,
                timeout=_WAIT_SECONDS,
            )
            try:
                await self._prepare(pool)
            except BaseException:
                await pool.close()
                raise
        self._pool = pool

    async def _prepare(self, pool: Any) -> None:
        async with pool.acquire() as connection, connection.transaction():
            if not self._unsafe:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    if await connection.fetchval(f"SHOW {setting}") == "off":
                        raise DatabaseError(
                            f"PostgreSQL runs with {setting}=off: an acknowledged visit could be "
                            "lost. Switch it on, or set RTSM_UNSAFE_DURABILITY=true for tests."
                        )
            await connection.execute("SELECT pg_advisory_xact_lock($1)", lock_number("migrate"))
            await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"')
            for statement in statements(self.tables, self.dialect):
                await connection.execute(statement)

    async def close(self) -> None:
        """Let go of all connections."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A raw connection, for work that lives longer than a transaction."""
        # The pool that it came from: `close` waits for it, having let go of the name.
        pool = self._pool
        if pool is None:
            raise Transient(f"{self.schema} is not open")
        with _told():
            connection = await pool.acquire(timeout=_WAIT_SECONDS)
        try:
            yield connection
        finally:
            with _told():
                await pool.release(connection)

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[Callable[[], bool] | None]:
        """Hold a named lock of this schema for as long as one connection lives.

        Gives a test of whether it is still held, or None when another session holds it.
        """
        number = lock_number(f"{self.schema}:{name}")
        async with self.connection() as connection:
            with _told():
                got = await connection.fetchval("SELECT pg_try_advisory_lock($1)", number)
            if not got:
                yield None
                return
            try:
                yield partial(_alive, connection)
            finally:
                # A connection that is gone has let go of its locks.
                with suppress(*_TRANSIENT, asyncpg.PostgresError):
                    await connection.execute("SELECT pg_advisory_unlock($1)", number)

    async def free(self, name: str) -> bool:
        """Whether nobody holds a named lock of this schema: whoever held it has committed."""
        number = lock_number(f"{self.schema}:{name}")
        async with self.connection() as connection:
            with _told():
                return bool(await connection.fetchval(_FREE, number))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Write: all or nothing."""
        async with self.connection() as connection:
            transaction = connection.transaction()
            with _told():
                await transaction.start()
            try:
                yield PostgresTx(connection, self.schema, self.tables)
            except BaseException:
                await _rolled_back(transaction)
                raise
            with _told():
                await transaction.commit()
        self.committed.ring()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """Read one consistent snapshot."""
        async with self.connection() as connection:
            transaction = connection.transaction(isolation="repeatable_read", readonly=True)
            with _told():
                await transaction.start()
            try:
                yield PostgresTx(connection, self.schema, self.tables)
            finally:
                await _rolled_back(transaction)


def _alive(connection: Any) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has taken a broken one back already
        return False


async def _rolled_back(transaction: Any) -> None:
    """Roll back; a connection that is gone has rolled back already."""
    try:
        await transaction.rollback()
    except (*_TRANSIENT, asyncpg.PostgresError):
        return
