"""Many rows at once, in either dialect: what is written is what is read."""

from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

from shared.db.errors import Transient
from shared.db.postgres import PostgresDatabase
from shared.db.sqlite import SqliteDatabase

COLUMNS = ("key", "place", "count", "note", "one", "other")
ROWS = [
    ("a", 1, -(2**62), '{quoted, "text"}', b"\x00\xff\\", None),
    ("b", -2, 0, None, b"", b"nearly nothing"),
    ("c", 2**31 - 1, 2**62, "", None, None),
    ("a", 2, 7, "NULL", b"x" * 5_000, b"NULL"),
]


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request, tmp_path: Path):
    tables = MetaData()
    Table(
        "things",
        tables,
        Column("key", Text, primary_key=True),
        Column("place", Integer, primary_key=True),
        Column("count", BigInteger),
        Column("note", Text),
        Column("one", LargeBinary),
        Column("other", LargeBinary),
    )
    if request.param == "sqlite":
        database = SqliteDatabase(tmp_path / "one.db", tables)
    else:
        database = PostgresDatabase(request.getfixturevalue("postgres_url"), "many", tables)
    await database.open()
    yield database
    await database.close()


async def rows_of(database) -> list[tuple[object, ...]]:
    async with database.reading() as tx:
        rows = await tx.fetch(f"SELECT {','.join(COLUMNS)} FROM things")
    return sorted((tuple(row) for row in rows), key=lambda row: row[:2])


async def test_rows_are_inserted_or_set_by_their_keys(database) -> None:
    async with database.transaction() as tx:
        await tx.upsert_rows("things", ("key", "place"), COLUMNS, ROWS[:2])
        changed = [("b", -2, 1, "now", b"now", b"")]
        await tx.upsert_rows("things", ("key", "place"), COLUMNS, changed + ROWS[2:])
    expected = sorted([ROWS[0], *changed, *ROWS[2:]], key=lambda row: row[:2])
    assert await rows_of(database) == expected


async def test_rows_are_set_where_they_were_read(database) -> None:
    async with database.transaction() as tx:
        await tx.insert_rows("things", COLUMNS, ROWS)
    async with database.transaction() as tx:
        where = {
            (row[0], row[1]): row[2]
            for row in await tx.fetch(f"SELECT t.key, t.place, t.{tx.address} FROM things t")
        }
        await tx.update_at(
            "things", ("one", "count"), [(where["a", 1], None, 5), (where["c", 2**31 - 1], b"z", 6)]
        )
        await tx.update_at("things", ("one", "count"), [])
    now = {(row[0], row[1]): (row[2], row[4]) for row in await rows_of(database)}
    assert now == {
        ("a", 1): (5, None),
        ("a", 2): (7, b"x" * 5_000),
        ("b", -2): (0, b""),
        ("c", 2**31 - 1): (6, b"z"),
    }


async def test_a_row_that_is_not_there_is_told(database) -> None:
    async with database.transaction() as tx:
        await tx.insert_rows("things", COLUMNS, ROWS[:1])
        [where] = await tx.fetch_one(f"SELECT t.{tx.address} FROM things t")
        await tx.execute("DELETE FROM things")
        with pytest.raises(Transient):
            await tx.update_at("things", ("count",), [(where, 5)])
    assert await rows_of(database) == []
