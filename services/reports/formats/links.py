"""The addresses of the pages, as pages link to one another.

Owns how a unit, a school, a visit, an indicator and a list are written into an address; what is
asked of them is the caller's. What is empty is left out.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from shared.domain.codes import SCHOOL_PREFIX


def card_link(unit_id: str, **query: str) -> str:
    """The address of a unit's page."""
    return f"/units/{quote(unit_id, safe=':')}" + _asked(query)


def comparison_link(unit_id: str, indicator: str, **query: str) -> str:
    """The address of an indicator of a unit in depth."""
    path = f"/units/{quote(unit_id, safe=':')}/indicators/{quote(indicator, safe='')}"
    return path + _asked(query)


def list_link(unit_id: str, query: Mapping[str, str]) -> str:
    """The address of a unit's lists."""
    return f"/lists/{quote(unit_id, safe=':')}" + _asked(query)


def register_link(unit_id: str, **query: str | int) -> str:
    """The address of a unit or a school in the register."""
    if unit_id.startswith(SCHOOL_PREFIX):
        path = f"/schools/{quote(unit_id[len(SCHOOL_PREFIX) :], safe='')}"
    else:
        path = f"/register/{quote(unit_id, safe=':')}"
    return path + _asked(query)


def visit_link(visit: Mapping[str, Any], lang: str = "") -> str:
    """The address of a visit's page."""
    asked = {"source": visit["source"]} | ({"lang": lang} if lang else {})
    return f"/visits/{quote(visit['visit_id'], safe='')}?{urlencode(asked)}"


def _asked(query: Mapping[str, str | int]) -> str:
    text = urlencode({key: value for key, value in query.items() if value})
    return f"?{text}" if text else ""
