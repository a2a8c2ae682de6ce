"""The tables of reports: its copy of the register's names, and the links that sign people in.

Figures live in indicators, targets in ingest, rendered bytes in the cache.
"""

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text
from sqlmodel import Field, SQLModel


class ReportsTable(SQLModel):
    """What the tables of this service have in common."""

    metadata = MetaData()


class PlaceRow(ReportsTable, table=True):
    """A unit or school from a day on (valid_from, a day number), as the register last put it.

    `folded` holds everything it is called, in lower case, for searching; `version` is that of the
    register's event.
    """

    __tablename__ = "places"
    place_id: str = Field(sa_column=Column(Text, primary_key=True))
    valid_from: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    names: str = Field(sa_column=Column(Text, nullable=False))
    level: str = Field(sa_column=Column(Text, nullable=False, index=True))
    parent_id: str | None = Field(sa_column=Column(Text, nullable=True, index=True))
    folded: str = Field(sa_column=Column(Text, nullable=False))
    version: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


class SignInLinkRow(ReportsTable, table=True):
    """A link that signs an officer in once, until it expires (microseconds); only its digest."""

    __tablename__ = "sign_in_links"
    digest: str = Field(sa_column=Column(Text, primary_key=True))
    officer_id: str = Field(sa_column=Column(Text, nullable=False))
    expires: int = Field(sa_column=Column(BigInteger, nullable=False))
