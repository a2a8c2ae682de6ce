"""Tables that every service has beside its own: journal, positions, and events set aside."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

# SQLite numbers rows by itself only for a plain INTEGER key.
_SEQ = BigInteger().with_variant(Integer, "sqlite")


def add_journal_tables(tables: MetaData) -> None:
    """Declare the three tables among a service's own, so that one transaction spans them all."""
    if "journal" in tables.tables:
        return
    journal = Table(
        "journal",
        tables,
        Column("seq", _SEQ, primary_key=True, autoincrement=True),
        Column("topic", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("time", BigInteger, nullable=False),
        Column("recorded", BigInteger, nullable=False),
        Column("data", LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    Index("journal_topic", journal.c.topic, journal.c.seq)
    Table(
        "positions",
        tables,
        Column("consumer", Text, primary_key=True),
        Column("partition", Text, primary_key=True),
        Column("next", BigInteger, nullable=False),
    )
    Table(
        "set_aside",
        tables,
        Column("consumer", Text, primary_key=True),
        Column("partition", Text, primary_key=True),
        Column("position", BigInteger, primary_key=True),
        Column("reason", Text, nullable=False),
        Column("data", LargeBinary, nullable=False),
        Column("recorded", BigInteger, nullable=False),
    )
