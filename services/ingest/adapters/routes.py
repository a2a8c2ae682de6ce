"""The addresses of partners: hooks, declarations, submissions, polls, and the form itself.

Owns parameters and status codes.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.ingest import documents
from services.ingest.adapters import documents as told
from services.ingest.adapters import xlsform
from services.ingest.adapters.declared import Adapters
from services.ingest.adapters.hooks import Hooks, hook_caller
from services.ingest.adapters.listing import Standing, document_of
from services.ingest.adapters.rehearsal import RehearsalIn, rehearse
from services.ingest.adapters.schemas import AdapterIn
from services.ingest.adapters.workers import Workers
from services.ingest.bodies import ARRAY
from services.ingest.drafts import Drafter
from services.ingest.exchange import json_answer, json_body, next_link
from services.ingest.reading import Body
from shared.access import Principal
from shared.errors import Problem
from shared.security import public, require

_ADAPTER: Body[AdapterIn] = Body(AdapterIn)
_REHEARSAL: Body[RehearsalIn] = Body(RehearsalIn)
_PATIENCE_SECONDS = 20.0
_PAUSE = 0.05
Admin = Annotated[Principal, Depends(require("admin"))]
Writer = Annotated[Principal, Depends(require("visits:write"))]
Reader = Annotated[Principal, Depends(require("visits:read"))]
Reviewer = Annotated[Principal, Depends(require("visits:review"))]
Caller = Annotated[Principal, Depends(hook_caller())]
Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Identity = Annotated[str, Path(pattern=r"^[!-~]{1,200}$")]
State = Literal["waiting", "applied", "unapplied", "gone"]


@dataclass(frozen=True, slots=True)
class AdapterParts:
    """What the addresses of partners work with."""

    adapters: Adapters
    standing: Standing
    hooks: Hooks
    workers: Workers
    drafter: Drafter


def router(parts: AdapterParts) -> APIRouter:
    """`/v1/hooks`, `/v1/adapters` and `/v1/forms`."""
    routes = APIRouter(tags=["partners"])
    _form(routes)
    _hook(routes, parts)
    _declarations(routes, parts)
    _submissions(routes, parts)
    _work(routes, parts)
    return routes


def _form(routes: APIRouter) -> None:
    @routes.get(
        "/v1/forms/visit.xlsx",
        dependencies=[Depends(public("an empty form holds nobody's data"))],
        responses=told.WORKBOOK,
        response_class=Response,
    )
    async def get_form() -> Response:
        """Get the visit as an XLSForm, for ODK Central and KoboToolbox."""
        file = await asyncio.to_thread(xlsform.workbook)
        headers = {
            "Content-Disposition": f'attachment; filename="{xlsform.FILE_NAME}"',
            "ETag": f'"{xlsform.version()}"',
        }
        return Response(file, headers=headers, media_type=xlsform.MEDIA_TYPE)


def _hook(routes: APIRouter, parts: AdapterParts) -> None:
    @routes.post(
        "/v1/hooks/{adapter}/{form}",
        status_code=202,
        openapi_extra=told.HOOK_BODY,
        responses=documents.answers(told.HOOKED, 400, 404, 413, 415, 422),
    )
    async def post_hook(request: Request, adapter: Name, form: Name, caller: Caller) -> Response:
        """Take a submission as a KoboToolbox or ODK server sends it; it is applied at once."""
        return await parts.hooks.take(request, adapter, form, caller)


def _declarations(routes: APIRouter, parts: AdapterParts) -> None:
    @routes.put(
        "/v1/adapters/{adapter}",
        openapi_extra=documents.body(AdapterIn, told.ADAPTER_IN),
        responses=documents.answers(told.ADAPTER, 400, 413, 415, 422),
    )
    async def put_adapter(request: Request, adapter: Name, caller: Admin) -> Response:
        """Declare a partner: its server, its forms and their mappings."""
        given = _ADAPTER.exact(await json_body(request, ARRAY))
        stored = await parts.adapters.put(adapter, given, caller)
        parts.workers.ring(adapter)
        return json_answer(await parts.standing.adapter(stored))

    @routes.get("/v1/adapters", responses=documents.answers(told.ADAPTERS))
    async def list_adapters(caller: Reader) -> Response:
        """List the partners whose visits this key may read, with the state of their forms."""
        found = await parts.adapters.all(caller)
        return json_answer({"adapters": [await parts.standing.adapter(one) for one in found]})

    @routes.get("/v1/adapters/{adapter}", responses=documents.answers(told.ADAPTER, 404, 422))
    async def get_adapter(adapter: Name, caller: Reader) -> Response:
        """Read a partner's declaration (never its login) and how far each form was read."""
        found = await parts.adapters.one(adapter, caller)
        return json_answer(await parts.standing.adapter(found))


