"""What an open page listens to: whose figures, made when, of which days.

Owns the days on which a visit would change what a page shows, and the policy under which its one
script runs. Hearing is the script's, telling the stream's of the indicators service.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.reports.beside import Comparison
from services.reports.card import Card
from shared.clients import figure_answers as wire
from shared.clients.list_answers import ListAnswer, ListSizes
from shared.web import POLICY

LISTENING = f"{POLICY}; script-src 'self'; connect-src 'self'"
"""The policy of a page that listens: the script that hears of moved figures, nobody else to ask."""
_ANY_DAY = "not_visited"


@dataclass(frozen=True, slots=True)
class Heard:
    """A page listens for moves of a unit since a version of its figures, from `first` to `last`."""

    unit_id: str
    version: str
    first: date
    last: date


def of_card(card: Card) -> Heard | None:
    """What a card listens to; None for one of the past, which does not move."""
    own = card.own
    if own.known_at is not None:
        return None
    pasts = [past.first for past in (card.previous, card.year_ago) if past is not None]
    first = min([own.first.replace(year=own.first.year - 1, day=1), *pasts])
    return Heard(own.place.unit_id, own.version, first, own.last)


def of_comparison(found: Comparison, look_back: int) -> Heard | None:
    """What an indicator's page listens to; a stock of a day is made of `look_back` days before."""
    window = found.window
    if window["known_at"] is not None:
        return None
    last = date.fromisoformat(window["last"])
    first = min([date.fromisoformat(window["first"]), *(past.first for past in found.pasts)])
    if found.indicator.basis == "stock":
        first -= timedelta(days=look_back)
    return Heard(window["unit"], found.made_from, first, last)


def of_list(sizes: ListSizes, page: ListAnswer, look_back: int) -> Heard | None:
    """What a page of lists listens to; None for one of the past.

    Who was not visited may have been seen on any day before; elsewhere only what stands counts.
    """
    if page["known_at"] is not None:
        return None
    last = date.fromisoformat(page["state_on"])
    first = date.min if page["list"] == _ANY_DAY else last - timedelta(days=look_back)
    return Heard(page["unit"], oldest((sizes, page)), first, last)


def oldest(answers: Sequence[wire.Window]) -> str:
    """The version of the answer that was made first: what moved since then, one of them lacks."""
    return min(answers, key=lambda answer: answer["as_of"])["version"]
