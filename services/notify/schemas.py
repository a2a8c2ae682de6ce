"""What callers may send about rules and officers, and how it is checked.

Owns the wire forms and their translation into values; every refusal names the field.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from services.notify.directory import Officer, Posting
from services.notify.rules import MARGIN, Rule
from shared.domain.days import day_number
from shared.domain.periods import parse_period
from shared.errors import Problem

_EMAIL = re.compile(
    r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
UnitId = Annotated[str, Field(min_length=1, max_length=128)]
Post = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False)


class RuleIn(_Strict):
    """A rule as it is sent; the server numbers its versions."""

    rule_id: Id
    indicator: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    split: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    level: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,31}$")]
    window: Annotated[str, Field(min_length=1, max_length=32)]
    below: Share | None = None
    above: Share | None = None
    target_path: bool = False
    recover_above: Annotated[float, Field(gt=0, le=1)] | None = None
    recover_below: Annotated[float, Field(ge=0, lt=1)] | None = None
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    min_visits: Annotated[int, Field(ge=1, le=1_000_000)] = 8
    min_schools: Annotated[int, Field(ge=1, le=1_000_000)] = 5
    min_coverage: Annotated[float, Field(ge=0, le=1)] = 0.0
    max_age_days: Annotated[int, Field(ge=0, le=3660)] | None = None
    severity: Literal["watch", "warning", "critical"] = "warning"
    posts: Annotated[list[Post], Field(min_length=1, max_length=20)]
    enabled: bool = True

    @field_validator("window")
    @classmethod
    def _is_a_period(cls, window: str) -> str:
        try:
            parse_period(window, date(2018, 1, 1))
        except Problem as problem:
            raise PydanticCustomError(
                "invalid_period", "A window is written last-28-days."
            ) from problem
        return window

    @model_validator(mode="after")
    def _one_threshold(self) -> RuleIn:
        if self.target_path:
            raise PydanticCustomError(
                "target_path_not_available",
                "Following the results framework is not possible yet: give below or above.",
            )
        if (self.below is None) == (self.above is None):
            raise PydanticCustomError("one_threshold", "Give either below or above.")
        low, high = (self.below, self.recover_above), (self.above, self.recover_below)
        unused = self.recover_below if self.below is not None else self.recover_above
        if unused is not None:
            raise PydanticCustomError(
                "wrong_recovery", "recover_above goes with below, recover_below with above."
            )
        if low[0] is not None and low[1] is not None and low[1] < low[0]:
            raise PydanticCustomError("wrong_recovery", "recover_above is less than below.")
        if high[0] is not None and high[1] is not None and high[1] > high[0]:
            raise PydanticCustomError("wrong_recovery", "recover_below is greater than above.")
        return self

    def rule(self, version: int) -> Rule:
        """Return the rule under a version number, defaults of the recovery filled in."""
        values = self.model_dump(exclude={"target_path"})
        if self.below is not None and self.recover_above is None:
            values["recover_above"] = float(min(Decimal(1), _decimal(self.below) + MARGIN))
        if self.above is not None and self.recover_below is None:
            values["recover_below"] = float(max(Decimal(0), _decimal(self.above) - MARGIN))
        values["posts"] = tuple(dict.fromkeys(self.posts))
        return Rule(version=version, **values)


def _decimal(number: float) -> Decimal:
    return Decimal(repr(number))


class PostingIn(_Strict):
    """Service at a unit from one day to another, both included; an absent end is open.

    `post` is given when it is not the officer's own; `acting` stands in while the post is vacant.
    """

    unit_id: UnitId
    post: Post | None = None
    acting: bool = False
    first: Annotated[date | None, Field(strict=False, alias="from")] = None
    last: Annotated[date | None, Field(strict=False, alias="to")] = None

    @field_validator("first", "last", mode="before")
    @classmethod
    def _is_a_day(cls, value: Any) -> Any:
        if value is not None and not (
            isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)
        ):
            raise PydanticCustomError("invalid_date", "A date is written 2018-03-01.")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> PostingIn:
        if self.first is not None and self.last is not None and self.last < self.first:
            raise PydanticCustomError("reversed_posting", "The posting ends before it begins.")
        return self


class OfficerIn(_Strict):
    """A person who is told: at least one channel, each with its address."""

    officer_id: Id
    name: Annotated[str, Field(min_length=1, max_length=120)]
    post: Post
    language: Literal["en", "ur"] = "en"
    email: Annotated[str, Field(max_length=254)] | None = None
    phone: Annotated[str, Field(max_length=32)] | None = None
    channels: Annotated[list[Literal["sms", "email"]], Field(min_length=1, max_length=2)]
    postings: Annotated[list[PostingIn], Field(max_length=100)]

    @field_validator("name")
    @classmethod
    def _one_line(cls, name: str) -> str:
        if _CONTROL.search(name) or not name.strip():
            raise PydanticCustomError("invalid_name", "A name is one line of visible text.")
        return name.strip()

    @field_validator("email")
    @classmethod
    def _is_an_address(cls, email: str | None) -> str | None:
        if email is not None and not _EMAIL.fullmatch(email):
            raise PydanticCustomError("invalid_email", "This is no e-mail address.")
        return email

    @field_validator("phone")
    @classmethod
    def _is_a_number(cls, phone: str | None) -> str | None:
        return None if phone is None else _e164(phone)

    @model_validator(mode="after")
    def _reachable(self) -> OfficerIn:
        for channel, address in (("sms", self.phone), ("email", self.email)):
            if channel in self.channels and address is None:
                raise PydanticCustomError(
                    "no_address", "The channel {channel} needs its address.", {"channel": channel}
                )
        return self

    def officer(self) -> Officer:
        """Return the officer as a value, days as numbers."""
        postings = tuple(
            Posting(
                p.unit_id,
                _day(p.first),
                _day(p.last),
                None if p.post == self.post else p.post,
                p.acting,
            )
            for p in self.postings
        )
        return Officer(
            self.officer_id,
            self.name,
            self.post,
            self.language,
            self.email,
            self.phone,
            tuple(dict.fromkeys(self.channels)),
            postings,
        )


def _day(day: date | None) -> int | None:
    return None if day is None else day_number(day)


def _e164(phone: str) -> str:
    """Return a number in its international form; PydanticCustomError when it cannot be one."""
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException as error:
        raise _no_number() from error
    if not phonenumbers.is_possible_number(number):
        raise _no_number()
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _no_number() -> PydanticCustomError:
    return PydanticCustomError("invalid_phone", "A telephone number is written +923001234567.")


class NoteIn(_Strict):
    """What a person says when taking notice."""

    note: Annotated[str, Field(max_length=500)] | None = None
