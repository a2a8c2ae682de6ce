"""Asks indicators for the figure a rule is about, over explicit days.

Owns the question and the reading of the answer. One answer holds all indicators, so rules about the
same unit and window share it within a round.
"""

from __future__ import annotations

import math
from datetime import date, datetime

from services.notify.evaluate import Statistics
from services.notify.rules import Rule
from shared.clients.figure_answers import Figure, FiguresAnswer, Indicator
from shared.clients.indicators import IndicatorsClient
from shared.clock import micros, rfc3339


class Figures:
    """Figures of one round: equal questions are asked once."""

    def __init__(self, indicators: IndicatorsClient) -> None:
        self._indicators = indicators
        self._answers: dict[tuple[object, ...], FiguresAnswer] = {}
        self._catalogue: dict[str, Indicator] | None = None

    async def ask(
        self,
        rule: Rule,
        unit_id: str,
        days: tuple[date, date],
        *,
        since: int | None = None,
        known_at: int | None = None,
        version: int | None = None,
    ) -> Statistics:
        """Return the rule's figure of a unit over days (both included).

        `version` is the definition wanted, where it is still given; the one in force otherwise.
        `since` (µs) counts as new the visits received after it; `known_at` (µs) leaves out visits
        received later, keeping the others in their present revisions. Raises Problem.
        """
        confidence = round(2 * rule.confidence - 1, 6)
        definition = await self._definition(rule.indicator)
        named, kind = _beyond(definition, rule.split)
        if definition and version in definition["versions"] and version != definition["definition"]:
            named = f"{rule.indicator}:{version}"
        key = (unit_id, days, confidence, since, known_at, named, kind)
        answer = self._answers.get(key)
        if answer is None:
            answer = await self._indicators.figures(
                unit_id,
                f"{days[0].isoformat()}..{days[1].isoformat()}",
                confidence=confidence,
                since=None if since is None else rfc3339(since),
                received_until=None if known_at is None else rfc3339(known_at),
                indicators=named,
                split_by=kind,
            )
            self._answers[key] = answer
        return read(answer, rule, days, known_at, definition)

    async def _definition(self, code: str) -> Indicator | None:
        """An indicator as it is in force; asked once a round, for texts name it as it is now."""
        if self._catalogue is None:
            answer = await self._indicators.catalogue()
            self._catalogue = {row["code"]: row for row in answer["indicators"]}
        return self._catalogue.get(code)


def _beyond(definition: Indicator | None, split: str | None) -> tuple[str | None, str | None]:
    """What must be asked for by name: the indicator and the kind of parts, None where it need not.

    Every answer holds the indicators that are always shown, with the splits that are stored.
    """
    if definition is None:
        return None, None
    kind = (split or "").partition(":")[0]
    if kind and kind in definition["by"]:
        return definition["code"], kind
    return (definition["code"] if definition["shown"] == "asked" else None), None


def read(
    answer: FiguresAnswer,
    rule: Rule,
    days: tuple[date, date],
    known_at: int | None,
    definition: Indicator | None = None,
) -> Statistics:
    """Return the statistic of a rule's indicator and split in an answer of figures."""
    figure = next(
        (
            found
            for found in answer["figures"]
            if found["indicator"] == rule.indicator and found["split"] == rule.split
        ),
        None,
    )
    as_of = micros(datetime.fromisoformat(answer["as_of"]))
    newest = answer.get("newest_visit")
    return Statistics(
        first=days[0],
        last=days[1],
        known_at=as_of if known_at is None else known_at,
        state="not_measured" if figure is None else figure["state"],
        numerator=0 if figure is None else figure["numerator"],
        denominator=0 if figure is None else figure["denominator"] or 0,
        visits=0 if figure is None else figure["visits"],
        schools=0 if figure is None else figure["schools"],
        n_eff=_effective(figure),
        interval=_interval(figure),
        schools_visited=answer["schools_visited"],
        schools_registered=answer["schools_registered"],
        newest=None if newest is None else date.fromisoformat(newest),
        new_visits=0 if figure is None else figure.get("new_visits", 0),
        definition=None if figure is None else figure["definition"],
        names=None if definition is None else _names(definition),
    )


def _names(definition: Indicator) -> dict[str, str]:
    """What an indicator is called in texts: its short names, its labels where it has none."""
    return {**definition["labels"], **definition["short"]}


def _effective(figure: Figure | None) -> float:
    """Return the effective sample size: infinite when every school answered, 0 without a value."""
    if figure is None or figure["state"] != "value":
        return 0.0
    return math.inf if figure["n_eff"] is None else figure["n_eff"]


def _interval(figure: Figure | None) -> tuple[float, float] | None:
    ends = None if figure is None else figure["interval"]
    return None if ends is None else (ends[0], ends[1])
