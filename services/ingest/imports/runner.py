"""Jobs at work: one at a time in a deployment, chunk after chunk, going on where one was killed.

Owns claiming, reading the stored file, the order "store the rows, then their progress", and the
fate of failures. Every chunk may be applied again without changing anything, so that a kill
between the two steps costs nothing.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from itertools import islice
from typing import IO
from zoneinfo import ZoneInfo

import structlog

from services.ingest.cleaning.faults import Fault
from services.ingest.imports import store
from services.ingest.imports.applying import Applier, Run
from services.ingest.imports.files import Numbered, Table, read_table
from services.ingest.imports.refusal import NOTED, FileRefused, Loss
from services.ingest.imports.rows import Plan, Ready
from services.ingest.imports.store import Job, Step
from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.errors import Conflict, Transient
from shared.db.postgres import PostgresDatabase
from shared.errors import Problem

_LOG = structlog.get_logger("rtsm.imports")
_IDLE_SECONDS = 2.0
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)
_ALL = 1_000_001
_BREATH = 16


class Runner:
    """Works on the jobs that wait."""

    def __init__(
        self, database: Database, clock: Clock, zone: ZoneInfo, appliers: Mapping[str, Applier]
    ) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._appliers = appliers
        self._rung = asyncio.Event()
        self._alone = asyncio.Lock()

    def ring(self) -> None:
        """A job has come."""
        self._rung.set()

    async def run(self) -> None:
        """Work on jobs until cancelled; another process's are found within two seconds."""
        failures = 0
        while True:
            self._rung.clear()
            try:
                worked = await self.step()
                failures = 0
            except Transient as error:
                _LOG.warning("imports wait for the database", error=str(error))
                await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1
                continue
            if not worked:
                try:
                    await asyncio.wait_for(self._rung.wait(), _IDLE_SECONDS)
                except TimeoutError:
                    continue

    async def drain(self) -> int:
        """Work on all jobs that wait; how many there were."""
        done = 0
        while await self.step():
            done += 1
        return done

    async def step(self) -> bool:
        """Work on one job to its end; whether there was one. Raises Transient."""
        async with self._alone, self._claimed() as alive:
            if alive is None:
                return False
            async with self._database.reading() as tx:
                job = await store.next_job(tx)
            if job is None:
                return False
            await self._work(job, alive)
            return True

    @asynccontextmanager
    async def _claimed(self) -> AsyncIterator[Callable[[], bool] | None]:
        """Be the only process that works on jobs; None when another is."""
        if isinstance(self._database, PostgresDatabase):
            async with self._database.held("imports") as alive:
                yield alive
        else:
            yield lambda: True

    def _now(self) -> int:
        return micros(self._clock.now())

    async def _work(self, job: Job, alive: Callable[[], bool]) -> None:
        resumed = job.state == "running"
        async with self._database.transaction() as tx:
            if not await store.move(
                tx, job.import_id, ("queued", "running"), "running", self._now()
            ):
                return
        _LOG.info("import", import_id=job.import_id, kind=job.kind, resumed=resumed, done=job.done)
        try:
            with tempfile.TemporaryFile() as file:
                await self._fetch(job, file)
                charset = job.file.get("charset")
                table = await asyncio.to_thread(read_table, file, job.mapping, charset)
                with closing(table):
                    await self._rows(job, table, resumed, alive)
        except FileRefused as refused:
            await self._refuse(job, refused)
        except Transient:
            raise
        except Problem as problem:
            await self._fail(job, problem)
        except Exception as error:  # noqa: BLE001 - told, and no reason to stop other jobs
            _LOG.error("an import failed", import_id=job.import_id, exc_info=error)
            detail = "The import stopped because of a fault of ours; it has been logged."
            await self._fail(job, Problem(500, "internal", detail))

    async def _fetch(self, job: Job, file: IO[bytes]) -> None:
        async with self._database.reading() as tx:
            async for piece in store.pieces(tx, job.import_id):
                await asyncio.to_thread(file.write, piece)

    async def _rows(self, job: Job, table: Table, resumed: bool, alive: Callable[[], bool]) -> None:
        plan = Plan(job.mapping, table.columns, self._zone, job.caller.source)
        run = Run(job, plan, resumed)
        told = table.told | {"columns": len(table.columns), "columns_ignored": plan.ignored}
        async with self._database.transaction() as tx:
            await store.describe(tx, job, told, table.total)
        applier = self._appliers[job.kind]
        rows = table.rows()
        size = applier.size or _ALL
        await self._skip(rows, run, applier)
        begun = job.done or job.faults
        if not begun and not await self._advance(job, _opening(job, table, plan)):
            return
        chunk = await _taken(rows, run, size, applier)
        while chunk and alive():
            # The next rows are read and prepared while these are stored and counted.
            ahead = asyncio.create_task(_taken(rows, run, size, applier))
            try:
                step = await self._applied(applier, chunk, run)
                run.resumed = False
                if not await self._advance(job, step):
                    return
            finally:
                chunk = await ahead
        if alive():
            async with self._database.transaction() as tx:
                await store.move(tx, job.import_id, ("running",), "finished", self._now())
                if not job.dry_run:
                    await store.drop_pieces(tx, job.import_id)

    @staticmethod
    async def _skip(rows: Iterator[Numbered], run: Run, applier: Applier) -> None:
        left = run.job.done
        while left:
            chunk = await _taken(rows, run, min(left, 2_000))
            applier.seen(chunk, run)
            left -= len(chunk)

    async def _applied(self, applier: Applier, chunk: list[Ready], run: Run) -> Step:
        """Apply a chunk, again and again while the database or another service is away."""
        tries = 0
        while True:
            noted = [list(ready.losses) for ready in chunk]
            try:
                return await applier.apply(chunk, run)
            except (Transient, Conflict, Problem) as error:
                if isinstance(error, Problem) and not error.retryable:
                    raise
                if tries == len(_PAUSES):
                    raise Transient(str(error)) from error
                _LOG.info("a chunk is tried again", error=str(error))
            # Its commit may have been done all the same, and only the answer lost.
            run.resumed = True
            for ready, losses in zip(chunk, noted, strict=True):
                ready.losses = losses
            await asyncio.sleep(_PAUSES[tries])
            tries += 1

    async def _advance(self, job: Job, step: Step) -> bool:
        async with self._database.transaction() as tx:
            moved = await store.advance(tx, job, step)
            if not moved:
                await store.drop_pieces_of_ended(tx, job.import_id)
        return moved

    async def _refuse(self, job: Job, refused: FileRefused) -> None:
        loss = refused.loss
        async with self._database.transaction() as tx:
            await store.advance(tx, job, Step(losses=[loss]))
        where = f" (row {loss.row})" if loss.row else ""
        problem = Problem(422, loss.fault.code, f"{loss.fault.detail}{where} {loss.fault.fix}")
        await self._fail(job, problem)

    async def _fail(self, job: Job, problem: Problem) -> None:
        async with self._database.transaction() as tx:
            await store.fail(tx, job, problem.document(), self._now())
            await store.drop_pieces(tx, job.import_id)


