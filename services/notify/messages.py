"""Texts that people read: one SMS that fits, a mail's subject and body, in English and Urdu.

Owns how an alert is put into words and numbers; the vocabulary is in `words`, the counting of
segments in `segments`, the mail's headers in `channels.email`. Pure: the same items give the same
text, so a text can be made again for every attempt.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from services.notify import words
from services.notify.segments import clean, fits, graphemes, plain, shorten

_MOST_DECIMALS = 3
_SHORTEST_NAME = 6


@dataclass(frozen=True, slots=True)
class Item:
    """One alert as it is told: codes, names, integers and the exact limit (as a fraction's text).

    `now` is the figure (numerator, denominator) at the end of an alert, None while it is open;
    `names` are the indicator's by language, None where none were kept.
    """

    alert_id: str
    code: str
    unit_id: str
    name: str
    urdu_name: str | None
    indicator: str
    split: str | None
    numerator: int
    denominator: int
    limit: str
    below: bool
    visits: int
    schools: int
    first_day: str
    last_day: str
    probability: float | None
    since: str
    severity_rank: int
    now: tuple[int, int] | None = None
    open_days: int = 0
    names: dict[str, str] | None = None

    @property
    def shortfall(self) -> Fraction:
        """How far the figure is beyond its limit."""
        return abs(Fraction(self.limit) - Fraction(self.numerator, self.denominator or 1))


def item_json(item: Item) -> dict[str, Any]:
    """Return an item as JSON values."""
    return asdict(item)


def item_from_json(body: Mapping[str, Any]) -> Item:
    """Return the item that `item_json` wrote."""
    now = body.get("now")
    return Item(**{**body, "now": None if now is None else (int(now[0]), int(now[1]))})


def _rounded(value: Fraction, decimals: int) -> Fraction:
    """Round a percentage half up to a number of decimals."""
    scale = 10**decimals
    scaled = value * scale
    return Fraction((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator), scale)


def _written(value: Fraction, decimals: int) -> str:
    return f"{float(value):.{decimals}f}%"


def percent(value: Fraction, limit: Fraction | None = None) -> str:
    """Return a share as a percentage, rounded half up to whole numbers.

    Decimals are added only while rounding would put the figure on, or beyond, the wrong side of
    `limit`; when even three would, the comparison itself is printed.
    """
    hundredfold = value * 100
    if limit is None or value == limit:
        return _written(_rounded(hundredfold, 0), 0)
    for decimals in range(_MOST_DECIMALS + 1):
        shown = _rounded(hundredfold, decimals)
        edge = limit * 100
        if (shown < edge) == (value < limit) and shown != edge:
            return _written(shown, decimals)
    return ("<" if value < limit else ">") + limit_percent(limit)


def limit_percent(limit: Fraction) -> str:
    """Return a limit as a percentage with exactly the decimals it has (at most three)."""
    for decimals in range(_MOST_DECIMALS + 1):
        shown = _rounded(limit * 100, decimals)
        if shown == limit * 100:
            return _written(shown, decimals)
    return _written(_rounded(limit * 100, _MOST_DECIMALS), _MOST_DECIMALS)


def _share(pair: tuple[int, int], limit: Fraction) -> str:
    return percent(Fraction(pair[0], pair[1]), limit) if pair[1] > 0 else "-"


def _day(iso: str, language: str) -> str:
    day = date.fromisoformat(iso)
    return f"{day.day} {words.MONTHS[language][day.month - 1]}"


def _duration(days: int, language: str) -> str:
    label = words.LABELS[language]
    if days < 1:
        return label["today"]
    return label["one_day"] if days == 1 else label["duration"].format(days=days)


def _indicator(item: Item, language: str) -> str:
    # An alert of a time when names were not kept with it has those of the circular's indicators.
    names = item.names or words.INDICATORS.get(item.indicator) or {}
    name = clean(names.get(language) or names.get("en") or item.indicator.replace("_", " "))
    if item.split is None:
        return name
    word = item.split.partition(":")[2] or item.split
    split = words.SPLITS.get(word, {}).get(language) or clean(word.replace("_", " "))
    return f"{name} ({split})"


def unit_name(item: Item, language: str) -> str:
    """Return the unit's cleaned name in the language, else its name as registered, else its id."""
    chosen = (item.urdu_name if language == "ur" else None) or item.name
    return clean(chosen) or clean(item.unit_id)


def _facts(item: Item, language: str) -> dict[str, str]:
    limit = Fraction(item.limit)
    return {
        "code": item.code,
        "indicator": _indicator(item, language),
        "value": _share((item.numerator, item.denominator), limit),
        "now": "-" if item.now is None else _share(item.now, limit),
        "limit": limit_percent(limit),
        "visits": str(item.visits),
        "schools": str(item.schools),
        "days": f"{_day(item.first_day, language)} - {_day(item.last_day, language)}",
        "since": _day(item.since, language),
        "duration": _duration(item.open_days, language),
    }


def worst_first(items: Sequence[Item]) -> list[Item]:
    """Return the items in the order of their weight: severity, then distance from the limit."""
    return sorted(items, key=lambda item: (-item.severity_rank, -item.shortfall, item.code))


def _more(others: Sequence[Item], language: str, codes: int) -> str:
    if not others:
        return ""
    text = words.MORE[language].format(count=len(others))
    shown = " ".join(item.code for item in others[:codes])
    return f"{text}: {shown}" if shown else text


def sms(step: str, items: Sequence[Item], language: str) -> str:
    """Return one SMS about all the items: the worst in words, the others as "+N more".

    The richest wording that fits one segment is taken, then as many codes of the others as still
    fit; the last resort is to shorten the unit's name. Never more than one segment.
    """
    worst, *others = worst_first(items)
    facts = _facts(worst, language)
    name = unit_name(worst, language)
    if language == "en":
        name, facts = plain(name), {key: plain(value) for key, value in facts.items()}
    for pattern in words.SMS[language][step]:
        text = pattern.format(unit=name, **facts)
        if fits(text + _more(others, language, 0)):
            return _with_codes(text, others, language)
    return _shortened(words.SMS[language][step][-1], name, facts, _more(others, language, 0))


def _with_codes(text: str, others: Sequence[Item], language: str) -> str:
    """Add "+N more" and as many codes of the others as one SMS still holds."""
    best = text + _more(others, language, 0)
    for codes in range(1, len(others) + 1):
        whole = text + _more(others, language, codes)
        if not fits(whole):
            break
        best = whole
    return best


def _shortened(pattern: str, name: str, facts: dict[str, str], tail: str) -> str:
    """Cut the unit's name, then the indicator's, until one SMS holds it all."""
    for length in range(len(graphemes(name)), _SHORTEST_NAME - 1, -1):
        text = pattern.format(unit=shorten(name, length), **facts) + tail
        if fits(text):
            return text
    brief = shorten(name, _SHORTEST_NAME)
    indicator = facts["indicator"]
    for length in range(len(graphemes(indicator)), -1, -1):
        facts = facts | {"indicator": shorten(indicator, length)}
        text = pattern.format(unit=brief, **facts) + tail
        if fits(text):
            return text
    return f"RTSM {facts['code']}{tail}"


def subject(step: str, items: Sequence[Item], language: str) -> str:
    """Return a mail's subject on one line: the worst item and how many more."""
    worst, *others = worst_first(items)
    facts = _facts(worst, language)
    text = words.SUBJECT[language][step].format(unit=unit_name(worst, language), **facts)
    return text + _more(others, language, 0)


def _rows(item: Item, language: str) -> list[tuple[str, str]]:
    label, facts = words.LABELS[language], _facts(item, language)
    counted = label["counted"].format(numerator=item.numerator, denominator=item.denominator)
    rows = [(label["value"], f"{facts['value']} ({counted})")]
    if item.now is not None:
        rows.append((label["now"], facts["now"]))
    rows.append((label["limit"], facts["limit"]))
    evidence = label["visits"].format(visits=item.visits, schools=item.schools)
    rows.append((label["evidence"], evidence))
    rows.append((label["days"], facts["days"]))
    if item.probability is not None and item.now is None:
        rows.append((label["probability"], percent(Fraction(str(round(item.probability, 3))))))
    rows.append((label["code"], item.code))
    return rows


def mail(
    step: str, items: Sequence[Item], language: str, links: Mapping[str, Mapping[str, str]]
) -> tuple[str, str]:
    """Return the plain and the HTML body of a mail about all the items.

    `links` maps an alert id to {"ack": address, "card": address}; absent ones are left out. Every
    word from data is cleaned and, in the HTML, escaped.
    """
    opening = words.OPENING[language][step]
    plain_parts, html_parts = [opening], [f"<p>{html.escape(opening)}</p>"]
    for item in worst_first(items):
        title = f"{unit_name(item, language)}: {_indicator(item, language)}"
        rows = _rows(item, language)
        addresses = [
            (words.LABELS[language][kind], address)
            for kind, address in links.get(item.alert_id, {}).items()
        ]
        plain_parts.append(
            "\n".join([title, *(f"  {name}: {value}" for name, value in [*rows, *addresses])])
        )
        html_parts.append(_html_item(title, rows, addresses))
    direction = "rtl" if language == "ur" else "ltr"
    body = "".join(html_parts)
    page = f'<!doctype html><html lang="{language}" dir="{direction}"><body>{body}</body></html>'
    return "\n\n".join(plain_parts) + "\n", page


def _html_item(
    title: str, rows: Sequence[tuple[str, str]], addresses: Sequence[tuple[str, str]]
) -> str:
    cells = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
        for name, value in rows
    )
    anchors = "".join(
        f'<p><a href="{html.escape(address, quote=True)}">{html.escape(name)}</a></p>'
        for name, address in addresses
    )
    return f"<h2>{html.escape(title)}</h2><table>{cells}</table>{anchors}"
