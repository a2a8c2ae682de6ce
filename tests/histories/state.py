"""What clients have said so far in a history: visits as their senders know them, register facts.

Owns the bookkeeping that the steps of `generator` and `reviews` share; makes nothing up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from random import Random
from typing import Any

from tests.histories import register

TODAY = date(2019, 6, 3)
LOCAL = timezone(timedelta(hours=5))
Operation = dict[str, Any]


def local_day(form: Operation) -> date:
    """The local day on which a form says the visit was made."""
    return datetime.fromisoformat(form["visited_at"]).astimezone(LOCAL).date()


@dataclass
class Sent:
    """A visit as its client knows it."""

    source: str | None
    visit_id: str
    form: Operation
    first: Operation
    withdrawn: bool = False
    excluded: bool = False
    released: bool = False
    corrections: int = 0

    @property
    def early(self) -> bool:
        """Whether the visit is dated before the deployment's first day."""
        return local_day(self.form) < register.BEGIN

    def say(self, form: Operation) -> None:
        """Take another form; whoever released the visit released only the day it had."""
        self.released = self.released and local_day(form) == local_day(self.form)
        self.form = form

    def call(self, op: str, **more: Any) -> Operation:
        """An operation about this visit."""
        return {"op": op, "source": self.source, "visit_id": self.visit_id, **more}


@dataclass
class State:
    """What has been said so far; `today` is the servers' local day."""

    facts: register.Facts = field(default_factory=register.Facts)
    visits: list[Sent] = field(default_factory=list)
    today: date = TODAY

    def known(self, form: Operation) -> bool:
        """Whether the form's school has been registered by now."""
        bare = form["school_code"].strip().lstrip("0")
        return any(code.lstrip("0") == bare for code in self.facts.schools)

    def some(self, rng: Random, fits: Callable[[Sent], bool]) -> Sent | None:
        """A visit that fits, if there is one."""
        fitting = [sent for sent in self.visits if fits(sent)]
        return rng.choice(fitting) if fitting else None