def _submissions(routes: APIRouter, parts: AdapterParts) -> None:
    @routes.get(
        "/v1/adapters/{adapter}/submissions",
        responses=documents.answers(told.SUBMISSIONS, 404, 422),
    )
    async def list_submissions(
        request: Request,
        adapter: Name,
        caller: Reader,
        form: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9._-]{1,100}$")] = None,
        state: State | None = None,
        after: Annotated[int, Query(ge=0, le=(1 << 63) - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:
        """List submissions with what became of them and why; `state=unapplied` needs a look."""
        found = await parts.adapters.one(adapter, caller)
        rows = await parts.standing.submissions(found, form, state, after, limit + 1)
        shown = rows[:limit]
        answer = json_answer({"submissions": [document_of(one) for one in shown]})
        if len(rows) > limit:
            answer.headers["Link"] = next_link(request, str(shown[-1].version))
        return answer

    @routes.get(
        "/v1/adapters/{adapter}/forms/{form}/submissions/{submission:segment}",
        responses=documents.answers(told.SUBMISSION, 404, 422),
    )
    async def get_submission(
        adapter: Name, form: Name, submission: Identity, caller: Reader
    ) -> Response:
        """Read one submission with every payload that was sent of it, as it was sent."""
        found = await parts.adapters.one(adapter, caller)
        return json_answer(await parts.standing.submission(found, form, submission))

    @routes.post(
        "/v1/adapters/{adapter}/forms/{form}/submissions/{submission:segment}/retry",
        status_code=202,
        responses=documents.answers(told.RETRIED, 404, 422),
    )
    async def retry_submission(
        adapter: Name,
        form: Name,
        submission: Identity,
        caller: Reviewer,
        force: Annotated[bool, Query(description="also over what was changed here")] = False,
    ) -> Response:
        """Apply a submission again, say after its mapping or the register was mended."""
        found = await parts.adapters.one(adapter, caller)
        await parts.standing.retry(found, form, submission, force=force)
        parts.workers.ring(adapter)
        return json_answer({"submission": submission, "state": "waiting"}, 202)


def _work(routes: APIRouter, parts: AdapterParts) -> None:
    @routes.post(
        "/v1/adapters/{adapter}/poll",
        status_code=202,
        responses=documents.answers(told.POLLED, 404, 409, 422),
    )
    async def poll_adapter(
        adapter: Name,
        caller: Writer,
        complete: Annotated[bool, Query(description="everything, not only what is new")] = False,
        deletions: Annotated[Literal["hold", "accept"], Query()] = "hold",
        wait: Annotated[bool, Query(description="answer when it is through")] = False,
    ) -> Response:
        """Read a partner's server now; 200 when it is through, 202 while it is not."""
        found = await parts.adapters.one(adapter, caller)
        if not found.polled:
            raise Problem(409, "not_polled", "No server is declared, or the partner is paused.")
        accept = deletions == "accept"
        asked = await parts.standing.ask(found, complete=complete or accept, accept=accept)
        parts.workers.ring(adapter)
        until = time.monotonic() + _PATIENCE_SECONDS
        through = False
        while wait and not through and time.monotonic() < until:
            await asyncio.sleep(_PAUSE)
            through = await parts.standing.ended(found, asked)
        return json_answer(await parts.standing.adapter(found), 200 if through else 202)

    @routes.post(
        "/v1/adapters/{adapter}/forms/{form}/dry-run",
        openapi_extra=documents.body(RehearsalIn, told.REHEARSAL_IN),
        responses=documents.answers(told.REHEARSED, 400, 404, 413, 415, 422),
    )
    async def dry_run(request: Request, adapter: Name, form: Name, caller: Writer) -> Response:
        """Try a mapping on submissions: the visits it makes, and the questions it leaves unread."""
        found = await parts.adapters.one(adapter, caller)
        found.form(form)
        given = _REHEARSAL.exact(await json_body(request, ARRAY))
        return json_answer(rehearse(found, form, given, parts.drafter))
