"""One SQLite file: one writer with `BEGIN IMMEDIATE`, a few readers, nothing acknowledged unsynced.

Owns connections, threads and the translation of placeholders; what is stored is left to the
services. `journal_mode=WAL` lets readers go on beside the writer; `synchronous=FULL` makes a commit
survive a power cut.
"""

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import MetaData

from shared.db.errors import Conflict, Transient
from shared.db.signal import Signal
from shared.db.tables import statements
from shared.db.transaction import Row, Tx

T = TypeVar("T")
_ANY = re.compile(r"=\s*ANY\s*\(\s*\$(\d+)\s*(::\s*\w+\[\])?\s*\)", re.IGNORECASE)
_CAST = re.compile(r"::\s*(?:bigint|integer|text|bytea)(?:\[\])?")
_PLACE = re.compile(r"\$(\d+)")
_FOR = re.compile(r"\s+FOR\s+(?:UPDATE|SHARE)\s*$", re.IGNORECASE)
_READERS = 4
_BUSY_MS = 5_000
# A statement of many rows keeps what it would undo in a file of its own unless told otherwise.
_PRAGMAS = (
    # A visit's row is two kilobytes and more: smaller pages would be half empty.
    "page_size=8192",
    "journal_mode=WAL",
    "synchronous=FULL",
    "trusted_schema=OFF",
    "cache_size=-8000",
    "temp_store=MEMORY",
)


@lru_cache(maxsize=1024)
def translate(sql: str) -> tuple[str, frozenset[int]]:
    """The statement in SQLite's words, and which arguments (from 0) are lists, given as JSON."""
    lists = frozenset(int(match[1]) - 1 for match in _ANY.finditer(sql))
    sql = _ANY.sub(r"IN (SELECT value FROM json_each(?\1))", sql)
    return _FOR.sub("", _PLACE.sub(r"?\1", _CAST.sub("", sql))), lists


def _raise(error: sqlite3.Error) -> None:
    if isinstance(error, sqlite3.IntegrityError) and "UNIQUE" in str(error):
        raise Conflict(str(error)) from error
    busy = "locked" in str(error) or "busy" in str(error) or "disk" in str(error)
    if isinstance(error, sqlite3.OperationalError) and busy:
        raise Transient(str(error)) from error
    raise error


