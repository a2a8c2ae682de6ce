"""One cell in, one value out: `clean(kind, raw, **options)`.

Owns the kinds, the words for "not measured" and the order in which a cell is looked at; each kind's
reading is in `words`, `numbers` and `times`. An empty cell is None, never 0 and never False.
"""

from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any

from services.ingest.cleaning import numbers, times, words
from services.ingest.cleaning.faults import Fault, Faulty

Value = str | int | float | bool | date | datetime | None

_READERS: dict[str, Callable[..., Value]] = {
    "text": words.text,
    "code": words.code,
    "integer": numbers.integer,
    "number": numbers.number,
    "latitude": numbers.latitude,
    "longitude": numbers.longitude,
    "date": times.day,
    "instant": times.instant,
    "boolean": words.boolean,
    "choice": words.choice,
}
KINDS = tuple(_READERS)
# What stands for "nothing" where a number or a date belongs; a text may well be called so.
_NOTHING = frozenset({"na", "n/a", "#n/a", "null", "none", "nil", "nill", "-", "--", ".", "?"})
_TEXTS = frozenset({"text", "code"})


def clean(
    kind: str, raw: str, *, missing: Collection[str] = (), required: bool = False, **options: Any
) -> Value | Fault:
    """The cell's value, None when it holds none, or what is wrong with it.

    `missing` are further words for "not measured" (such as `-999`); `required` makes an empty cell
    a fault. Other options are those of the kind's reader. Raises KeyError for an unknown kind and
    TypeError for an unknown option: faults of the mapping, not of the cell.
    """
    reader = _READERS[kind]
    word = words.folded(raw)
    if not word or word in {words.folded(mark) for mark in missing} or _nothing(kind, word):
        if required:
            return Fault("empty", "The cell is empty.", "Enter a value.")
        return None
    try:
        return reader(raw, **options)
    except Faulty as faulty:
        return faulty.fault


def _nothing(kind: str, word: str) -> bool:
    return kind not in _TEXTS and word in _NOTHING
