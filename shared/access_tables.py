"""Tables of the access store. What is new stands in tables of its own: an older store takes them.

Instants are microseconds since the epoch in UTC.
"""

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

TABLES = MetaData()
Table(
    "keys",
    TABLES,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("units", Text),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("revoked", BigInteger),
)
# A key's limit of requests, the key it took over from, and the first of that line.
Table(
    "key_details",
    TABLES,
    Column("key_id", Text, primary_key=True),
    Column("line", Text, nullable=False),
    Column("follows", Text),
    Column("limit_requests", BigInteger),
    Column("limit_seconds", BigInteger),
)
Table(
    "key_uses",
    TABLES,
    Column("key_id", Text, primary_key=True),
    Column("used", BigInteger, nullable=False),
)
Table(
    "sessions",
    TABLES,
    Column("digest", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("expires", BigInteger, nullable=False),
)
Table(
    "secrets",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
