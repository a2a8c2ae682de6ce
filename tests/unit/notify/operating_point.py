"""What a rule does in the long run: false alarms a year and the delay after a real drop, simulated.

Owns a simple world: schools with rates of their own around a district's true rate, a few visits a
day, six teachers a visit, and the evaluator looking every day through the real judgement and life.
Run as a program it prints the table of docs/alerts.md.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import numpy as np

from services.notify.evaluate import Statistics
from services.notify.life import Effect, Evidence, State, step
from services.notify.rules import Rule

TEACHERS = 6
SCHOOLS = 300
WORLD_ICC = 0.2
"""How alike the teachers of one school are in the simulated world."""
CARD_ICC, CARD_CV2 = 0.20, 0.30
"""The constants with which the card's interval is computed for teacher attendance."""
WINDOW = 28
RULE = Rule(
    rule_id="r",
    version=1,
    indicator="teacher_attendance",
    split=None,
    level="district",
    window="last-28-days",
    below=0.70,
    above=None,
    recover_above=0.73,
    recover_below=None,
    confidence=0.95,
    min_visits=8,
    min_schools=5,
    min_coverage=0.0,
    max_age_days=None,
    severity="warning",
    posts=("DEO",),
    enabled=True,
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One simulated visit."""

    day: int
    school: int
    present: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run of days: how often the alert fired, and on which day first."""

    fired: int
    first: int | None


def _figure(window: deque[Visit], day: int, since: int) -> Statistics:
    """The card's figure of the visits of the last 28 days; `since` is the last day already seen."""
    total, schools = TEACHERS * len(window), len({visit.school for visit in window})
    n_eff = 0.0
    if schools:
        n_eff = total / max(1.0, 1 + (total / schools * (1 + CARD_CV2) - 1) * CARD_ICC)
    last = date(2018, 1, 1) + timedelta(days=day)
    return Statistics(
        first=last - timedelta(days=WINDOW - 1),
        last=last,
        known_at=day,
        state="value" if total else "not_measured",
        numerator=sum(visit.present for visit in window),
        denominator=total,
        visits=len(window),
        schools=schools,
        n_eff=n_eff,
        interval=None,
        schools_visited=schools,
        schools_registered=SCHOOLS,
        newest=last if window else None,
        new_visits=sum(visit.day > since for visit in window),
    )


def run(rng: np.random.Generator, rates: list[float], visits_a_day: float) -> Outcome:
    """Live through days with the given true rates; nobody acts on the alerts."""
    spread = 1 / WORLD_ICC - 1
    quantile = rng.random(SCHOOLS)
    window: deque[Visit] = deque()
    state, fired, first = State(), 0, None
    own: dict[float, np.ndarray] = {}
    for day, rate in enumerate(rates):
        if rate not in own:
            draws = np.sort(rng.beta(rate * spread, (1 - rate) * spread, SCHOOLS))
            own[rate] = draws[np.argsort(np.argsort(quantile))]  # a weak school stays a weak one
        while window and window[0].day <= day - WINDOW:
            window.popleft()
        for _ in range(rng.poisson(visits_a_day)):
            school = int(rng.integers(SCHOOLS))
            present = int(rng.binomial(TEACHERS, own[rate][school]))
            window.append(Visit(day, school, present))
        since = state.counted_from if state.phase not in ("ok", "insufficient") else day
        taken = step(state, Evidence(_figure(window, day, since)), day, RULE)
        state = taken.state
        if Effect.FIRE in taken.effects:
            fired += 1
            first = day if first is None else first
    return Outcome(fired, first)


def false_alarms(rate: float, visits: int, runs: int, seed: int = 7) -> float:
    """Alerts a year in a district whose true rate never moves; `visits` in 28 days."""
    rng = np.random.default_rng(seed)
    days = 365 + WINDOW
    return sum(run(rng, [rate] * days, visits / WINDOW).fired for _ in range(runs)) / runs


def delays(before: float, after: float, visits: int, runs: int, seed: int = 7) -> list[float]:
    """Days from a drop to the alert, in runs without an alert before it; inf when none came."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(runs):
        first = run(rng, [before] * 60 + [after] * 300, visits / WINDOW).first
        if first is None or first >= 60:
            found.append(float("inf") if first is None else float(first - 60))
    return found


def main(runs: int = 300) -> None:
    """Print the table."""
    for visits in (10, 20, 60, 120):
        alarms = [false_alarms(rate, visits, runs) for rate in (0.76, 0.73, 0.70, 0.64, 0.58)]
        waits = delays(0.74, 0.62, visits, runs), delays(0.70, 0.58, visits, runs)
        cells = " | ".join(f"{each:.2f}" for each in alarms)
        middles = " | ".join(f"{median(each):.0f}" for each in waits)
        print(f"| {visits} | {cells} | {middles} |")


if __name__ == "__main__":
    main()
