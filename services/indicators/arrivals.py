"""What a batch of revisions does to the visits held: which are new, which take another's place.

Owns that judgement's shape and which revision of a batch is the newest; asking what is held,
locking and writing are `projector`'s and `store`'s. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.indicators import slices
from services.indicators.incoming import Revision
from services.indicators.slices import Changed
from services.indicators.store import Key


@dataclass(frozen=True, slots=True)
class Change:
    """What a batch does to the visits held: new ones, newer revisions of old ones, and the past."""

    fresh: list[tuple[int | None, Revision]]
    newer: list[tuple[int | None, Revision]]
    replaced: list[tuple[int | None, Revision]]
    past: list[Revision]
    groups: dict[int, int] = field(default_factory=dict)
    """Of the touched schools, the stock groups ever answered before."""

    def schools(self) -> set[int]:
        """Return the schools whose figures can change."""
        found = {school for rows in self._lists() for school, _ in rows}
        return {school for school in found if school is not None}

    def changed(self) -> list[Changed]:
        """Return each touched school with its changed days, in order of school."""
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for rows in self._lists():
            for school, row in rows:
                if school is None:
                    continue
                day = row.day
                if first.setdefault(school, day) > day:
                    first[school] = day
                if last.setdefault(school, day) < day:
                    last[school] = day
        groups = self.groups
        return [
            Changed(school, first[school], last[school], groups[school]) for school in sorted(first)
        ]

    def answered(self) -> list[tuple[int, int]]:
        """Return (groups, school) where a new revision answers what its school never did."""
        rows = (*self.fresh, *self.newer)
        added = [(school, row.groups) for school, row in rows if school is not None]
        return slices.ever_answered(self.groups, added)

    def _lists(self) -> tuple[list[tuple[int | None, Revision]], ...]:
        return self.fresh, self.newer, self.replaced


def newest_of(revisions: Sequence[Revision]) -> tuple[dict[Key, Revision], list[Revision]]:
    """Return the newest revision of each visit in a batch, and the other revisions."""
    newest: dict[Key, Revision] = {}
    past: list[Revision] = []
    for row in revisions:
        rival = newest.setdefault((row.source, row.visit_id), row)
        if rival is row or rival.revision == row.revision:
            continue
        if rival.revision < row.revision:
            newest[row.source, row.visit_id] = row
            past.append(rival)
        else:
            past.append(row)
    return newest, past
