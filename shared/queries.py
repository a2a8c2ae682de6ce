"""Parameters of queries that mean one thing.

Owns what a day in an address is. The framework would take `on=0` for the first of January 1970 and
a number of seconds for a day; a figure of a wrong day is a wrong figure.
"""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _written(value: Any) -> Any:
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise PydanticCustomError("invalid_date", "A day is written 2018-03-05.")
    return value


Day = Annotated[date, BeforeValidator(_written)]
"""A day of the calendar, written 2018-03-05 and not otherwise; 422 with a pointer."""
