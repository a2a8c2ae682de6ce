"""Dated records of one thing: which holds on a day, and what a new one changes.

Owns the arithmetic of valid time. A record holds from its day until the next; the first also holds
before its own. A record that repeats the one in force is kept but not told (`silent`): it matters
only once something is put before it, and is told then.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Generic, TypeVar

T = TypeVar("T")
_DAY = attrgetter("day")


@dataclass(frozen=True, slots=True)
class Version(Generic[T]):
    """What is known of a thing from a day on."""

    day: int
    content: T
    silent: bool = False


def in_force(versions: Sequence[Version[T]], day: int) -> Version[T] | None:
    """The version that holds on a day, of versions in order of their days."""
    if not versions:
        return None
    return versions[max(bisect_right(versions, day, key=_DAY) - 1, 0)]


def put(versions: Sequence[Version[T]], day: int, content: T) -> list[Version[T]]:
    """The versions to store when `content` holds from `day`; those not silent are to be told."""
    place = bisect_left(versions, day, key=_DAY)
    same = versions[place] if place < len(versions) and versions[place].day == day else None
    if same is not None:
        if same.content == content:
            return []
        place += 1
    elif place > 0 and versions[place - 1].content == content:
        return [Version(day, content, silent=True)]
    changed = [Version(day, content)]
    if place < len(versions) and versions[place].silent:
        changed.append(replace(versions[place], silent=False))
    return changed


def merged(versions: Sequence[Version[T]], changed: Sequence[Version[T]]) -> list[Version[T]]:
    """The versions after a change, in order of their days."""
    days = {version.day: version for version in (*versions, *changed)}
    return [days[day] for day in sorted(days)]
