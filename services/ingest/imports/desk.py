"""What callers do with imports: start one, look, read its report, cancel; keep mappings.

Owns who may do what to which job: a key sees the jobs of its source, an admin all of them.
"""

from typing import Any
from uuid import uuid4

from services.ingest.imports import store
from services.ingest.imports.mappings import Mapping, check
from services.ingest.imports.runner import Runner
from services.ingest.imports.store import Job
from services.ingest.imports.uploads import Measured, Upload, whole_pieces
from shared.access import Principal
from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.errors import Problem, invalid, not_found

SCOPES = {
    "visits": "visits:write",
    "schools": "registry:write",
    "units": "registry:write",
    "officers": "officers:write",
    "targets": "targets:write",
}
_KEPT_MICROS = 24 * 3600 * 1_000_000
_MOST_WAITING = 100
Record = dict[str, Any]


class Desk:
    """Takes imports in and tells about them."""

    def __init__(self, database: Database, clock: Clock, runner: Runner) -> None:
        self._database = database
        self._clock = clock
        self._runner = runner

    def _now(self) -> int:
        return micros(self._clock.now())

    async def start(
        self, upload: Upload, caller: Principal, kind: str, mapping_name: str | None, dry_run: bool
    ) -> Job:
        """Keep a file and queue its job; raises Problem when it may not be, or is cut off."""
        caller.need(SCOPES[kind])
        now = self._now()
        mapping = await self._mapping(caller, kind, mapping_name)
        told: Record = {"name": upload.name, "charset": upload.charset}
        job = Job(
            str(uuid4()), kind, "uploading", dry_run, caller.source, caller, mapping_name, mapping,
            {key: value for key, value in told.items() if value}, "", 0, None, 0, 0, 0, 0, 0, 0,
            0, None, now, None, None,
        )  # fmt: skip
        async with self._database.transaction() as tx:
            await store.drop_stale(tx, now - _KEPT_MICROS)
            if await store.waiting(tx, caller.source) >= _MOST_WAITING:
                detail = f"{_MOST_WAITING} imports of yours are waiting already."
                raise Problem(429, "too_many_imports", detail, headers={"Retry-After": "60"})
            await store.create(tx, job)
        try:
            await self._keep(job, upload)
        except BaseException:
            async with self._database.transaction() as tx:
                await store.forget(tx, job.import_id)
            raise
        self._runner.ring()
        return job

    async def _keep(self, job: Job, upload: Upload) -> None:
        measured, number = Measured(), 0
        async for piece in whole_pieces(upload, measured):
            async with self._database.transaction() as tx:
                await store.put_piece(tx, job.import_id, number, piece)
            number += 1
        if not measured.size:
            raise Problem(422, "empty_file", "The file is empty.")
        job.digest, job.bytes, job.state = measured.digest, measured.size, "queued"
        async with self._database.transaction() as tx:
            await store.queue(tx, job)

    async def _mapping(self, caller: Principal, kind: str, name: str | None) -> Mapping:
        if name is None:
            return Mapping(kind=kind)  # type: ignore[arg-type]
        async with self._database.reading() as tx:
            found = await store.mapping_named(tx, caller.source, name)
        if found is None:
            raise invalid("/query/mapping", "unknown_mapping", "There is no mapping of this name.")
        if found[0].kind != kind:
            detail = f"The mapping is one of {found[0].kind}."
            raise invalid("/query/mapping", "other_kind", detail)
        return found[0]

    async def again(self, caller: Principal, import_id: str) -> Job:
        """Import in earnest the very file of a dry run; raises Problem 404 or 409."""
        tried = await self.one(caller, import_id)
        caller.need(SCOPES[tried.kind])
        if not tried.dry_run or tried.state != "finished":
            detail = "Only the file of a finished dry run can be imported again."
            raise Problem(409, "no_dry_run", detail)
        job = Job(
            str(uuid4()), tried.kind, "queued", False, tried.source, caller, tried.mapping_name,
            tried.mapping, {k: v for k, v in tried.file.items() if k in {"name", "charset"}},
            tried.digest, tried.bytes, None, 0, 0, 0, 0, 0, 0, 0, None, self._now(), None, None,
        )  # fmt: skip
        async with self._database.transaction() as tx:
            await store.create(tx, job)
            if not await store.copy_pieces(tx, tried.import_id, job.import_id):
                raise Problem(409, "file_gone", "The file is kept for a day; send it again.")
        self._runner.ring()
        return job

    async def one(self, caller: Principal, import_id: str) -> Job:
        """A job that the caller may see; raises Problem 404."""
        async with self._database.reading() as tx:
            job = await store.one(tx, import_id)
        if job is None or not (caller.has("admin") or job.source == caller.source):
            raise not_found("import")
        return job

    async def listed(self, caller: Principal, before: tuple[int, str], limit: int) -> list[Job]:
        """The caller's jobs, newest first."""
        source = None if caller.has("admin") else caller.source
        async with self._database.reading() as tx:
            return await store.listed(tx, source, before, limit)

    async def report(self, import_id: str, after: int, limit: int) -> list[Any]:
        """Lines of a job's loss report; the caller was let in by `one`."""
        async with self._database.reading() as tx:
            return await store.faults(tx, import_id, after, limit)

    async def cancel(self, caller: Principal, import_id: str) -> Job:
        """Stop a job; what it has stored stays. Raises Problem 404, or 409 when it has ended."""
        job = await self.one(caller, import_id)
        async with self._database.transaction() as tx:
            queued = await store.move(tx, import_id, ("queued",), "cancelled", self._now())
            stopped = queued or await store.move(
                tx, import_id, ("running",), "cancelled", self._now()
            )
            if queued:
                await store.drop_pieces(tx, import_id)
        if not stopped and job.state != "cancelled":
            raise Problem(409, "import_ended", "The import has ended; what it stored stays.")
        return await self.one(caller, import_id)

    async def put_mapping(self, caller: Principal, name: str, mapping: Mapping) -> Record:
        """Keep a mapping for the caller's source; raises Problem 422."""
        check(mapping)
        now = self._now()
        async with self._database.transaction() as tx:
            await store.put_mapping(tx, caller.source, name, mapping, now, caller.key_id)
        return store.mapping_document(name, mapping, now)

    async def mapping(self, caller: Principal, name: str) -> Record:
        """A mapping of the caller's source; raises Problem 404."""
        async with self._database.reading() as tx:
            found = await store.mapping_named(tx, caller.source, name)
        if found is None:
            raise not_found("mapping")
        return store.mapping_document(name, *found)

    async def mappings(self, caller: Principal) -> list[Record]:
        """All mappings of the caller's source."""
        async with self._database.reading() as tx:
            found = await store.mappings(tx, caller.source)
        return [store.mapping_document(name, mapping, at) for name, mapping, at in found]
