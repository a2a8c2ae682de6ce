"""A card as a JSON document: the figures answer with the comparisons beside each figure (pure)."""

import json
from typing import Any

from services.reports.card import Card, Child, Line
from services.reports.figures import Figure, FigureSet, Place
from services.reports.numbers import rounded, six


def card_bytes(card: Card, lang: str) -> bytes:
    """The card as UTF-8 JSON, its labels in one language."""
    document = card_document(card, lang)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def card_document(card: Card, lang: str) -> dict[str, Any]:
    """The card as plain values; names and meaning as in the API guide."""
    return {
        **_head(card.own),
        "lang": lang,
        "chain": [_place(place) for place in card.chain],
        "previous_period": card.previous.period if card.previous else None,
        "year_ago_period": card.year_ago.period if card.year_ago else None,
        "not_by_school": _too_many(card),
        "figures": [{**_line(line), **_labels(line, lang)} for line in card.lines],
        "children": [_child(child) for child in card.children],
    }


def _too_many(card: Card) -> dict[str, Any] | None:
    """Why no change is in parts, in the words of the figures' answers."""
    why = card.too_many
    if why is None:
        return None
    detail = (
        f"The two periods have {why.visits} visits together; a card splits changes by school up "
        f"to {why.most}."
    )
    numbers = {"visits": why.visits, "most_visits": why.most}
    return {"code": "too_many_visits", **numbers, "detail": detail}


def _place(place: Place) -> dict[str, Any]:
    return {
        "unit_id": place.unit_id,
        "name": place.name,
        "names": place.names,
        "level": place.level,
        "parent_id": place.parent_id,
    }


def _head(own: FigureSet) -> dict[str, Any]:
    return {
        "unit": own.place.unit_id,
        "name": own.place.name,
        "names": own.place.names,
        "level": own.place.level,
        "period": own.period,
        "first": own.first.isoformat(),
        "last": own.last.isoformat(),
        "state_on": own.state_on.isoformat(),
        "view": own.view,
        "known_at": own.known_at,
        "seal": own.seal,
        "resemblance": own.resemblance,
        "as_of": own.as_of,
        "lag_seconds": own.lag_seconds,
        "version": own.version,
        "visits": own.visits,
        "schools_visited": own.schools_visited,
        "schools_registered": own.schools_registered,
        "coverage": own.coverage,
        "newest_visit": own.newest_visit.isoformat() if own.newest_visit else None,
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "indicator": figure.indicator,
        "split": figure.split,
        "value": six(figure.share),
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "visits": figure.visits,
        "schools": figure.schools,
        "interval": list(figure.interval) if figure.interval else None,
        "n_eff": figure.n_eff,
        "state": figure.state,
        "reliable": figure.reliable,
        "definition": figure.definition,
    }


def _labels(line: Line, lang: str) -> dict[str, str | None]:
    split = line.figure.split
    return {
        "label": line.indicator.called(lang),
        "split_label": None if split is None else line.indicator.split_called(split, lang),
    }


def _line(line: Line) -> dict[str, Any]:
    target, rank, moved, spread = line.target, line.rank, line.moved, line.siblings
    return {
        **_figure(line.figure),
        "parent_value": six(line.parent.share) if line.parent else None,
        "previous_value": six(line.previous.share) if line.previous else None,
        "change": _moved(line.figure, line.previous),
        "change_clear": line.change_clear,
        "same_schools": six(moved.same) if moved else None,
        "composition": six(moved.composition) if moved else None,
        "schools_in_both": moved.schools if moved else None,
        "year_ago_value": six(line.year_ago.share) if line.year_ago else None,
        "year_ago_change": _moved(line.figure, line.year_ago),
        "year_ago_clear": line.year_clear,
        "target": six(target.target) if target else None,
        "baseline": six(target.baseline) if target else None,
        "expected": six(line.expected),
        "distance_to_target": six(line.to_target),
        "distance_to_path": six(line.to_path),
        "target_unit_id": target.unit_id if target else None,
        "status": line.status,
        "grade": line.grade,
        "rank": (
            {"position": rank.position, "of": rank.of, "low": rank.low, "high": rank.high}
            if rank
            else None
        ),
        "siblings": (
            {
                "lowest": six(spread.lowest),
                "middle": six(spread.middle),
                "highest": six(spread.highest),
            }
            if spread
            else None
        ),
        "trend": [
            {"period": point.period, "value": point.value, "visits": point.visits}
            for point in line.trend
        ],
    }


def _moved(now: Figure, before: Figure | None) -> float | None:
    """The value now less the value before, both as they are printed: parts add up to it exactly."""
    if before is None or now.share is None or before.share is None:
        return None
    return six(rounded(now.share, 6) - rounded(before.share, 6))


def _child(child: Child) -> dict[str, Any]:
    own = child.figures
    return {
        **_place(own.place),
        "visits": own.visits,
        "schools_visited": own.schools_visited,
        "schools_registered": own.schools_registered,
        "coverage": own.coverage,
        "figures": [
            {**_figure(figure), "status": child.statuses.get(figure.indicator)}
            for figure in own.figures.values()
            if figure.split is None
        ],
    }
