"""Long work on a deployment, for the command line: migrate, import, verify, rebuild, replay.

Each can be interrupted and given again. What is computed belongs to the services; here is only who
is called, in which order, and what a person sees meanwhile.
"""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.folder import Refused, sole_owner
from shared.clock import SystemClock, micros
from shared.journal import positions
from shared.journal.topics import PRODUCER, ensure_topics
from shared.settings import Settings

_UPLOAD_BYTES = 8 << 20
_BEGUN = re.compile(rb'\s*\{\s*"')


@asynccontextmanager
async def shown(title: str) -> AsyncIterator[Callable[[int, int], None]]:
    """A progress bar on standard error; call the value with (done, total)."""
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield tell


@asynccontextmanager
async def opened(settings: Settings, *, alone: bool = False) -> AsyncIterator[Any]:
    """The application of all services in this process, nothing consuming by itself.

    With `alone` the data folder must not be in use; raises Refused when it is.
    """
    from contextlib import ExitStack

    from services.app import create_app

    with ExitStack() as stack:
        if alone and settings.database_url is None:
            stack.enter_context(sole_owner(settings.data_dir))
        whole = settings.model_copy(
            update={"services": ["ingest", "indicators", "reports", "notify"]}
        )
        app = create_app(whole, SystemClock(), background=False)
        async with app.router.lifespan_context(app):
            yield app


async def migrate(settings: Settings) -> None:
    """Make all tables, and all topics where Kafka is set."""
    async with opened(settings):
        typer.echo("Tables are ready.")
    if settings.kafka.bootstrap:
        await ensure_topics(settings.kafka.bootstrap, list(PRODUCER), settings.kafka.partitions)
        typer.echo("Topics are ready.")


async def import_visits(
    settings: Settings, file: Path, url: str | None, key: str | None, source: str
) -> dict[str, int]:
    """Send an NDJSON file in uploads that are each far below the limit; counts by answer."""
    if url is not None:
        async with httpx.AsyncClient(base_url=url, timeout=120, trust_env=False) as client:
            return await _send(client, file, {"Authorization": f"Bearer {key or ''}"}, None)
    async with opened(settings, alone=True) as app:
        client = app.state.platform.client("ingest")
        counts = await _send(client, file, {}, source)
        await app.state.running.drain()
        return counts


async def _send(
    client: httpx.AsyncClient, file: Path, headers: dict[str, str], source: str | None
) -> dict[str, int]:
    counts = dict.fromkeys(("accepted", "replayed", "quarantined", "rejected"), 0)
    total, done = file.stat().st_size, 0  # noqa: ASYNC240 - one look at a local file
    async with shown("visits sent (bytes)") as tell:
        with file.open("rb") as lines:
            while piece := lines.readlines(_UPLOAD_BYTES):
                answer = await client.post(
                    "/v1/visits/batch",
                    content=b"".join(piece if source is None else _of(source, piece)),
                    headers={"Content-Type": "application/x-ndjson"} | headers,
                )
                if answer.status_code != 200:
                    raise Refused(f"The server answered {answer.status_code}: {answer.text[:500]}")
                summary = msgspec.json.decode(answer.content)
                for name in counts:
                    counts[name] += summary[name]
                for item in summary["results"]:
                    if "problem" in item:
                        typer.echo(msgspec.json.encode(item).decode(), err=True)
                done += sum(map(len, piece))
                tell(done, total)
    return counts


def _of(source: str, lines: list[bytes]) -> list[bytes]:
    """Lines with the source of the visits that name none; what is no visit stays as it is."""
    named = b'{"source":' + msgspec.json.encode(source) + b","
    return [
        named + line.lstrip()[1:] if b'"source"' not in line and _BEGUN.match(line) else line
        for line in lines
    ]


async def verify(settings: Settings) -> int:
    """Recompute and compare; prints each difference and returns how many there are."""
    from services.indicators import halts
    from services.indicators.definition_file import load
    from services.indicators.verify import examine

    async with opened(settings) as app, shown("schools verified") as tell:
        platform = app.state.platform
        database = platform.database("indicators")
        begun = micros(SystemClock().now())
        verdict = await examine(
            database, platform.database("ingest"), settings, tell, load(settings.definitions)
        )
        differences = verdict.differences
        # What is wrong stops the fold, wherever it runs; what is right lets it go on.
        if not differences:
            async with database.transaction() as tx:
                await halts.lift_before(tx, begun)
        elif not await halts.halt(database, verdict, micros(SystemClock().now())):
            typer.echo("All was computed anew meanwhile: verify again.", err=True)
    for difference in differences:
        typer.echo(difference)
    typer.echo(f"{len(differences)} differences" if differences else "All figures are right.")
    return len(differences)


async def rebuild(settings: Settings) -> None:
    """Compute all figures anew from ingest's journal, and switch at once."""
    from services.indicators.rebuild import rebuild as rebuilt

    async with opened(settings) as app, shown("events folded") as tell:
        platform = app.state.platform
        await rebuilt(platform.database("indicators"), platform.database("ingest"), settings, tell)
    typer.echo("All figures are computed anew.")


async def replay(settings: Settings, start: int) -> None:
    """Set the relays (or, without Kafka, the consumers) back to a journal position."""
    async with opened(settings) as app:
        for service in app.state.running.services:
            database = app.state.platform.database(service.name)
            async with database.transaction() as tx:
                if settings.kafka.bootstrap:
                    await positions.put(tx, "relay", "journal", start)
                for consumer in service.consumers if not settings.kafka.bootstrap else ():
                    await positions.put(tx, consumer.name, consumer.feed.partition, start)
    typer.echo(f"The journal will be read again from {start}.")
