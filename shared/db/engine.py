"""Which database a service gets: a SQLite file of its own, or a PostgreSQL schema of its own."""

from sqlalchemy import MetaData

from shared.db.postgres import PostgresDatabase
from shared.db.sqlite import SqliteDatabase
from shared.settings import Settings

Database = SqliteDatabase | PostgresDatabase


def database_for(settings: Settings, name: str, tables: MetaData, *, size: int = 6) -> Database:
    """The database called `name`; nothing is opened yet. `size` bounds pooled connections."""
    if settings.database_url is None:
        return SqliteDatabase(settings.data_dir / f"{name}.db", tables)
    return PostgresDatabase(
        settings.database_url, name, tables, unsafe=settings.unsafe_durability, size=size
    )
