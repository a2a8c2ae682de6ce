"""Tables of imports: jobs with their progress, uploaded files, loss reports, and kept mappings.

Owns names, columns and keys. The file lies in the database beside its job, so that any process can
go on with it. Instants are microseconds since the epoch in UTC, booleans are 0 or 1.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text
from sqlmodel import Field

from services.ingest import columns
from services.ingest.tables import IngestTable


def _count() -> Column[Any]:
    return Column(BigInteger, nullable=False, default=0)


class ImportRow(IngestTable, table=True):
    """An import: whose, of what, how far (`done` of `total` rows), and what became of the rows.

    `caller` is who sent it, as JSON; `mapping` the mapping as it was then; `file` what is known of
    the file; `problem` why it failed.
    """

    __tablename__ = "imports"
    import_id: str = Field(sa_column=columns.key(Text))
    kind: str = Field(sa_column=columns.text())
    state: str = Field(sa_column=Column(Text, nullable=False, index=True))
    dry_run: int = Field(sa_column=Column(Integer, nullable=False))
    source: str = Field(sa_column=Column(Text, nullable=False, index=True))
    caller: str = Field(sa_column=columns.text())
    mapping_name: str | None = Field(sa_column=columns.text(null=True))
    mapping: str = Field(sa_column=columns.text())
    file: str = Field(sa_column=columns.text())
    digest: str = Field(sa_column=columns.text())
    bytes: int = Field(sa_column=_count())
    total: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    done: int = Field(sa_column=_count())
    accepted: int = Field(sa_column=_count())
    replayed: int = Field(sa_column=_count())
    quarantined: int = Field(sa_column=_count())
    unchanged: int = Field(sa_column=_count())
    rejected: int = Field(sa_column=_count())
    faults: int = Field(sa_column=_count())
    problem: str | None = Field(sa_column=columns.text(null=True))
    created_at: int = Field(sa_column=_count())
    started_at: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    finished_at: int | None = Field(sa_column=Column(BigInteger, nullable=True))


class ImportPieceRow(IngestTable, table=True):
    """A piece of an uploaded file, numbered from 0; kept until the job has ended."""

    __tablename__ = "import_pieces"
    import_id: str = Field(sa_column=columns.key(Text))
    number: int = Field(sa_column=columns.key(Integer))
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ImportFaultRow(IngestTable, table=True):
    """A line of a loss report: where, what is wrong, how to mend it, and what was done about it."""

    __tablename__ = "import_faults"
    import_id: str = Field(sa_column=columns.key(Text))
    number: int = Field(sa_column=columns.key(Integer))
    file_row: int = Field(sa_column=Column(BigInteger, nullable=False))
    column_name: str | None = Field(sa_column=columns.text(null=True))
    code: str = Field(sa_column=columns.text())
    detail: str = Field(sa_column=columns.text())
    fix: str = Field(sa_column=columns.text())
    effect: str = Field(sa_column=columns.text())


class MappingRow(IngestTable, table=True):
    """A mapping kept under a name, for one source."""

    __tablename__ = "mappings"
    source: str = Field(sa_column=columns.key(Text))
    name: str = Field(sa_column=columns.key(Text))
    data: str = Field(sa_column=columns.text())
    recorded_at: int = Field(sa_column=_count())
    actor: str = Field(sa_column=columns.text())
