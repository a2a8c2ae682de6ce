"""What a new record of a unit or a school changes, in words: created, renamed, moved, …

Owns the comparison of two records of one thing; pure. The words stand in the registry's events, its
change feed and histories.
"""

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]

CREATED = "created"
_WORDS = {
    "name": "renamed",
    "names": "renamed",
    "parent_id": "moved",
    "unit_id": "moved",
    "level": "level_changed",
    "status": "status_changed",
    "valid_to": "ended",
    "predecessors": "predecessors_changed",
    "aliases": "aliases_changed",
    "head_school_code": "head_changed",
}
_KEYS = frozenset({"school_code", "valid_from", "version", "recorded_at"})
_EMPTY: tuple[Any, ...] = (None, [], {}, "")


def changes(before: Record | None, after: Record) -> list[str]:
    """What is new in `after` against the record in force until then (None: there was none).

    Words in a fixed order without repeats; fields that have no word of their own are `described`.
    """
    if before is None:
        return [CREATED]
    told: list[str] = []
    for name in (*_WORDS, *(name for name in after if name not in _WORDS)):
        if name in _KEYS or _same(before.get(name), after.get(name)):
            continue
        word = _WORDS.get(name, "described")
        if name == "valid_to" and after.get(name) is None:
            word = "reopened"
        if name == "status" and after.get(name) in {"closed", "merged"}:
            word = str(after[name])
        if word not in told:
            told.append(word)
    return told


def _same(before: Any, after: Any) -> bool:
    return bool(before == after) or (before in _EMPTY and after in _EMPTY)
