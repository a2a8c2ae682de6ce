"""Which posts stand vacant on a day, since when, until when, and who acts meanwhile.

Owns the meaning of a vacancy: somebody was, is or will be posted there in that post, and nobody
holds it on the day. A post that nobody was ever posted to is known to the alerts alone. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.notify.directory import Officer, Posting


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A vacant post of a unit; `since` is its first vacant day, `filled_from` when it ends."""

    unit_id: str
    post: str
    since: int | None
    filled_from: int | None
    acting: tuple[Officer, ...]


def vacancies(officers: Sequence[Officer], day: int) -> list[Vacancy]:
    """Return the posts that nobody holds on a day (a day number), by unit and post."""
    served: dict[tuple[str, str], list[tuple[Officer, Posting]]] = {}
    for officer in officers:
        for posting in officer.postings:
            place = (posting.unit_id, posting.post or officer.post)
            served.setdefault(place, []).append((officer, posting))
    found = (_vacancy(unit, post, held, day) for (unit, post), held in sorted(served.items()))
    return [vacancy for vacancy in found if vacancy is not None]


def _vacancy(
    unit_id: str, post: str, held: Sequence[tuple[Officer, Posting]], day: int
) -> Vacancy | None:
    itself = [posting for _, posting in held if not posting.acting]
    if any(posting.holds(day) for posting in itself):
        return None
    ended = [p.last for p in itself if p.last is not None and p.last < day]
    begins = [p.first for p in itself if p.first is not None and p.first > day]
    acting = {o.officer_id: o for o, p in held if p.acting and p.holds(day)}
    return Vacancy(
        unit_id,
        post,
        max(ended) + 1 if ended else None,
        min(begins) if begins else None,
        tuple(acting[officer_id] for officer_id in sorted(acting)),
    )
