"""What the notify service is made of: routes, tables, a consumer, the evaluator, the senders."""

from __future__ import annotations

import sys
from functools import partial

from services.notify import sign_in, watch
from services.notify.bell import Bell
from services.notify.channels.registry import build_channels
from services.notify.desk import Desk
from services.notify.drafts import Drafts
from services.notify.event_schemas import events
from services.notify.links import Links
from services.notify.places import Places
from services.notify.planner import Planner
from services.notify.policy import SECOND, parse_quiet_hours
from services.notify.routes import Parts, router
from services.notify.sender import Sender
from services.notify.tables import NotifyTable
from services.notify.telling import Timing
from shared.clients.indicators import IndicatorsClient
from shared.platform import Platform
from shared.service import Check, Service, Task
from shared.settings import Settings, SettingsError

_SENDERS_EACH = 2
"""Senders for each kind of address: one slow hand-over does not hold up all others."""


def build(platform: Platform) -> Service:
    """Return the service; raises SettingsError for senseless quiet hours."""
    settings, clock = platform.settings, platform.clock
    database = platform.database("notify", NotifyTable.metadata)
    indicators = IndicatorsClient(platform.client("indicators"))
    timing, bell = timing_of(settings), Bell()
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    links = Links(base)
    drafts = Drafts(links, settings.zone)
    planner = Planner(database, indicators, clock, timing, bell)
    channels = build_channels(settings, sys.stdout)
    senders = [
        Sender(kind, channel, database, drafts, clock, timing, bell)
        for kind, channel in channels.items()
        for _ in range(_SENDERS_EACH)
    ]
    places = Places(indicators, clock)
    desk = Desk(database, clock, timing, bell)
    routes = router(Parts(desk, links, places, indicators, settings.zone))
    signing = sign_in.SignIn(
        database, platform.access, channels["email"], clock, settings.zone, base
    )
    routes.routes.extend(sign_in.router(signing).routes)

    async def take_secret() -> None:
        links.use(await platform.access.secret("acknowledge"))

    tasks: list[Task] = [signing.run]
    checks: dict[str, Check] = {}
    if settings.notify.sending:
        tasks += [partial(planner.run, settings.notify.evaluate_seconds), *(s.run for s in senders)]
        checks = {kind: channel.check for kind, channel in channels.items()}
        checks["evaluation"] = planner.check
    return Service(
        name="notify",
        router=routes,
        tables=NotifyTable.metadata,
        consumers=[
            platform.consumer("notify-figures", [watch.TOPIC], database, watch.note_figures)
        ],
        tasks=tasks,
        on_start=[take_secret],
        drains=[signing.follow],
        checks=checks,
        events=events(),
    )


def timing_of(settings: Settings) -> Timing:
    """Return when people may be told; raises SettingsError."""
    try:
        quiet = parse_quiet_hours(settings.notify.quiet_hours)
    except ValueError as error:
        raise SettingsError(f"RTSM_NOTIFY__QUIET_HOURS: {error}") from error
    return Timing(quiet, int(settings.notify.flush_seconds * SECOND), settings.zone)