class SqliteTx:
    """A transaction on one connection of a SQLite file."""

    dialect = "sqlite"
    address = "rowid"

    def __init__(self, connection: sqlite3.Connection, pool: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._pool = pool

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do several statements in one hop to the connection's thread."""
        return await _in(self._pool, work, self._connection)

    def _given(self, sql: str, args: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        text, lists = translate(sql)
        if lists:
            args = [
                json.dumps(list(arg)) if place in lists else arg for place, arg in enumerate(args)
            ]
        return text, args

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        """All rows of a query."""
        text, given = self._given(sql, args)
        return await self.run(lambda connection: connection.execute(text, given).fetchall())

    async def fetch_one(self, sql: str, *args: Any) -> Any:
        """The first row of a query, or None."""
        rows = await self.fetch(sql, *args)
        return rows[0] if rows else None

    async def execute(self, sql: str, *args: Any) -> int:
        """Run a statement; the number of rows it changed."""
        text, given = self._given(sql, args)
        return await self.run(lambda connection: connection.execute(text, given).rowcount)

    async def many(self, sql: str, rows: Iterable[Row]) -> None:
        """Run a statement once for each row of arguments."""
        text, _ = translate(sql)
        await self.run(lambda connection: connection.executemany(text, rows))

    async def insert_rows(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert many rows; raises Conflict when a key exists already."""
        places = ",".join("?" * len(columns))
        sql = f"INSERT INTO {table} ({','.join(columns)}) VALUES ({places})"
        await self.run(lambda connection: connection.executemany(sql, rows))

    async def upsert_rows(
        self, table: str, keys: Sequence[str], columns: Sequence[str], rows: Sequence[Row]
    ) -> None:
        """Insert rows or set the other columns where the keys exist."""
        places = ",".join("?" * len(columns))
        change = ",".join(f"{name}=excluded.{name}" for name in columns if name not in keys)
        sql = (
            f"INSERT INTO {table} ({','.join(columns)}) VALUES ({places}) "
            f"ON CONFLICT ({','.join(keys)}) DO "
            + (f"UPDATE SET {change}" if change else "NOTHING")
        )
        await self.run(lambda connection: connection.executemany(sql, rows))

    async def update_at(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Set columns of the rows at the addresses that come first in each of `rows`."""
        change = ",".join(f"{name}=?{place}" for place, name in enumerate(columns, 2))
        sql = f"UPDATE {table} SET {change} WHERE rowid=?1"
        changed = await self.run(lambda connection: connection.executemany(sql, rows).rowcount)
        if rows and changed != len(rows):
            raise Transient(f"{len(rows) - changed} rows of {table} went meanwhile")

    async def lock(self, name: str, *, shared: bool = False) -> None:
        """A writer of a SQLite file is alone: nothing to do."""

    async def try_lock(self, name: str) -> bool:  # noqa: ARG002 - the other dialect needs it
        """A writer of a SQLite file is alone: always free."""
        return True


async def _in(
    pool: ThreadPoolExecutor,
    work: Callable[[sqlite3.Connection], T],
    connection: sqlite3.Connection,
) -> T:
    """Run `work` in the pool to its end even when the caller is cancelled midway."""
    future = asyncio.get_running_loop().run_in_executor(pool, work, connection)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise
    except sqlite3.Error as error:
        _raise(error)
        raise


class SqliteDatabase:
    """A SQLite file with its tables."""

    dialect = "sqlite"

    def __init__(self, path: Path, tables: MetaData) -> None:
        self.path = path
        self.tables = tables
        self.committed = Signal()
        self._writing = asyncio.Lock()
        self._writer: SqliteTx | None = None
        self._readers: asyncio.LifoQueue[SqliteTx] = asyncio.LifoQueue()
        self._pools: list[ThreadPoolExecutor] = []
        self._connections: list[sqlite3.Connection] = []

    def _connect(self, pool: ThreadPoolExecutor) -> SqliteTx:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        self._connections.append(connection)
        return SqliteTx(connection, pool)

    async def open(self) -> None:
        """Connect, and make the tables that are missing."""
        if self._writer is not None:
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        writing = ThreadPoolExecutor(1, f"{self.path.stem}-writer")
        reading = ThreadPoolExecutor(_READERS, f"{self.path.stem}-reader")
        self._pools = [writing, reading]
        self._writer = self._connect(writing)
        self.path.chmod(0o600)
        async with self.transaction() as tx:
            for statement in statements(self.tables, self.dialect):
                await tx.execute(statement)
        for _ in range(_READERS):
            reader = self._connect(reading)
            await reader.execute("PRAGMA query_only=ON")
            self._readers.put_nowait(reader)

    async def close(self) -> None:
        """Let go of the file."""
        for pool in self._pools:
            await asyncio.to_thread(pool.shutdown)
        for connection in self._connections:
            connection.close()
        self._connections, self._pools, self._writer = [], [], None
        self._readers = asyncio.LifoQueue()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Write: all or nothing, alone on this file."""
        if self._writer is None:
            raise Transient(f"{self.path.name} is not open")
        async with self._writing:
            # Whoever is cancelled while it begins has begun all the same: that ends here too.
            try:
                await self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                await self._writer.execute("COMMIT")
            except BaseException:
                await self._writer.run(
                    lambda connection: connection.in_transaction and connection.execute("ROLLBACK")
                )
                raise
        self.committed.ring()

    @asynccontextmanager
    async def beside(self, path: Path, name: str) -> AsyncIterator[None]:
        """Let transactions read another file as the schema `name`, until the block ends."""
        if self._writer is None:
            raise Transient(f"{self.path.name} is not open")
        async with self._writing:
            await self._writer.execute(f"ATTACH $1 AS {name}", str(path))
        try:
            yield
        finally:
            async with self._writing:
                await self._writer.execute(f"DETACH {name}")

    async def free(self, name: str) -> bool:  # noqa: ARG002 - the other dialect needs it
        """Whether no transaction of this process is open that could hold a named lock."""
        return not self._writing.locked()

    async def write(
        self, work: Callable[[sqlite3.Connection], T], before: Callable[[], None] | None = None
    ) -> T:
        """Write in one hop: `work` runs inside one transaction in the writer's own thread.

        `before` is called in the caller's thread when all earlier transactions have ended.
        """

        def transaction(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result

        if self._writer is None:
            raise Transient(f"{self.path.name} is not open")
        async with self._writing:
            if before is not None:
                before()
            result = await self._writer.run(transaction)
        self.committed.ring()
        return result

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """Read one consistent snapshot."""
        if self._writer is None:
            raise Transient(f"{self.path.name} is not open")
        reader = await self._readers.get()
        try:
            try:
                await reader.execute("BEGIN")
                yield reader
            finally:
                await reader.run(
                    lambda connection: connection.in_transaction and connection.execute("COMMIT")
                )
        finally:
            self._readers.put_nowait(reader)
