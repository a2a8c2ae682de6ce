"""Tables of the indicators service, both dialects.

Owns names, columns and keys; the journal and the positions beside them are the platform's.
Instants are microseconds since the epoch in UTC, days are days since 1970-01-01 in the
deployment's zone, months are year * 12 + month - 1, booleans are 0 or 1.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Text, text
from sqlmodel import Field, SQLModel


class IndicatorsTable(SQLModel):
    """Parent of the service's tables: keeps them in one MetaData of their own."""

    metadata = MetaData()


def _key(kind: type[Integer | Text]) -> Column[Any]:
    """Build a key column that the database never numbers by itself."""
    return Column(kind, primary_key=True, autoincrement=False)


_ROOMY = {"postgresql_with": {"fillfactor": 70}}
"""Room on every page for the next value of its rows: then no index is touched by an update."""


class UnitVersionRow(IndicatorsTable, table=True):
    """One recorded version of a unit; of equal (unit_id, valid_from) the greatest version holds."""

    __tablename__ = "unit_versions"
    unit_id: str = Field(sa_column=_key(Text))
    valid_from: int = Field(sa_column=_key(Integer))
    version: int = Field(sa_column=_key(BigInteger))
    parent_id: str | None = Field(sa_column=Column(Text, nullable=True))
    level: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    recorded: int = Field(sa_column=Column(BigInteger, nullable=False))
    change: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    data: str = Field(sa_column=Column(Text, nullable=False))


class SchoolVersionRow(IndicatorsTable, table=True):
    """One recorded version of a school; of equal (code, valid_from) the greatest version holds."""

    __tablename__ = "school_versions"
    code: str = Field(sa_column=_key(Text))
    valid_from: int = Field(sa_column=_key(Integer))
    version: int = Field(sa_column=_key(BigInteger))
    unit_id: str | None = Field(sa_column=Column(Text, nullable=True))
    gender: str | None = Field(sa_column=Column(Text, nullable=True))
    status: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    recorded: int = Field(sa_column=Column(BigInteger, nullable=False))
    change: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    data: str = Field(sa_column=Column(Text, nullable=False))


class RegisterStateRow(IndicatorsTable, table=True):
    """One row (id 0): the greatest version applied, the count of changes, who made the last."""

    __tablename__ = "register_state"
    id: int = Field(sa_column=_key(Integer))
    version: int = Field(sa_column=Column(BigInteger, nullable=False))
    change: int = Field(sa_column=Column(BigInteger, nullable=False))
    token: str = Field(sa_column=Column(Text, nullable=False))


class UnitIdRow(IndicatorsTable, table=True):
    """The integer of a unit, given once and never changed."""

    __tablename__ = "unit_ids"
    id: int = Field(sa_column=_key(Integer))
    unit_id: str = Field(sa_column=Column(Text, nullable=False, unique=True))


class SchoolRow(IndicatorsTable, table=True):
    """The integer of a school, its lock, and the stock groups any revision ever answered."""

    __tablename__ = "schools"
    id: int = Field(sa_column=_key(Integer))
    code: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    groups: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))


class PathRow(IndicatorsTable, table=True):
    """A chain of unit integers from the cluster to the root, written as "5,2,0"."""

    __tablename__ = "paths"
    id: int = Field(sa_column=_key(Integer))
    units: str = Field(sa_column=Column(Text, nullable=False, unique=True))


