"""Tables of the adapters, both dialects: declarations, what partners sent, what became of it.

Owns names, columns and keys. What was sent is kept as it was sent, in `adapter_payloads`, and never
changed; `adapter_submissions` says how each submission stands. Instants are microseconds in UTC.
"""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text
from sqlmodel import Field

from services.ingest import columns
from services.ingest.tables import IngestTable


class AdapterRow(IngestTable, table=True):
    """A declared partner; `login` is apart from `config` so that reading one never shows it."""

    __tablename__ = "adapters"
    name: str = Field(sa_column=columns.key(Text))
    config: str = Field(sa_column=columns.text())
    login: str | None = Field(sa_column=columns.text(null=True))
    changed_at: int = Field(sa_column=columns.big())
    actor: str = Field(sa_column=columns.text())
    lease_owner: str = Field(sa_column=columns.text())
    lease_until: int = Field(sa_column=columns.big())


class CursorRow(IngestTable, table=True):
    """How far a form has been read: `cursor` is the pass under way, empty between passes."""

    __tablename__ = "adapter_cursors"
    adapter: str = Field(sa_column=columns.key(Text))
    form: str = Field(sa_column=columns.key(Text))
    cursor: str = Field(sa_column=columns.text())
    next_at: int = Field(sa_column=columns.big())
    complete_at: int = Field(sa_column=columns.big())
    finished_at: int = Field(sa_column=columns.big())
    failed_at: int = Field(sa_column=columns.big())
    failures: int = Field(sa_column=columns.integer())
    error: str | None = Field(sa_column=columns.text(null=True))


class PayloadRow(IngestTable, table=True):
    """What was sent, as it was sent, by a hook or found by a poll."""

    __tablename__ = "adapter_payloads"
    adapter: str = Field(sa_column=columns.key(Text))
    seq: int = Field(sa_column=columns.key(BigInteger))
    form: str = Field(sa_column=columns.text())
    identity: str = Field(sa_column=columns.text())
    channel: str = Field(sa_column=columns.text())
    media: str = Field(sa_column=columns.text())
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SubmissionRow(IngestTable, table=True):
    """A submission as it stands: its latest payload, and what became of it.

    `state` is waiting, applied, unapplied or gone; `version` grows with every change, so that what
    was decided about an earlier one is not written over a later one. `held_until` lets photos be
    looked at first; `scan` is the last complete reading that saw it.
    """

    __tablename__ = "adapter_submissions"
    __table_args__ = (Index("adapter_submissions_state", "adapter", "state", "seq"),)
    adapter: str = Field(sa_column=columns.key(Text))
    form: str = Field(sa_column=columns.key(Text))
    identity: str = Field(sa_column=columns.key(Text))
    seq: int = Field(sa_column=columns.big())
    digest: str = Field(sa_column=columns.text())
    position: str = Field(sa_column=columns.text())
    remote: str = Field(sa_column=columns.text())
    state: str = Field(sa_column=columns.text())
    reason: str | None = Field(sa_column=columns.text(null=True))
    visit_id: str | None = Field(sa_column=columns.text(null=True))
    excluded: str | None = Field(sa_column=columns.text(null=True))
    deleted: int = Field(sa_column=columns.integer())
    forced: int = Field(sa_column=columns.integer())
    held_until: int = Field(sa_column=columns.big())
    first_at: int = Field(sa_column=columns.big())
    version: int = Field(sa_column=columns.big())
    scan: int = Field(sa_column=columns.big())


class AliasRow(IngestTable, table=True):
    """A name of a submission: of an edition, or its number on the server; `old` when replaced."""

    __tablename__ = "adapter_aliases"
    adapter: str = Field(sa_column=columns.key(Text))
    form: str = Field(sa_column=columns.key(Text))
    alias: str = Field(sa_column=columns.key(Text))
    identity: str = Field(sa_column=columns.text())
    old: int = Field(sa_column=columns.integer())


class PhotoRow(IngestTable, table=True):
    """A submission's attachment: its digest once it has been read, else when to try again."""

    __tablename__ = "adapter_photos"
    __table_args__ = (Index("adapter_photos_due", "adapter", "next_at"),)
    adapter: str = Field(sa_column=columns.key(Text))
    form: str = Field(sa_column=columns.key(Text))
    identity: str = Field(sa_column=columns.key(Text))
    name: str = Field(sa_column=columns.key(Text))
    place: str = Field(sa_column=columns.text())
    digest: str | None = Field(sa_column=columns.text(null=True))
    tries: int = Field(sa_column=columns.integer())
    next_at: int = Field(sa_column=columns.big())
