"""Parameters of queries that mean one thing.

Owns what a day and what an instant in an address are, and the refusal of parameters nobody reads.
The framework would take `on=0` for the first of January 1970 and a number of seconds for a day, and
would not mind `know_at`; a figure of a wrong day is a wrong figure.
"""

import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Annotated, Any

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from shared.clock import micros
from shared.errors import FieldError, Problem, invalid
from shared.strict_json import pointer_to

FIGURES_BY = frozenset(
    {
        "period",
        "ending",
        "view",
        "known_at",
        "against",
        "months",
        "split",
        "split_by",
        "definition",
        "confidence",
        "since",
        "received_until",
    }
)
"""The parameters that choose which figures are answered: a page that reads some refuses others."""
_ALIKE = 0.8
_MOST_UNNAMED = 20
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _written(value: Any) -> Any:
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise PydanticCustomError("invalid_date", "A day is written 2018-03-05.")
    return value


Day = Annotated[date, BeforeValidator(_written)]
"""A day of the calendar, written 2018-03-05 and not otherwise; 422 with a pointer."""


def refuse_unnamed(request: Request) -> None:
    """Refuse parameters of a GET that its route does not name; raises Problem 422 naming each.

    Under /v1 all of them. A page opens with whatever a mailer or a search engine added to its
    address, and refuses only what is, or resembles, a parameter that chooses figures: what it shows
    would be other figures than were asked for.
    """
    route = request.scope.get("route")
    if request.method != "GET" or not request.query_params or not isinstance(route, APIRoute):
        return
    named = named_by(route)
    unnamed = sorted(set(request.query_params) - named)
    if not request.url.path.startswith("/v1/"):
        unnamed = [name for name in unnamed if _like(name, named | FIGURES_BY) in FIGURES_BY]
    if unnamed:
        errors = [_unnamed(name, named) for name in unnamed[:_MOST_UNNAMED]]
        raise Problem(422, "unknown_parameter", errors[0].detail, errors=errors)


def named_by(route: APIRoute) -> frozenset[str]:
    """The names of the query parameters that a route declares, itself or by what it depends on."""
    named: set[str] = set()
    pending = [route.dependant]
    while pending:
        dependant = pending.pop()
        named.update(field.alias for field in dependant.query_params)
        pending += dependant.dependencies
    return frozenset(named)


def _unnamed(name: str, named: frozenset[str]) -> FieldError:
    like = _like(name, named)
    if like is not None:
        detail = f"There is no such parameter here; {like} is meant, perhaps."
    elif named:
        detail = f"There is no such parameter here; there are {', '.join(sorted(named))}."
    else:
        detail = "Nothing can be asked here by parameters."
    return FieldError(pointer_to("/query", name), "unknown_parameter", detail)


def _like(name: str, known: Collection[str]) -> str | None:
    """The known name that a name is, or is most like however it is written."""
    written = re.sub(r"(?<=[a-z])(?=[A-Z])|[ -]", "_", name[:64]).lower()
    found = get_close_matches(written, sorted(known), 1, _ALIKE)
    return found[0] if found else None


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