async def _taken(
    rows: Iterator[Numbered], run: Run, size: int, applier: Applier | None = None
) -> list[Ready]:
    """The next rows as records, prepared by an applier.

    Others have their turn now and then. A thread beside the event loop would fight with it for the
    interpreter, and measured no faster.
    """
    chunk = []
    for count, (number, cells) in enumerate(islice(rows, size), 1):
        ready = run.plan.record(number, cells)
        if applier is not None:
            applier.prepare(ready, run)
        chunk.append(ready)
        if count % _BREATH == 0:
            await asyncio.sleep(0)
    return chunk


def _opening(job: Job, table: Table, plan: Plan) -> Step:
    """What is told before the first row: guesses, and columns that nothing is taken from."""
    step = Step()
    if table.told.get("encoding_guessed"):
        detail = f"The encoding was taken for {table.told['encoding']}."
        fix = "Look at the names; declare the encoding in a mapping if they are wrong."
        step.losses.append(Loss(1, None, Fault("encoding_guessed", detail, fix), NOTED))
    detail = "Nothing is taken from this column."
    fix = "Map it to a field if it is needed."
    step.losses += [
        Loss(job.mapping.header_row, name, Fault("column_ignored", detail, fix), NOTED)
        for name in plan.ignored
    ]
    return step
