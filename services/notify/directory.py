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
    """Service at a unit from day to day (day numbers, both included; None is open).

    `post` is what the officer is there when it is not the own post; `acting` stands in for the
    holder of the post until there is one.
    """

    unit_id: str
    first: int | None
    last: int | None
    post: str | None = None
    acting: bool = False

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

    def postings_as(self, post: str) -> list[Posting]:
        """Return the postings, of whatever days, in which the officer is or was of a post."""
        return [posting for posting in self.postings if (posting.post or self.post) == post]

    def posts(self) -> set[str]:
        """Return every post the officer has, had or will have somewhere."""
        return {posting.post or self.post for posting in self.postings}

    def address(self, channel: str) -> str | None:
        """Return where the officer is reached on a channel, or None."""
        return self.email if channel == "email" else self.phone


@dataclass(frozen=True, slots=True)
class Holding:
    """An officer in a post at a unit, by one posting."""

    officer: Officer
    post: str
    posting: Posting


def holding(officers: Sequence[Officer], post: str, path: Sequence[str], day: int) -> list[Holding]:
    """Return who holds a post for a unit on a day: at the unit, else at the nearest unit above.

    `path` runs from the unit upwards. Who acts counts only where nobody holds the post itself. An
    empty answer is a vacancy that nobody fills.
    """
    for unit in path:
        found = [
            Holding(officer, post, posting)
            for officer in officers
            for posting in officer.postings_as(post)
            if posting.unit_id == unit and posting.holds(day)
        ]
        itself = [held for held in found if not held.posting.acting]
        if found:
            # One posting of each officer: two that overlap make nobody hold a post twice.
            named = {held.officer.officer_id: held for held in itself or found}
            return [named[officer_id] for officer_id in sorted(named)]
    return []


def on_duty(officers: Sequence[Officer], post: str, path: Sequence[str], day: int) -> list[Officer]:
    """Return the officers who hold a post for a unit on a day, as `holding` says."""
    return [held.officer for held in holding(officers, post, path, day)]


def may_be_told(
    officer: Officer, officers: Sequence[Officer], post: str, path: Sequence[str], day: int
) -> bool:
    """Return whether an officer chosen earlier still is one to tell: in the post, or acting."""
    if any(
        posting.unit_id in path and posting.holds(day) and not posting.acting
        for posting in officer.postings_as(post)
    ):
        return True
    return officer in on_duty(officers, post, path, day)


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
    served = await _postings(tx, [row[0] for row in rows])
    return [_officer(row, tuple(served.get(row[0], ()))) for row in rows]


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
    ids = [p.officer_id for p in people]
    await tx.execute("DELETE FROM postings WHERE officer_id = ANY($1::text[])", ids)
    await tx.execute("DELETE FROM posting_posts WHERE officer_id = ANY($1::text[])", ids)
    await tx.insert_rows(
        "postings",
        ("officer_id", "number", "unit_id", "first", "last"),
        [
            (p.officer_id, number, posting.unit_id, posting.first, posting.last)
            for p in people
            for number, posting in enumerate(p.postings)
        ],
    )
    await tx.insert_rows(
        "posting_posts",
        ("officer_id", "number", "post", "acting"),
        [
            (p.officer_id, number, posting.post, int(posting.acting))
            for p in people
            for number, posting in enumerate(p.postings)
            if posting.acting or posting.post is not None
        ],
    )


async def _postings(tx: Tx, ids: Sequence[str]) -> dict[str, list[Posting]]:
    rows = await tx.fetch(
        "SELECT p.officer_id, p.unit_id, p.first, p.last, q.post, q.acting FROM postings p "
        "LEFT JOIN posting_posts q ON q.officer_id = p.officer_id AND q.number = p.number "
        "WHERE p.officer_id = ANY($1::text[]) ORDER BY p.officer_id, p.number",
        list(ids),
    )
    found: dict[str, list[Posting]] = {}
    for officer_id, unit_id, first, last, post, acting in rows:
        found.setdefault(officer_id, []).append(Posting(unit_id, first, last, post, bool(acting)))
    return found


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
