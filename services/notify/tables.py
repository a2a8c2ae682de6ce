"""Tables of the notify service, both dialects.

Owns names, columns and keys; the journal and the positions beside them are the platform's.
Instants are microseconds since the epoch in UTC, days are days since 1970-01-01 in the
deployment's zone, booleans are 0 or 1, JSON is text. Contacts of officers are in `officers` and
nowhere else.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Text, UniqueConstraint
from sqlmodel import Field, SQLModel


class NotifyTable(SQLModel):
    """Parent of the service's tables: keeps them in one MetaData of their own."""

    metadata = MetaData()


_Kind = type[Text] | type[Integer] | type[BigInteger]


def _key(kind: _Kind = Text) -> Any:
    return Field(sa_column=Column(kind, primary_key=True, autoincrement=False))


def _given(kind: _Kind = Text) -> Any:
    return Field(sa_column=Column(kind, nullable=False))


def _maybe(kind: _Kind = Text, *, unique: bool = False) -> Any:
    return Field(sa_column=Column(kind, nullable=True, unique=unique))


class RuleRow(NotifyTable, table=True):
    """One version of a rule; the greatest version holds."""

    __tablename__ = "rules"
    rule_id: str = _key()
    version: int = _key(Integer)
    body: str = _given()
    recorded: int = _given(BigInteger)


class OfficerRow(NotifyTable, table=True):
    """A person who can be told, with the addresses that never leave this table but to be used."""

    __tablename__ = "officers"
    officer_id: str = _key()
    name: str = _given()
    post: str = _given()
    language: str = _given()
    email: str | None = _maybe()
    phone: str | None = _maybe()
    channels: str = _given()
    recorded: int = _given(BigInteger)


class PostingRow(NotifyTable, table=True):
    """Where an officer serves and on which days, both ends included; an absent end is open."""

    __tablename__ = "postings"
    __table_args__ = (Index("postings_unit", "unit_id"),)
    officer_id: str = _key()
    number: int = _key(Integer)
    unit_id: str = _given()
    first: int | None = _maybe(Integer)
    last: int | None = _maybe(Integer)


class PostingPostRow(NotifyTable, table=True):
    """What a posting is beside its officer's own post: another post, or acting in it."""

    __tablename__ = "posting_posts"
    officer_id: str = _key()
    number: int = _key(Integer)
    post: str | None = _maybe()
    acting: int = _given(Integer)


class WatchedRow(NotifyTable, table=True):
    """A unit whose figures have moved at least once."""

    __tablename__ = "watched"
    unit_id: str = _key()


class DirtyRow(NotifyTable, table=True):
    """A unit to be evaluated; another `mark` than the one seen means that it moved meanwhile."""

    __tablename__ = "dirty"
    unit_id: str = _key()
    mark: str = _given()


class InstanceRow(NotifyTable, table=True):
    """Where a unit stands under a rule; `revision` grows with each change."""

    __tablename__ = "instances"
    rule_id: str = _key()
    unit_id: str = _key()
    revision: int = _given(Integer)
    phase: str = _given()
    since: int = _given(BigInteger)
    counted_from: int = _given(BigInteger)
    acknowledged: int = _given(Integer)
    known_first: int | None = _maybe(Integer)
    known_last: int | None = _maybe(Integer)
    known_at: int | None = _maybe(BigInteger)
    alert_id: str | None = _maybe()


class AlertRow(NotifyTable, table=True):
    """One alert from pending to its end; `open_*` are empty when it has ended, hence unique."""

    __tablename__ = "alerts"
    __table_args__ = (Index("alerts_state", "state"), Index("alerts_since", "since", "alert_id"))
    alert_id: str = _key()
    code: str = _given()
    open_code: str | None = _maybe(unique=True)
    open_instance: str | None = _maybe(unique=True)
    rule_id: str = _given()
    rule_version: int = _given(Integer)
    unit_id: str = _given()
    name: str = _given()
    urdu_name: str | None = _maybe()
    indicator: str = _given()
    split: str | None = _maybe()
    severity: str = _given()
    state: str = _given()
    since: int = _given(BigInteger)
    fired: int | None = _maybe(BigInteger)
    acknowledged: int | None = _maybe(BigInteger)
    closed: int | None = _maybe(BigInteger)
    decided: str = _given()
    latest: str = _given()


class AlertUnitRow(NotifyTable, table=True):
    """The unit of an alert and everything above it, by distance (0 is the unit itself)."""

    __tablename__ = "alert_units"
    __table_args__ = (Index("alert_units_unit", "unit_id"),)
    alert_id: str = _key()
    distance: int = _key(Integer)
    unit_id: str = _given()


class TransitionRow(NotifyTable, table=True):
    """One change of phase with what caused it."""

    __tablename__ = "transitions"
    __table_args__ = (Index("transitions_alert", "alert_id"),)
    rule_id: str = _key()
    unit_id: str = _key()
    number: int = _key(Integer)
    alert_id: str | None = _maybe()
    before: str = _given()
    after: str = _given()
    at: int = _given(BigInteger)
    rule_version: int = _given(Integer)
    reason: str = _given()
    actor: str | None = _maybe()
    note: str | None = _maybe()
    statistics: str | None = _maybe()


class MessageRow(NotifyTable, table=True):
    """One decision to tell one officer one thing on one channel, taken once."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("alert_id", "step", "officer_id", "channel"),
        Index("messages_due", "channel", "state", "due"),
        Index("messages_delivery", "delivery_id"),
    )
    message_id: str = _key()
    alert_id: str = _given()
    step: str = _given()
    officer_id: str = _given()
    channel: str = _given()
    post: str = _given()
    state: str = _given()
    reason: str = _given()
    created: int = _given(BigInteger)
    due: int = _given(BigInteger)
    expires: int = _given(BigInteger)
    blocker: str | None = _maybe()
    delivery_id: str | None = _maybe()
    updated: int = _given(BigInteger)


class DeliveryRow(NotifyTable, table=True):
    """One text handed over, about one or several messages; `look` is when to look at it again."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_look", "channel", "look"),
        Index("deliveries_officer", "officer_id", "channel", "attempted"),
    )
    delivery_id: str = _key()
    officer_id: str = _given()
    channel: str = _given()
    step: str = _given()
    severity: str = _given()
    language: str = _given()
    text: str = _given()
    items: str = _given()
    segments: int = _given(Integer)
    token: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    state: str = _given()
    reason: str = _given()
    attempt: int = _given(Integer)
    resent: int = _given(Integer)
    claim: str = _given()
    created: int = _given(BigInteger)
    attempted: int = _given(BigInteger)
    expires: int = _given(BigInteger)
    look: int | None = _maybe(BigInteger)
    provider_id: str | None = _maybe()
    updated: int = _given(BigInteger)


class AttemptRow(NotifyTable, table=True):
    """One attempt to hand a delivery over, and what came of it, without any address."""

    __tablename__ = "attempts"
    delivery_id: str = _key()
    number: int = _key(Integer)
    started: int = _given(BigInteger)
    ended: int | None = _maybe(BigInteger)
    outcome: str | None = _maybe()
    detail: str | None = _maybe()


class ReceiptRow(NotifyTable, table=True):
    """One delivery report, kept once however often the gateway repeats it."""

    __tablename__ = "receipts"
    delivery_id: str = _key()
    kind: str = _key()
    detail: str = _key()
    received: int = _given(BigInteger)


class FactRow(NotifyTable, table=True):
    """A single fact by name, such as the day of the last nightly sweep."""

    __tablename__ = "facts"
    name: str = _key()
    value: str = _given()
