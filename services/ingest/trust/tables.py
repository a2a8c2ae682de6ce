"""Tables of the trust signals, in the ledger's own database.

A visit that is not withdrawn has one row of sightings; the consumer's position is moved in the
same transaction as they are. Units as in the ledger: microseconds, day numbers, 0 or 1.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, Text
from sqlmodel import Field

from services.ingest import columns
from services.ingest.tables import IngestTable


class SightingRow(IngestTable, table=True):
    """A visit as the signals see it, its flags by where they come from, and all of them.

    `standing` is standing, waiting (for its school), quarantined or excluded; `facts` is a digest
    of what the register said when `own` was judged; `state` is empty where nobody need look.
    """

    __tablename__ = "sightings"
    __table_args__ = (
        Index("sightings_school", "school_code", "at", "visit_id", "source"),
        Index("sightings_monitor", "source", "monitor_id", "at", "visit_id"),
        Index("sightings_state", "state", "at", "visit_id", "source"),
    )
    visit_id: str = Field(sa_column=Column(Text, primary_key=True))
    source: str = Field(sa_column=Column(Text, primary_key=True))
    revision: int = Field(sa_column=columns.integer())
    form_revision: int = Field(sa_column=columns.integer())
    school_code: str = Field(sa_column=columns.text())
    monitor_id: str | None = Field(sa_column=Column(Text, nullable=True))
    at: int = Field(sa_column=Column(BigInteger, nullable=False))
    day: int = Field(sa_column=columns.integer())
    received_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    standing: str = Field(sa_column=columns.text())
    kind: str = Field(sa_column=columns.text())
    status: str = Field(sa_column=columns.text())
    rounded: int = Field(sa_column=columns.integer())
    minutes: int | None = Field(sa_column=columns.integer(null=True))
    lat: int | None = Field(sa_column=columns.integer(null=True))
    lon: int | None = Field(sa_column=columns.integer(null=True))
    accuracy_m: int | None = Field(sa_column=columns.integer(null=True))
    answers: str = Field(sa_column=columns.text())
    marks: str = Field(sa_column=columns.text())
    facts: str = Field(sa_column=columns.text())
    counted: int = Field(sa_column=columns.integer())
    own: str = Field(sa_column=columns.text())
    speed: str = Field(sa_column=columns.text())
    hours: str = Field(sa_column=columns.text())
    jumps: str = Field(sa_column=columns.text())
    shared: str = Field(sa_column=columns.text())
    flags: str = Field(sa_column=columns.text())
    state: str = Field(sa_column=columns.text())


class MarkRow(IngestTable, table=True):
    """A photograph or set of answers of a visit; visits of one circle may share it.

    A circle is one monitor's visits of one school on one day: the same visit, sent again.
    """

    __tablename__ = "marks"
    __table_args__ = (Index("marks_circle", "mark", "standing", "circle"),)
    mark: str = Field(sa_column=Column(Text, primary_key=True))
    visit_id: str = Field(sa_column=Column(Text, primary_key=True))
    source: str = Field(sa_column=Column(Text, primary_key=True))
    circle: str = Field(sa_column=columns.text())
    standing: int = Field(sa_column=columns.integer())


class DecisionRow(IngestTable, table=True):
    """What a reviewer decided of a visit: about which revision, and which flags it had then."""

    __tablename__ = "decisions"
    visit_id: str = Field(sa_column=Column(Text, primary_key=True))
    source: str = Field(sa_column=Column(Text, primary_key=True))
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    decision: str = Field(sa_column=columns.text())
    reason: str | None = Field(sa_column=Column(Text, nullable=True))
    note: str | None = Field(sa_column=Column(Text, nullable=True))
    actor: str = Field(sa_column=columns.text())
    decided_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    revision: int = Field(sa_column=columns.integer())
    form_revision: int = Field(sa_column=columns.integer())
    codes: str = Field(sa_column=columns.text())


class ReplyRow(IngestTable, table=True):
    """A reply to a visit by those whom it is about."""

    __tablename__ = "replies"
    visit_id: str = Field(sa_column=Column(Text, primary_key=True))
    source: str = Field(sa_column=Column(Text, primary_key=True))
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    reply_id: str = Field(sa_column=columns.text())
    revision: int = Field(sa_column=columns.integer())
    role: str = Field(sa_column=columns.text())
    author: str | None = Field(sa_column=Column(Text, nullable=True))
    text: str = Field(sa_column=columns.text())
    actor: str = Field(sa_column=columns.text())
    received_at: int = Field(sa_column=Column(BigInteger, nullable=False))
