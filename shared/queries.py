"""Parameters of queries that mean one thing.

Owns what a day and what an instant in an address are. The framework would take `on=0` for the first
of January 1970 and a number of seconds for a day; a figure of a wrong day is a wrong figure.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from shared.clock import micros
from shared.errors import invalid

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _written(value: Any) -> Any:
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise PydanticCustomError("invalid_date", "A day is written 2018-03-05.")
    return value


Day = Annotated[date, BeforeValidator(_written)]
"""A day of the calendar, written 2018-03-05 and not otherwise; 422 with a pointer."""


def read_instant(text: str | None, pointer: str) -> int | None:
    """An RFC 3339 time with its offset, as microseconds; raises Problem 422 for anything else."""
    if text is None:
        return None
    # A "+" in a query that was not escaped arrives as a space.
    written = text.replace(" ", "+") if "T" in text else text
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not 1900 <= instant.year <= 2199:
        raise invalid(pointer, "invalid_time", "A time is written 2018-03-05T04:40:00Z.")
    return micros(instant.astimezone(UTC))
