"""The tables of reports: none of its own yet; figures live in indicators, targets in ingest."""

from sqlalchemy import MetaData
from sqlmodel import SQLModel


class ReportsTable(SQLModel):
    """What the tables of this service have in common."""

    metadata = MetaData()
