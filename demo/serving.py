"""`rtsm demo`: load the circular's history once, then serve it on a clock of June 2019.

Loading runs in a process of its own, so that what the generator needs is given back; it goes on
where it stopped when it was interrupted.
"""

import asyncio
import json
import os
import sys
from datetime import datetime
from pathlib import Path

import httpx
import typer

from demo.load import DEMO_START, load
from services.app import create_app
from services.folder import Refused, sole_owner
from services.operations import shown
from services.serving import serve_app
from shared.clock import OffsetClock, SetClock, SystemClock
from shared.logs import configure_logs
from shared.settings import Notify, Settings, load_settings

PERIOD = "2018-01..2019-05"
NOTICE = (
    "Demonstration with made-up visits that add up to the circular's figures. "
    "The clock of this page started on 3 June 2019."
)
NOTICE_UR = (
    "یہ ایک نمونہ ہے: دورے فرضی ہیں اور سرکلر کے اعداد کے برابر جمع ہوتے ہیں۔ "
    "اس صفحے کی گھڑی 3 جون 2019 سے چلی ہے۔"
)
_DONE = "demo-loaded.json"


def demo_settings(settings: Settings, *, sending: bool) -> Settings:
    """The settings of the demonstration: public, explained on every page, in its own folder."""
    given = settings.model_fields_set
    return settings.model_copy(
        update={
            "data_dir": settings.data_dir if "data_dir" in given else Path("data/demo"),
            "public_read": True,
            "default_period": settings.default_period or PERIOD,
            "demo_notice": NOTICE,
            "demo_notice_ur": NOTICE_UR,
            "notify": Notify(**(settings.notify.model_dump() | {"sending": sending})),
        }
    )


async def serve_demo(settings: Settings) -> int:
    """Load what is missing, then serve until told to stop; the exit status of serving."""
    settings = demo_settings(settings, sending=True)
    # The console is where messages go here: it need not tell each step towards them as well.
    configure_logs("WARNING" if settings.log_level == "INFO" else settings.log_level)
    if not settings.embedded:
        raise Refused("The demo runs embedded: unset RTSM_DATABASE_URL and RTSM_KAFKA__BOOTSTRAP.")
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (settings.data_dir / _DONE).exists():
        typer.echo("Loading 57,158 visits of 2018 and 2019; about two minutes, once.")
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "demo.serving", str(settings.data_dir), env=os.environ
        )
        try:
            status = await child.wait()
        except asyncio.CancelledError:
            child.terminate()
            await child.wait()
            raise
        if status:
            raise Refused("Loading did not finish; the same command goes on where it stopped.")
    return await serve_app(settings, OffsetClock(DEMO_START, SystemClock()))


async def load_history(settings: Settings) -> None:
    """Send register, visits, corrections and targets through the public API, in their own time."""
    clock = SetClock(datetime.fromisoformat("2018-01-01T08:00:00+05:00"))
    app = create_app(demo_settings(settings, sending=False), clock, background=False)
    running = app.state.running
    with sole_owner(settings.data_dir):
        async with app.router.lifespan_context(app):
            key = await app.state.platform.access.service_key()
            transport = httpx.ASGITransport(app=app)
            async with (
                httpx.AsyncClient(
                    transport=transport,
                    base_url="http://rtsm.internal",
                    headers={"Authorization": f"Bearer {key}"},
                    timeout=600,
                ) as client,
                shown("operations sent") as tell,
            ):
                await load(client, clock, tell, settings.data_dir / "demo-progress.json")
            async with shown("figures") as tell:
                await _drained(running, tell)
    (settings.data_dir / _DONE).write_text(json.dumps({"start": DEMO_START.isoformat()}))


async def _drained(running, tell) -> None:  # type: ignore[no-untyped-def]
    consumers = [consumer for service in running.services for consumer in service.consumers]
    done = 0
    while counts := [c for consumer in consumers if (c := await consumer.step(0.0)) is not None]:
        done += sum(counts)
        waiting = sum([await consumer.feed.lag() or 0 for consumer in consumers])
        tell(done, done + waiting)
    # What is left waits for nobody: records that no consumer here folds.
    tell(done, done)


if __name__ == "__main__":
    asyncio.run(load_history(load_settings(data_dir=sys.argv[1])))
