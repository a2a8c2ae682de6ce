"""Visits as people read them: of a school, and one with its flags, history and replies.

Owns who may read which: a person with a post sees what every source sent about schools of their
units; a key, one that reviews as well, sees what ingest shows it: what its own source sent. What is
written goes to ingest in the caller's own name.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.reports.actors import actor_names
from services.reports.cards import Cards
from services.reports.posts import is_person
from shared.access import Access, Principal
from shared.clients.figure_answers import UnitDetail
from shared.clients.ingest import IngestClient, Page, segment
from shared.domain.codes import school_unit
from shared.errors import Problem, not_found

_MOST_VISITS = 2_000
_PAGE = 500
Document = dict[str, Any]
Credential = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class VisitPage:
    """One visit: its record as it stands, its school, its revisions and the replies to it."""

    record: Document
    school: UnitDetail
    revisions: list[Document]
    replies: list[Document] = field(default_factory=list)
    actors: Mapping[str, str] = field(default_factory=dict)

    @property
    def form(self) -> Document:
        """The form that stands."""
        found: Document = self.record["form"]
        return found


class Visits:
    """Reads visits for people, and passes on what they decide."""

    def __init__(self, ingest: IngestClient, access: Access, cards: Cards) -> None:
        self._ingest = ingest
        self._access = access
        self._cards = cards

    async def of_school(self, code: str, caller: Principal, own: Credential) -> list[Document]:
        """The visits of a school of the caller's units, newest first, at most 2,000."""
        asked: dict[str, object | None] = {"school": code, "limit": _PAGE}
        found: list[Document] = []
        while len(found) < _MOST_VISITS:
            page = await self._ingest.page("/v1/visits", asked, _as(caller, own))
            found += page.document["visits"]
            if page.following is None:
                break
            asked = {**page.following}
        return sorted(found, key=lambda v: (v["form"]["visited_at"], v["visit_id"]), reverse=True)

    async def one(
        self, visit_id: str, source: str | None, caller: Principal, own: Credential
    ) -> VisitPage:
        """A visit of a school of the caller's units; raises Problem 404 for any other."""
        path, asked = _path(visit_id), {"source": source}
        told = await self._ingest.get(f"{path}/revisions", asked, _as(caller, own))
        revisions: list[Document] = told["revisions"]
        record = await self._record(path, asked, told, _as(caller, own))
        unit_id = school_unit(record["form"]["school_code"])
        try:
            school = await self._cards.unit_for(unit_id, caller)
        except Problem as problem:
            if problem.status != 404 or caller.units is not None:
                raise not_found("visit") from problem
            school = _unregistered(record["form"]["school_code"])
        actors = await self.actors(revision["actor"] for revision in revisions)
        replies = await self._replies(path, asked, caller, own)
        return VisitPage(record, school, revisions, replies, actors)

    async def actors(self, key_ids: Iterable[str | None]) -> dict[str, str]:
        """The names of keys that did something."""
        return await actor_names(self._access, key_ids)

    async def _record(
        self, path: str, asked: Mapping[str, object | None], told: Document, own: Credential | None
    ) -> Document:
        """The visit as it stands; one that was withdrawn is put together from its revisions."""
        try:
            return await self._ingest.get(path, asked, own)
        except Problem as problem:
            if problem.status != 410:
                raise
        revisions: list[Document] = told["revisions"]
        last = next(r for r in reversed(revisions) if r["form"] is not None)
        return {
            "source": told["source"],
            "visit_id": told["visit_id"],
            "revision": revisions[-1]["revision"],
            "status": "withdrawn",
            "flags": last["flags"],
            "received_at": told["received_at"],
            "form": last["form"],
        }

    async def _replies(
        self, path: str, asked: Mapping[str, object | None], caller: Principal, own: Credential
    ) -> list[Document]:
        told = await self._ingest.get(f"{path}/replies", asked, _as(caller, own))
        found: list[Document] = told["replies"]
        return found

    async def reply_counts(
        self, visits: Sequence[Document], caller: Principal, own: Credential
    ) -> dict[tuple[str, str], int]:
        """How many replies each of some visits has, by (source, visit id)."""
        found = await asyncio.gather(
            *(
                self._replies(_path(visit["visit_id"]), {"source": visit["source"]}, caller, own)
                for visit in visits
            )
        )
        keys = ((visit["source"], visit["visit_id"]) for visit in visits)
        return {key: len(replies) for key, replies in zip(keys, found, strict=True)}

    async def queue(self, asked: Mapping[str, object | None], own: Credential) -> Page:
        """A page of the review queue as the caller may see it; raises ingest's Problem."""
        return await self._ingest.page("/v1/reviews", asked, own)

    async def decide(
        self, visit_id: str, source: str | None, fields: Mapping[str, str], own: Credential
    ) -> Document:
        """Exclude, include or release a visit in the caller's name; raises ingest's Problem."""
        return await self._ingest.post(
            f"{_path(visit_id)}/review",
            _given(fields, "decision", "reason", "note"),
            {"source": source},
            own,
        )

    async def reply(
        self, visit_id: str, source: str | None, fields: Mapping[str, str], own: Credential
    ) -> Document:
        """Answer to a visit in the caller's name; raises ingest's Problem."""
        return await self._ingest.post(
            f"{_path(visit_id)}/replies",
            _given(fields, "text", "role", "author"),
            {"source": source},
            own,
        )


def _path(visit_id: str) -> str:
    return f"/v1/visits/{segment(visit_id)}"


def _as(caller: Principal, own: Credential) -> Credential | None:
    """In whose name ingest is asked: None is the house's, with units enforced here."""
    return None if is_person(caller) else own


def _given(fields: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: fields[name] for name in names if fields.get(name)}


def _unregistered(code: str) -> UnitDetail:
    """What stands for a school that nobody registered yet."""
    return {
        "unit_id": school_unit(code),
        "name": code,
        "names": {},
        "level": "school",
        "parent_id": None,
        "valid_from": "",
        "valid_to": None,
        "head_school_code": None,
        "chain": [],
        "predecessors": [],
        "aliases": [],
        "versions": [],
    }
