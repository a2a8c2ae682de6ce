"""A unit named after one above it: `Kech Dasht` is a tehsil of a district.

Owns the parting of such names and the question who stands under whom; what a part by itself means
is `naming`'s. Pure.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from services.ingest.registry.book import Records
from services.ingest.registry.naming import Match, Names, Resolution, anyone, halves

_MOST = 5
Fits = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Whose:
    """Who is asked for, who still stands, and whether a unit is under some others on a day."""

    fits: Fits
    stands: Fits
    under: Callable[[str, Iterable[str], int], bool]


def by_path(names: Names, records: Records, name: str, day: int, whose: Whose) -> Resolution | None:
    """What a name of several words means, its beginning being that of a unit above.

    A unit counts as under another when it is so on the day or by any of its own records: lists go
    on writing a tehsil's former district. None when no beginning names a unit and nothing is near.
    """
    found: dict[str, Match] = {}
    near: dict[str, Match] = {}
    for above, own in halves(name):
        upper = set(names.called(above, anyone))
        if not upper:
            continue
        below = _below(upper, records, day, whose)
        for match in names.near(own, below, _MOST):
            near.setdefault(match.identity, replace(match, by="path"))
        for match in names.certain(own, _both(below, whose.stands)):
            found[match.identity] = replace(match, by="path")
    told = tuple(found[identity] for identity in sorted(found))
    if len(told) == 1:
        return Resolution(told[0], told)
    if told:
        return Resolution(None, told, ambiguous=True)
    offered = sorted(near.values(), key=lambda match: (-match.score, match.identity))
    return Resolution(None, tuple(offered[:_MOST])) if offered else None


def _below(upper: set[str], records: Records, day: int, whose: Whose) -> Fits:
    def below(unit_id: str) -> bool:
        others = upper - {unit_id}
        days = (day, *(version.day for version in records[unit_id]))
        return whose.fits(unit_id) and any(whose.under(unit_id, others, on) for on in days)

    return below


def _both(one: Fits, other: Fits) -> Fits:
    return lambda identity: one(identity) and other(identity)
