"""Tables of the ingest service, both dialects.

Owns names, columns and keys; the journal and the positions beside them are the platform's.
An accepted visit is one row here and one in the journal; only a changed visit has revisions.
Instants are microseconds since the epoch in UTC, days are days since 1970-01-01 in the
deployment's zone, booleans are 0 or 1.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Text
from sqlmodel import Field, SQLModel

from services.ingest import columns

# SQLite keeps rows in the order of a plain INTEGER key: then the feed's order costs no index.
_POSITION = BigInteger().with_variant(Integer, "sqlite")


class IngestTable(SQLModel):
    """Parent of the service's tables: keeps them in one MetaData of their own."""

    metadata = MetaData()


class VisitRow(IngestTable, table=True):
    """A visit: what revision 1 brought, and where the visit stands now.

    `position` is the journal position of the latest revision, `first_position` of the first;
    `digest`, `form`, `flags`, `received_at` and `actor` are those of revision 1.
    """

    __tablename__ = "visits"
    __table_args__ = (
        Index("visits_identity", "visit_id", "source", unique=True),
        Index("visits_school", "school_code", "position"),
        # A form just exceeds the size from which PostgreSQL compresses: a third of its insert.
        {"postgresql_with": {"toast_tuple_target": 8160}},
    )
    position: int = Field(sa_column=Column(_POSITION, primary_key=True, autoincrement=False))
    visit_id: str = Field(sa_column=columns.text())
    source: str = Field(sa_column=columns.text())
    revision: int = Field(sa_column=columns.integer())
    standing: str = Field(sa_column=columns.text())
    excluded: int = Field(sa_column=columns.integer())
    released: int = Field(sa_column=columns.integer())
    school_code: str = Field(sa_column=columns.text())
    day: int = Field(sa_column=columns.integer())
    recorded_at: int = Field(sa_column=columns.big())
    flags_now: str = Field(sa_column=columns.text())
    first_position: int = Field(sa_column=columns.big())
    received_at: int = Field(sa_column=columns.big())
    actor: str = Field(sa_column=columns.text())
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    flags: str = Field(sa_column=columns.text())
    form: str = Field(sa_column=columns.text())


class RevisionRow(IngestTable, table=True):
    """A later revision of a visit: who changed what, and why; `form` only where it changed."""

    __tablename__ = "revisions"
    visit_id: str = Field(sa_column=columns.key(Text))
    source: str = Field(sa_column=columns.key(Text))
    revision: int = Field(sa_column=columns.key(Integer))
    kind: str = Field(sa_column=columns.text())
    standing: str = Field(sa_column=columns.text())
    recorded_at: int = Field(sa_column=columns.big())
    actor: str = Field(sa_column=columns.text())
    reason: str | None = Field(sa_column=Column(Text, nullable=True))
    note: str | None = Field(sa_column=Column(Text, nullable=True))
    digest: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    flags: str = Field(sa_column=columns.text())
    form: str | None = Field(sa_column=Column(Text, nullable=True))


class RegisterVersionRow(IngestTable, table=True):
    """One row (id 0): the version of the register, raised by each change."""

    __tablename__ = "register_version"
    id: int = Field(sa_column=columns.key(Integer))
    version: int = Field(sa_column=columns.big())


class UnitRow(IngestTable, table=True):
    """A dated record of a unit; `silent` when it repeats the one before and was not told."""

    __tablename__ = "units"
    id: str = Field(sa_column=columns.key(Text))
    valid_from: int = Field(sa_column=columns.key(Integer))
    version: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    silent: int = Field(sa_column=columns.integer())
    recorded_at: int = Field(sa_column=columns.big())
    actor: str = Field(sa_column=columns.text())
    data: str = Field(sa_column=columns.text())


class SchoolRow(IngestTable, table=True):
    """A dated record of a school, by its canonical code; `silent` as for units."""

    __tablename__ = "schools"
    id: str = Field(sa_column=columns.key(Text))
    valid_from: int = Field(sa_column=columns.key(Integer))
    version: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    silent: int = Field(sa_column=columns.integer())
    recorded_at: int = Field(sa_column=columns.big())
    actor: str = Field(sa_column=columns.text())
    data: str = Field(sa_column=columns.text())


class PastUnitRow(IngestTable, table=True):
    """A record of a unit that another record of the same day has replaced."""

    __tablename__ = "units_past"
    id: str = Field(sa_column=columns.key(Text))
    valid_from: int = Field(sa_column=columns.key(Integer))
    version: int = Field(sa_column=columns.key(BigInteger))
    recorded_at: int = Field(sa_column=columns.big())
    actor: str = Field(sa_column=columns.text())
    data: str = Field(sa_column=columns.text())


class PastSchoolRow(IngestTable, table=True):
    """A record of a school that another record of the same day has replaced."""

    __tablename__ = "schools_past"
    id: str = Field(sa_column=columns.key(Text))
    valid_from: int = Field(sa_column=columns.key(Integer))
    version: int = Field(sa_column=columns.key(BigInteger))
    recorded_at: int = Field(sa_column=columns.big())
    actor: str = Field(sa_column=columns.text())
    data: str = Field(sa_column=columns.text())


class CalendarRow(IngestTable, table=True):
    """A version of the calendar, in force from a day on; of equal days the greatest version."""

    __tablename__ = "calendars"
    version: int = Field(sa_column=columns.key(Integer))
    valid_from: int = Field(sa_column=columns.integer())
    recorded_at: int = Field(sa_column=columns.big())
    actor: str = Field(sa_column=columns.text())
    data: str = Field(sa_column=columns.text())


class PastTargetRow(IngestTable, table=True):
    """A target that another of the same unit, indicator, split and first day has replaced."""

    __tablename__ = "targets_past"
    unit_id: str = Field(sa_column=columns.key(Text))
    indicator: str = Field(sa_column=columns.key(Text))
    split: str = Field(sa_column=columns.key(Text))
    valid_from: int = Field(sa_column=columns.key(Integer))
    recorded_at: int = Field(sa_column=columns.key(BigInteger))
    valid_to: int | None = Field(sa_column=Column(Integer, nullable=True))
    baseline: str | None = Field(sa_column=Column(Text, nullable=True))
    target: str | None = Field(sa_column=Column(Text, nullable=True))
    actor: str = Field(sa_column=columns.text())


class TargetRow(IngestTable, table=True):
    """A baseline and a target of an indicator (split `` = total) for a unit and a span of days."""

    __tablename__ = "targets"
    unit_id: str = Field(sa_column=columns.key(Text))
    indicator: str = Field(sa_column=columns.key(Text))
    split: str = Field(sa_column=columns.key(Text))
    valid_from: int = Field(sa_column=columns.key(Integer))
    valid_to: int | None = Field(sa_column=Column(Integer, nullable=True))
    baseline: str | None = Field(sa_column=Column(Text, nullable=True))
    target: str | None = Field(sa_column=Column(Text, nullable=True))
    recorded_at: int = Field(sa_column=columns.big())
    actor: str = Field(sa_column=columns.text())