class VisitRow(IndicatorsTable, table=True):
    """The newest revision of a visit that has arrived; school is NULL while unattributed."""

    __tablename__ = "visits"
    __table_args__ = (
        Index("visits_school_day", "school", "day"),
        Index("visits_day_recorded", "day", "recorded"),
        Index(
            "visits_unattributed",
            "school_code",
            postgresql_where=text("school IS NULL"),
            sqlite_where=text("school IS NULL"),
        ),
    )
    source: str = Field(sa_column=_key(Text))
    visit_id: str = Field(sa_column=_key(Text))
    revision: int = Field(sa_column=Column(Integer, nullable=False))
    school: int | None = Field(sa_column=Column(Integer, nullable=True))
    school_code: str = Field(sa_column=Column(Text, nullable=False))
    day: int = Field(sa_column=Column(Integer, nullable=False))
    at: int = Field(sa_column=Column(BigInteger, nullable=False))
    received: int = Field(sa_column=Column(BigInteger, nullable=False))
    recorded: int = Field(sa_column=Column(BigInteger, nullable=False))
    monitor: str | None = Field(sa_column=Column(Text, nullable=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    standing: str = Field(sa_column=Column(Text, nullable=False))
    groups: int = Field(sa_column=Column(Integer, nullable=False))
    mask: int = Field(sa_column=Column(BigInteger, nullable=False))
    flow: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    stock: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class PastVisitRow(IndicatorsTable, table=True):
    """A revision of a visit that is not its newest (school_code only: it counts for none)."""

    __tablename__ = "visits_past"
    __table_args__ = (Index("visits_past_school_day", "school_code", "day"),)
    source: str = Field(sa_column=_key(Text))
    visit_id: str = Field(sa_column=_key(Text))
    revision: int = Field(sa_column=_key(Integer))
    school_code: str = Field(sa_column=Column(Text, nullable=False))
    day: int = Field(sa_column=Column(Integer, nullable=False))
    at: int = Field(sa_column=Column(BigInteger, nullable=False))
    received: int = Field(sa_column=Column(BigInteger, nullable=False))
    recorded: int = Field(sa_column=Column(BigInteger, nullable=False))
    monitor: str | None = Field(sa_column=Column(Text, nullable=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    standing: str = Field(sa_column=Column(Text, nullable=False))
    groups: int = Field(sa_column=Column(Integer, nullable=False))
    mask: int = Field(sa_column=Column(BigInteger, nullable=False))
    flow: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    stock: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ResemblanceRow(IndicatorsTable, table=True):
    """A night's estimate for a definition, in millionths; NULL: too little to estimate from.

    `recorded` rises with the nights, and with all that is recorded in ingest's journal.
    """

    __tablename__ = "definition_resemblances"
    night: int = Field(sa_column=_key(Integer))
    indicator: str = Field(sa_column=_key(Text))
    definition: int = Field(sa_column=_key(Integer))
    icc: int | None = Field(sa_column=Column(Integer, nullable=True))
    cv2: int | None = Field(sa_column=Column(Integer, nullable=True))
    schools: int = Field(sa_column=Column(Integer, nullable=False))
    answers: int = Field(sa_column=Column(BigInteger, nullable=False))
    recorded: int = Field(sa_column=Column(BigInteger, nullable=False))


class DayCellRow(IndicatorsTable, table=True):
    """What happened in a unit on a day: flow sums and stock ± (NULL = zeros); sum over slots."""

    __tablename__ = "day_cells"
    __table_args__ = _ROOMY
    unit: int = Field(sa_column=_key(Integer))
    day: int = Field(sa_column=_key(Integer))
    slot: int = Field(sa_column=_key(Integer))
    flow: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    stock: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))


class MonthCellRow(IndicatorsTable, table=True):
    """The sum of a month's day cells."""

    __tablename__ = "month_cells"
    __table_args__ = _ROOMY
    unit: int = Field(sa_column=_key(Integer))
    month: int = Field(sa_column=_key(Integer))
    slot: int = Field(sa_column=_key(Integer))
    flow: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    stock: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))


class PresenceRow(IndicatorsTable, table=True):
    """Which schools of a path were visited on the days of a quarter (year * 4 + 0..3)."""

    __tablename__ = "presence"
    __table_args__ = _ROOMY
    path: int = Field(sa_column=_key(Integer))
    quarter: int = Field(sa_column=_key(Integer))
    slot: int = Field(sa_column=_key(Integer))
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SealKeyRow(IndicatorsTable, table=True):
    """One row (id 0): the key that signs seals. It outlives every rebuild."""

    __tablename__ = "seal_keys"
    id: int = Field(sa_column=_key(Integer))
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    made: int = Field(sa_column=Column(BigInteger, nullable=False))


class HaltRow(IndicatorsTable, table=True):
    """A difference that verification found, in words: while there is one, nothing is folded."""

    __tablename__ = "halts"
    difference: str = Field(sa_column=_key(Text))
    found: int = Field(sa_column=Column(BigInteger, nullable=False))


class VerifiedNightRow(IndicatorsTable, table=True):
    """One row (id 0): the last local day on whose night everything was verified (0: none).

    Until `leased_until` (microseconds) one process is at it; after that another may begin.
    """

    __tablename__ = "verified_nights"
    id: int = Field(sa_column=_key(Integer))
    night: int = Field(sa_column=Column(Integer, nullable=False))
    leased_until: int = Field(sa_column=Column(BigInteger, nullable=False))


class DefinitionRow(IndicatorsTable, table=True):
    """What a version of an indicator meant when it was first used: it never means another thing."""

    __tablename__ = "definitions_used"
    code: str = Field(sa_column=_key(Text))
    version: int = Field(sa_column=_key(Integer))
    digest: str = Field(sa_column=Column(Text, nullable=False))
    recorded: int = Field(sa_column=Column(BigInteger, nullable=False))


class AppliedRow(IndicatorsTable, table=True):
    """When the newest record of a partition that is in the figures was recorded."""

    __tablename__ = "applied"
    consumer: str = Field(sa_column=_key(Text))
    partition: str = Field(sa_column=_key(Text))
    recorded: int = Field(sa_column=Column(BigInteger, nullable=False))
