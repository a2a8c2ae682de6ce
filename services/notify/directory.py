"""Who serves where on which day, and how each person is reached.

Owns officers, their dated postings and their contacts: the only place in the product that stores
addresses and numbers. Who is told what is decided by `telling`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from shared.db.transaction import Tx


@dataclass(frozen=True, slots=True)
class Posting:
    """Service at a unit from day to day (day numbers, both included; None is open)."""

    unit_id: str
    first: int | None
    last: int | None

    def holds(self, day: int) -> bool:
        """Return whether the posting is valid on a day."""
        begun = self.first is None or self.first <= day
        return begun and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Officer:
    """A person with a post, a language, the channels that reach them and their postings."""

    officer_id: str
    name: str
    post: str
    language: str
    email: str | None
    phone: str | None
    channels: tuple[str, ...]
    postings: tuple[Posting, ...]

    def serves(self, units: Sequence[str], day: int) -> str | None:
        """Return the first of the units at which the officer is posted on the day, or None."""
        held = {posting.unit_id for posting in self.postings if posting.holds(day)}
        return next((unit for unit in units if unit in held), None)

    def address(self, channel: str) -> str | None:
        """Return where the officer is reached on a channel, or None."""
        return self.email if channel == "email" else self.phone


def on_duty(officers: Sequence[Officer], post: str, path: Sequence[str], day: int) -> list[Officer]:
    """Return who holds a post for a unit on a day: at the unit, else at the nearest unit above.

    `path` runs from the unit upwards. An empty answer is a vacancy.
    """
    for unit in path:
        found = [
            officer for officer in officers if officer.post == post and officer.serves([unit], day)
        ]
        if found:
            return sorted(found, key=lambda officer: officer.officer_id)
    return []


_COLUMNS = "officer_id, name, post, language, email, phone, channels"


async def officers(tx: Tx, ids: Sequence[str] | None = None) -> list[Officer]:
    """Return all officers, or those of the given ids, ordered by id."""
    if ids is None:
        rows = await tx.fetch(f"SELECT {_COLUMNS} FROM officers ORDER BY officer_id")
    else:
        rows = await tx.fetch(
            f"SELECT {_COLUMNS} FROM officers WHERE officer_id = ANY($1::text[]) "
            "ORDER BY officer_id",
            list(ids),
        )
    return [_officer(row, await _postings(tx, row[0])) for row in rows]


async def posted_on(tx: Tx, path: Sequence[str]) -> list[Officer]:
    """Return the officers with a posting, of whatever days, at one of the units."""
    rows = await tx.fetch(
        "SELECT DISTINCT officer_id FROM postings WHERE unit_id = ANY($1::text[])", list(path)
    )
    return await officers(tx, [row[0] for row in rows])


async def put_officers(tx: Tx, people: Sequence[Officer], now: int) -> None:
    """Store officers, each replacing the one of the same id with all postings."""
    await tx.upsert_rows(
        "officers",
        ("officer_id",),
        (
            "officer_id",
            "name",
            "post",
            "language",
            "email",
            "phone",
            "channels",
            "recorded",
        ),
        [
            (
                p.officer_id,
                p.name,
                p.post,
                p.language,
                p.email,
                p.phone,
                json.dumps(p.channels),
                now,
            )
            for p in people
        ],
    )
    await tx.execute(
        "DELETE FROM postings WHERE officer_id = ANY($1::text[])", [p.officer_id for p in people]
    )
    await tx.insert_rows(
        "postings",
        ("officer_id", "number", "unit_id", "first", "last"),
        [
            (p.officer_id, number, posting.unit_id, posting.first, posting.last)
            for p in people
            for number, posting in enumerate(p.postings)
        ],
    )


async def _postings(tx: Tx, officer_id: str) -> tuple[Posting, ...]:
    rows = await tx.fetch(
        "SELECT unit_id, first, last FROM postings WHERE officer_id = $1 ORDER BY number",
        officer_id,
    )
    return tuple(Posting(row[0], row[1], row[2]) for row in rows)


def _officer(row: Sequence[object], postings: tuple[Posting, ...]) -> Officer:
    officer_id, name, post, language, email, phone, channels = row
    return Officer(
        str(officer_id),
        str(name),
        str(post),
        str(language),
        None if email is None else str(email),
        None if phone is None else str(phone),
        tuple(json.loads(str(channels))),
        postings,
    )


def masked(contact: str | None) -> str | None:
    """Return a contact with its middle hidden, for callers who may not see contacts."""
    if contact is None:
        return None
    if "@" in contact:
        local, _, domain = contact.partition("@")
        return f"{local[:1]}•••@{domain}"
    return f"{contact[:3]}•••••{contact[-4:]}" if len(contact) > 8 else "•••"
