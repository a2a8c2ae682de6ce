"""Reading visits back: one, its history, and the feed of all in commit order.

Owns the documents that are read and who may read which; a key reads what its source sent about
schools under its units, a key with `admin` everything.
"""

import base64
import binascii
import re
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from services.ingest import documents
from services.ingest.drafts import Drafter, source_of
from services.ingest.exchange import json_answer, next_link, visit_key
from services.ingest.intake import refresh
from services.ingest.outcomes import flags_of, status_of, withdrawn
from services.ingest.store import Filter, Revision, Stored, current, history, listed
from services.ingest.trust.shown import entity_tag, shown
from services.ingest.trust.signals import Finding
from shared.access import Principal
from shared.clock import rfc3339
from shared.db.engine import Database
from shared.domain.codes import canonical_school_code
from shared.domain.days import day_number
from shared.errors import invalid, not_found
from shared.queries import Day
from shared.security import require

_FLAG = re.compile(r"[a-z_]{1,60}\Z")
Reader = Annotated[Principal, Depends(require("visits:read"))]
Source = Annotated[str | None, Query(max_length=100, description="another source, for admins")]
Status = Literal["accepted", "quarantined", "excluded", "withdrawn"]
Document = dict[str, Any]


class Listing:
    """Answers questions about stored visits."""

    def __init__(self, database: Database, drafter: Drafter) -> None:
        self._database = database
        self._drafter = drafter

    def add(self, routes: APIRouter) -> None:
        """Add the addresses that read."""
        self._add_single(routes)
        self._add_feed(routes)

    def _add_single(self, routes: APIRouter) -> None:
        @routes.get(
            "/v1/visits/{visit_id}",
            responses=documents.answers({200: ("The visit", documents.RECORD_EXAMPLE)}, 404, 410),
        )
        async def get_visit(
            request: Request, visit_id: str, caller: Reader, source: Source = None
        ) -> Response:
            """Read a visit as it stands, with its history and its form as it was sent."""
            return await self.one(request, visit_id, caller, source)

        @routes.get(
            "/v1/visits/{visit_id}/revisions",
            responses=documents.answers({200: ("All revisions", documents.HISTORY_EXAMPLE)}, 404),
        )
        async def get_revisions(visit_id: str, caller: Reader, source: Source = None) -> Response:
            """Read every revision of a visit, withdrawn or not."""
            named = source_of(caller, source)
            visit, revisions, _ = await self._found(named, visit_id, caller)
            told = {
                "source": named,
                "visit_id": visit_id,
                "received_at": rfc3339(visit.received_at),
                "revisions": [_revision(revision, form=True) for revision in revisions],
            }
            return json_answer(told)

    def _add_feed(self, routes: APIRouter) -> None:
        @routes.get(
            "/v1/visits",
            responses=documents.answers(
                {200: ("A page", {"visits": [documents.RECORD_EXAMPLE]})}, 422
            ),
        )
        async def list_visits(
            request: Request,
            caller: Reader,
            school: Annotated[str | None, Query(max_length=100)] = None,
            first: Annotated[Day | None, Query(alias="from")] = None,
            last: Annotated[Day | None, Query(alias="to")] = None,
            status: Status | None = None,
            flag: Annotated[str | None, Query(max_length=60)] = None,
            source: Source = None,
            after: Annotated[str | None, Query(max_length=40)] = None,
            limit: Annotated[int, Query(ge=1, le=500)] = 100,
        ) -> Response:
            """List visits in the order in which their latest revisions were committed."""
            if flag is not None and not _FLAG.match(flag):
                raise invalid("/query/flag", "invalid_flag", "There is no such flag.")
            wanted = Filter(
                source=source if caller.has("admin") else caller.source,
                code=None if school is None else canonical_school_code(school),
                first=None if first is None else day_number(first),
                last=None if last is None else day_number(last),
                status=status,
                flag=flag,
                codes=self._codes(caller),
            )
            async with self._database.reading() as tx:
                await refresh(tx, self._drafter)
                found = await listed(tx, wanted, _position(after), limit + 1)
                flags = await shown(tx, found)
            more, found = len(found) > limit, found[:limit]
            told = [self._record(visit, flags[visit.visit_id, visit.source]) for visit in found]
            answer = json_answer({"visits": told})
            if more:
                answer.headers["Link"] = next_link(request, _cursor(found[-1].position))
            return answer

    def _codes(self, caller: Principal) -> list[str] | None:
        if caller.units is None:
            return None
        today = day_number(self._drafter.stamps.today(self._drafter.zone))
        return self._drafter.register.schools_under(caller.units, today)

    async def _found(
        self, source: str, visit_id: str, caller: Principal
    ) -> tuple[Stored, list[Revision], list[Finding]]:
        key = str(visit_key(visit_id))
        async with self._database.reading() as tx:
            await refresh(tx, self._drafter)
            visit = await current(tx, source, key)
            if visit is None or not self._drafter.within(caller, visit.code, visit.day):
                raise not_found("visit")
            [flags] = (await shown(tx, [visit])).values()
            return visit, await history(tx, source, key), flags

    async def one(
        self, request: Request, visit_id: str, caller: Principal, source: str | None
    ) -> Response:
        """The visit, 304 when the caller has it; raises Problem 404 or 410."""
        visit, revisions, flags = await self._found(source_of(caller, source), visit_id, caller)
        if visit.standing == "withdrawn":
            raise withdrawn()
        record = self._record(visit, flags)
        record["history"] = [_revision(revision, form=False) for revision in revisions]
        tag = entity_tag(visit, flags)
        # A visit that waits for its school changes without a revision: nobody may keep it.
        settled = record["status"] != "quarantined"
        if settled and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        answer = json_answer(record)
        if settled:
            answer.headers["ETag"] = tag
        return answer

    def _record(self, visit: Stored, flags: list[Finding]) -> Document:
        known = self._drafter.register.knows(visit.code)
        status = status_of(visit.standing, known)
        record: Document = {
            "source": visit.source,
            "visit_id": visit.visit_id,
            "revision": visit.revision,
            "status": status,
            "flags": flags,
            "received_at": rfc3339(visit.received_at),
            "recorded_at": rfc3339(visit.recorded_at),
            "position": visit.position,
            "form": msgspec.Raw(visit.form.encode()),
        }
        if status == "quarantined":
            early = visit.standing == "quarantined"
            record["quarantine"] = "date_to_be_corrected" if early else "unknown_school"
        return record


def _revision(revision: Revision, *, form: bool) -> Document:
    document: Document = {
        "revision": revision.revision,
        "kind": revision.kind,
        "recorded_at": rfc3339(revision.recorded_at),
        "actor": revision.actor,
        "reason": revision.reason,
        "note": revision.note,
    }
    if form:
        document["standing"] = revision.standing or None
        document["flags"] = flags_of(revision.flags)
        document["form"] = None if revision.form is None else msgspec.Raw(revision.form.encode())
    return document


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"p{position}".encode()).decode().rstrip("=")


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        if text[:1] == "p" and text[1:].isdigit() and len(text) < 20:
            return int(text[1:])
    except (binascii.Error, ValueError):
        pass
    raise invalid("/query/after", "invalid_cursor", "This is no cursor of ours.")
