"""Tiny histories written by hand, for the oracle's own tests.

Owns short ways to say "this school, that visit" and to read one figure; numbers belong to tests.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.oracle.compare import month_window
from tests.oracle.figures import figures
from tests.oracle.visits import Operation

TODAY = date(2019, 6, 3)


def units(*edges: tuple[str, str | None], since: str | None = None) -> Operation:
    """A PUT of units, each (unit, parent)."""
    items: list[dict[str, Any]] = [
        {"unit_id": u, "name": u, "level": "x", "parent_id": p} for u, p in edges
    ]
    if since is not None:
        for item in items:
            item["valid_from"] = since
    return {"op": "units", "items": items}


TREE = units(("P", None), ("D1", "P"), ("D2", "P"), ("C1", "D1"), ("C2", "D1"), ("C3", "D2"))


def school(code: str, cluster: str = "C1", *, on: date = TODAY, **more: Any) -> Operation:
    """A PUT of one school on the server's day `on`; `valid_from` only when given."""
    record = {"school_code": code, "unit_id": cluster, "gender": None, "status": "open", **more}
    return {"op": "schools", "items": [record], "day": on.isoformat()}


def visit(name: str, code: str, moment: str, **form: Any) -> Operation:
    """A first submission; `moment` is a day (then 09:00 local) or a full instant."""
    return {"op": "visit", "source": None, "visit_id": name, "form": body(code, moment, **form)}


def body(code: str, moment: str, **form: Any) -> dict[str, Any]:
    """A form: open unless said otherwise."""
    at = moment if "T" in moment else f"{moment}T09:00:00+05:00"
    return {"school_code": code, "visited_at": at, "status": "open", **form}


def call(op: str, name: str, **more: Any) -> Operation:
    """A later call about the visit `name`."""
    return {"op": op, "source": None, "visit_id": name, **more}


def answer(
    history: list[Operation],
    unit: str = "P",
    first: str = "2018-03-01",
    last: str = "2018-03-31",
    *,
    view: str = "as_was",
    today: date = TODAY,
) -> dict[str, Any]:
    """The figures answer for a window, March 2018 unless said otherwise."""
    window = (date.fromisoformat(first), date.fromisoformat(last))
    return figures([TREE, *history], unit, *window, today, view)


def figure(
    history: list[Operation], indicator: str, split: str | None = None, /, **asked: Any
) -> tuple[Any, ...]:
    """(numerator, denominator, visits, schools, state) of one figure."""
    for row in answer(history, **asked)["figures"]:
        if (row["indicator"], row["split"]) == (indicator, split):
            names = ("numerator", "denominator", "visits", "schools", "state")
            return tuple(row[name] for name in names)
    return (0, 0, 0, 0, "absent")


def on(day: str) -> dict[str, str]:
    """A window of one day, for questions about what stands."""
    return {"first": day, "last": day}


def month(name: str) -> dict[str, str]:
    """A window of one month."""
    window = month_window(name)
    return {"first": window.first.isoformat(), "last": window.last.isoformat()}
