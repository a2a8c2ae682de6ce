"""The database of reports in both dialects."""

import pytest

from services.reports.tables import ReportsTable
from shared.db.postgres import PostgresDatabase
from shared.db.sqlite import SqliteDatabase


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.distributed)])
async def database(request, tmp_path):
    if request.param == "sqlite":
        opened = SqliteDatabase(tmp_path / "reports.db", ReportsTable.metadata)
    else:
        url = request.getfixturevalue("postgres_url")
        opened = PostgresDatabase(url, "reports", ReportsTable.metadata)
    await opened.open()
    yield opened
    await opened.close()
