"""Whoever is cancelled in the middle of a transaction leaves no open one behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table

from shared.db.sqlite import SqliteDatabase


@pytest.mark.parametrize("kind", ["transaction", "reading"])
async def test_cancelled_at_any_moment_the_next_one_begins(tmp_path: Path, kind: str) -> None:
    tables = MetaData()
    Table("things", tables, Column("id", Integer, primary_key=True))
    database = SqliteDatabase(tmp_path / "things.sqlite", tables)
    await database.open()
    begin: Callable[[], AbstractAsyncContextManager[Any]] = getattr(database, kind)

    async def work() -> None:
        async with begin() as tx:
            await tx.fetch("SELECT count(*) FROM things")

    try:
        for turns in range(1, 60):
            task = asyncio.create_task(work())
            for _ in range(turns % 12):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await work()
    finally:
        await database.close()
