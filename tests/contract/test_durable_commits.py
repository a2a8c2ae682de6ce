"""A commit of a SQLite file is on the disk before anybody is told of it."""

from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table

from shared.db.sqlite import SqliteDatabase

FULL = 2


async def test_every_commit_is_synced(tmp_path: Path) -> None:
    tables = MetaData()
    Table("things", tables, Column("id", Integer, primary_key=True))
    database = SqliteDatabase(tmp_path / "one.db", tables)
    await database.open()
    try:
        async with database.transaction() as tx:
            assert await tx.fetch_one("PRAGMA synchronous") == (FULL,)
            assert await tx.fetch_one("PRAGMA journal_mode") == ("wal",)
    finally:
        await database.close()
