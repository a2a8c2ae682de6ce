"""The pages on which people send files: upload, progress, what was lost, the real run.

Owns addresses and the passing on of a file as it arrives; what a file means is ingest's, which is
asked in the caller's own name. Progress needs no script: a page of a running import asks to be
loaded again.
"""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.reports.formats.html import Pages
from services.reports.forms import (
    TOKEN_FIELD,
    credential,
    form_token,
    read_form,
    refuse_foreign,
    refuse_forged,
)
from services.reports.pages import HTML, page_lang
from shared.access import Principal
from shared.clients.ingest import IngestClient, segment
from shared.errors import Problem
from shared.security import require

Importer = Annotated[Principal, Depends(require("imports:write"))]
Cursor = Annotated[str | None, Query(max_length=200)]
# What may be sent, and the scope that lets somebody send it.
KINDS = {
    "visits": "visits:write",
    "schools": "registry:write",
    "units": "registry:write",
    "officers": "officers:write",
    "targets": "targets:write",
}
UNDER_WAY = {"uploading", "queued", "running"}
COUNTS = ("accepted", "replayed", "quarantined", "unchanged", "rejected")
_LOOK_AGAIN_SECONDS = 2
_LOSSES_A_PAGE = 100


def router(ingest: IngestClient, pages: Pages) -> APIRouter:
    """`/imports` and what is below it."""
    routes = APIRouter(tags=["pages"], include_in_schema=False)
    _all(routes, ingest, pages)
    _one(routes, ingest, pages)
    _acts(routes, ingest)
    return routes


def _all(routes: APIRouter, ingest: IngestClient, pages: Pages) -> None:
    async def shown(
        request: Request, caller: Principal, after: str | None, refused: Problem | None
    ) -> Response:
        lang, own = page_lang(request), credential(request)
        page = await ingest.page("/v1/imports", {"after": after, "limit": 20}, own)
        mappings = (await ingest.get("/v1/mappings", {}, own))["mappings"]
        token = urlencode({TOKEN_FIELD: form_token(request), "lang": lang})
        content = pages.render(
            "imports.html",
            lang,
            "/imports",
            principal=caller,
            kinds=[kind for kind, scope in KINDS.items() if caller.has(scope)],
            mappings=mappings,
            imports=page.document["imports"],
            following=None
            if page.following is None
            else "/imports?" + urlencode({"after": page.following["after"], "lang": lang}),
            refused=refused,
            action=f"/imports?{token}",
            under_way=UNDER_WAY,
        )
        status = 200 if refused is None else refused.status
        return Response(content, status_code=status, media_type=HTML)

    @routes.get("/imports")
    async def imports(request: Request, caller: Importer, after: Cursor = None) -> Response:
        """The form for a file, and the imports so far."""
        return await shown(request, caller, after, None)

    @routes.post("/imports")
    async def send(request: Request, caller: Importer) -> Response:
        """Pass a file on as it arrives; the form's token is in the address, before the file."""
        refuse_foreign(request)
        refuse_forged(request, {TOKEN_FIELD: request.query_params.get(TOKEN_FIELD, "")})
        kind = request.headers.get("content-type", "")
        try:
            job = await ingest.send("/v1/imports", {}, kind, request.stream(), credential(request))
        except Problem as refused:
            if refused.status not in {400, 403, 413, 415, 422, 429}:
                raise
            return await shown(request, caller, None, refused)
        return _to(job["import_id"], request)


def _one(routes: APIRouter, ingest: IngestClient, pages: Pages) -> None:
    @routes.get("/imports/{import_id}")
    async def one(
        request: Request, caller: Importer, import_id: str, after: Cursor = None
    ) -> Response:
        """How far an import is, what became of its rows, and what is to be mended."""
        lang, own, path = page_lang(request), credential(request), _path(import_id)
        job = await ingest.get(path, {}, own)
        report = await ingest.page(f"{path}/report", {"after": after, "limit": _LOSSES_A_PAGE}, own)
        here = f"/imports/{segment(import_id)}"
        content = pages.render(
            "import.html",
            lang,
            here,
            principal=caller,
            job=job,
            counts=COUNTS,
            losses=report.document["losses"],
            following=None
            if report.following is None
            else f"{here}?" + urlencode({"after": report.following["after"], "lang": lang}),
            first=None if after is None else f"{here}?" + urlencode({"lang": lang}),
            under_way=job["state"] in UNDER_WAY,
            token=form_token(request),
        )
        again = {"Refresh": str(_LOOK_AGAIN_SECONDS)} if job["state"] in UNDER_WAY else {}
        return Response(content, media_type=HTML, headers=again)

    @routes.get("/imports/{import_id}/report.csv")
    async def report(request: Request, caller: Importer, import_id: str) -> Response:
        """The whole loss report as a file."""
        del caller
        answer = await ingest.download(
            f"{_path(import_id)}/report", {"format": "csv"}, credential(request)
        )
        name = f'attachment; filename="report-{segment(import_id)}.csv"'
        return Response(
            answer.content,
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": name},
        )


def _acts(routes: APIRouter, ingest: IngestClient) -> None:
    @routes.post("/imports/{import_id}/run")
    async def run(request: Request, caller: Importer, import_id: str) -> Response:
        """Import in earnest what was tried."""
        del caller
        await read_form(request)
        job: dict[str, Any] = await ingest.post(
            f"{_path(import_id)}/run", {}, {}, credential(request)
        )
        return _to(job["import_id"], request)

    @routes.post("/imports/{import_id}/cancel")
    async def cancel(request: Request, caller: Importer, import_id: str) -> Response:
        """Stop an import; what it stored stays."""
        del caller
        await read_form(request)
        try:
            await ingest.delete(_path(import_id), credential(request))
        except Problem as refused:
            # It ended meanwhile: its page says so.
            if refused.status != 409:
                raise
        return _to(import_id, request)


def _path(import_id: str) -> str:
    return f"/v1/imports/{segment(import_id)}"


def _to(import_id: str, request: Request) -> Response:
    address = f"/imports/{segment(import_id)}?lang={page_lang(request)}"
    return RedirectResponse(address, status_code=303)
