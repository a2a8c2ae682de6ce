"""The evaluator: pulls figures of units that moved, lets the life decide, commits what follows.

Owns the rounds (every few seconds, and of everything once a night because windows roll), the exact
question behind every transition, reminders, and messages that may go out again. What a step means
in the tables is in `decisions`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date

import structlog

from services.notify import outbox, rulebook, store, telling, watch
from services.notify.bell import Bell
from services.notify.decisions import carry_out
from services.notify.evaluate import statistics_json
from services.notify.evidence import Figures
from services.notify.life import OPEN_PHASES, RESTING_PHASES, Evidence, step
from services.notify.life import Step as Taken
from services.notify.places import Place, Places
from services.notify.policy import REMIND_AFTER, Step
from services.notify.rules import Rule
from services.notify.store import Instance
from services.notify.telling import Timing
from shared.clients.indicators import IndicatorsClient
from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.errors import Conflict, Transient
from shared.db.transaction import Tx
from shared.domain.days import today
from shared.domain.periods import parse_period
from shared.errors import Problem
from shared.journal.journal import append

_LOG = structlog.get_logger("rtsm.notify")
_SWEPT = "swept"
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class _Round:
    """What stays the same within a round."""

    rules: list[Rule]
    day: date
    figures: Figures

    def of_level(self, level: str) -> list[Rule]:
        return [rule for rule in self.rules if rule.level == level]


class Planner:
    """Moves alerts; one round at a time, and harmless beside another instance's."""

    def __init__(
        self,
        database: Database,
        indicators: IndicatorsClient,
        clock: Clock,
        timing: Timing,
        bell: Bell,
    ) -> None:
        """Take the service's parts; `bell` rings whenever messages may be due."""
        self._database = database
        self._indicators = indicators
        self._clock = clock
        self._timing = timing
        self._bell = bell
        self._places = Places(indicators, clock)
        self._people: tuple[date, str | None] | None = None
        self.trouble: str | None = None

    async def run(self, pause: float) -> None:
        """Evaluate until cancelled, through every outage of the database and of indicators."""
        while True:
            try:
                await self.round()
            except (Transient, OSError, Problem) as error:
                if self.trouble is None:
                    _LOG.warning("evaluation waits", error=str(error))
                self.trouble = f"evaluation waits: {error}"
            else:
                self.trouble = None
            await asyncio.sleep(pause)

    async def round(self) -> int:
        """Evaluate every unit that moved, parents first; the number of steps taken.

        Raises Problem or Transient when somebody does not answer; what was not evaluated stays
        marked.
        """
        async with self._database.reading() as tx:
            marks = await watch.dirty_units(tx)
            rules = [rule for rule in await rulebook.current_rules(tx) if rule.enabled]
            swept = await watch.fact(tx, _SWEPT)
        day = today(self._clock.now(), self._timing.zone)
        if swept != day.isoformat():
            async with self._database.transaction() as tx:
                await watch.put_fact(tx, _SWEPT, day.isoformat())
                await watch.mark_all_dirty(tx)
                marks = await watch.dirty_units(tx)
        taken = await self._evaluate(_Round(rules, day, Figures(self._indicators)), marks)
        await self._look_after(day)
        return taken

    async def _evaluate(self, this: _Round, marks: dict[str, str]) -> int:
        taken = 0
        done: list[tuple[str, str]] = []
        places: list[Place] = []
        for unit_id, mark in marks.items():
            place = await self._places.place(unit_id) if this.rules else None
            if place is None or not this.of_level(place.level):
                done.append((unit_id, mark))
            else:
                places.append(place)
        try:
            # Parents first: an alert above must be open before those below are told about.
            for place in sorted(places, key=lambda place: (len(place.path), place.unit_id)):
                settled, steps = await self._unit(this, place)
                taken += steps
                if settled:
                    done.append((place.unit_id, marks[place.unit_id]))
        finally:
            if done:
                async with self._database.transaction() as tx:
                    await watch.clear_dirty(tx, done)
        return taken

    async def _unit(self, this: _Round, place: Place) -> tuple[bool, int]:
        """Evaluate all rules of a unit: whether it may be forgotten, and the steps taken."""
        settled, steps = True, 0
        for rule in this.of_level(place.level):
            try:
                done, stepped = await self._rule(this, rule, place)
            except Problem as problem:
                if problem.retryable or problem.status >= _SERVER_ERROR:
                    raise
                # This question has no answer, today or at the next try: the others still have.
                _LOG.error(
                    "not evaluated", rule=rule.rule_id, unit=place.unit_id, code=problem.code
                )
                continue
            settled = settled and done
            steps += stepped
        return settled, steps

    async def _rule(self, this: _Round, rule: Rule, place: Place) -> tuple[bool, bool]:
        """Evaluate one rule: whether nothing more is to be seen now, and whether a step was taken.

        A step is decided on exactly the visits known at one moment, so that the same question can
        be asked again later and only corrections change its answer. That moment lies a little
        back: after a step, and when it was not reached yet, the unit is looked at once more.
        """
        async with self._database.reading() as tx:
            before = await store.instance(tx, rule.rule_id, place.unit_id)
            version = await _fired_by(tx, before)
        taken = await self._judged(this, rule, before, None, version)
        if taken.state.phase is before.state.phase:
            await self._see(before, taken)
            return True, False
        if not taken.effects:
            return await self._commit(rule, place, before, taken), False
        taken = await self._judged(this, rule, before, taken.statistics.known_at, version)
        if not taken.effects:
            return False, False
        return False, await self._commit(rule, place, before, taken)

    async def _judged(
        self,
        this: _Round,
        rule: Rule,
        before: Instance,
        known_at: int | None,
        version: int | None,
    ) -> Taken:
        """What the evidence leads to; what an alert fired on is judged by the definition of then.

        Otherwise a changed definition would look like visits that were corrected.
        """
        state = before.state
        period = parse_period(rule.window, this.day)
        since = None if state.phase in RESTING_PHASES else state.counted_from
        current = await this.figures.ask(
            rule, before.unit_id, (period.first, period.last), since=since, known_at=known_at
        )
        at_firing = None
        if state.phase in OPEN_PHASES and (known := state.known) is not None:
            at_firing = await this.figures.ask(
                rule,
                before.unit_id,
                (known.first, known.last),
                known_at=known.at,
                version=version,
            )
        now = micros(self._clock.now())
        return step(state, Evidence(current, at_firing), now, rule)

    async def _see(self, before: Instance, taken: Taken) -> None:
        if before.alert_id is not None:
            seen = statistics_json(taken.statistics, taken.judgement.probability)
            async with self._database.transaction() as tx:
                await store.see(tx, before.alert_id, seen)

    async def _commit(self, rule: Rule, place: Place, before: Instance, taken: Taken) -> bool:
        """Commit a step with its messages and events; False when the world moved meanwhile."""
        now = micros(self._clock.now())
        try:
            async with self._database.transaction() as tx:
                await tx.lock(store.DECIDING)
                current = await rulebook.current_rule(tx, rule.rule_id)
                if current is None or current.version != rule.version:
                    return False
                events = await carry_out(tx, rule, place, before, taken, now, self._timing)
                if events is None:
                    return False
                await append(tx, events)
        except Conflict:
            return False
        if taken.effects:
            _LOG.info(
                "alert",
                effect=taken.effects[0].value,
                rule=rule.rule_id,
                unit=place.unit_id,
                reason=taken.judgement.reason,
            )
        self._bell.ring()
        return True

    async def _look_after(self, day: date) -> None:
        """Remind once, tell posts that were vacant, and free messages whose blocker has ended."""
        now = micros(self._clock.now())
        async with self._database.reading() as tx:
            late = await store.unreminded(tx, now - REMIND_AFTER)
            held = await outbox.any_inhibited(tx)
            people = (day, await watch.fact(tx, watch.PEOPLE))
            vacant = await store.vacant_alerts(tx) if people != self._people else []
        if late or vacant or held:
            async with self._database.transaction() as tx:
                await tx.lock(store.DECIDING)
                for alert in late:
                    await telling.tell_more(tx, alert, Step.REMIND, now, self._timing)
                for alert in vacant:
                    posts = await outbox.vacant_posts(tx, alert.alert_id)
                    await telling.tell_fire(tx, alert, posts, now, self._timing)
                await outbox.release_inhibited(tx, self._timing.due(now), now)
            self._bell.ring()
        self._people = people

    async def check(self) -> str | None:
        """Return None when the last round went through, else what it waits for."""
        return self.trouble


async def _fired_by(tx: Tx, before: Instance) -> int | None:
    """The version of the definition that an open alert stands on; None without an alert."""
    if before.alert_id is None:
        return None
    alert = await store.alert(tx, before.alert_id)
    version = None if alert is None else alert.decided.get("definition")
    return version if isinstance(version, int) else None
