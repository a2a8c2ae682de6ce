"""One answer of a partner's server, cut into the texts of its rows.

Owns the cut, also of a page in which one row is nonsense: that row is kept and told alone, the
others go on. What a row is, `payloads` says.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from services.ingest.adapters.inbox import MOST_BYTES, Arrival
from services.ingest.adapters.partner_http import PartnerError
from services.ingest.adapters.payloads import Kind, read_payload
from shared.errors import Problem

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_OPENING = {b"[", b"{"}
_MOST_ROWS = 20_000


class _Kobo(msgspec.Struct):
    results: list[msgspec.Raw]
    count: int | None = None
    next: str | None = None


class _OData(msgspec.Struct):
    value: list[msgspec.Raw]
    count: int | None = msgspec.field(name="@odata.count", default=None)
    next: str | None = msgspec.field(name="@odata.nextLink", default=None)


@dataclass
class Page:
    """The rows of an answer, how many the server says there are, and where the next page is."""

    rows: list[bytes] = field(default_factory=list)
    count: int | None = None
    next: str | None = None


_DECODERS: dict[Kind, Any] = {
    "kobo": msgspec.json.Decoder(_Kobo),
    "odk": msgspec.json.Decoder(_OData),
}
_KEYS: dict[Kind, bytes] = {"kobo": b'"results"', "odk": b'"value"'}


def read_page(kind: Kind, raw: bytes) -> Page:
    """Cut an answer into rows; raises PartnerError when it is no page at all."""
    try:
        found = _DECODERS[kind].decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _read_leniently(kind, raw)
    rows = found.results if isinstance(found, _Kobo) else found.value
    if len(rows) > _MOST_ROWS:
        raise PartnerError("partner_nonsense", "The answer holds too many rows at once.", 200)
    return Page([bytes(row) for row in rows], found.count, found.next)


def arrivals(kind: Kind, page: Page) -> list[Arrival]:
    """The rows as they are stored, each with what it is or why it is nothing."""
    return [arrival(kind, row) for row in page.rows]


def arrival(kind: Kind, raw: bytes, media: str = "application/json") -> Arrival:
    """One thing that was sent, with what it is or why it is nothing."""
    if len(raw) > MOST_BYTES:
        detail = f"The submission is larger than {MOST_BYTES} bytes."
        return Arrival(raw, Problem(413, "too_large", detail), media)
    try:
        return Arrival(raw, read_payload(kind, raw, media), media)
    except Problem as problem:
        return Arrival(raw, problem, media)


def _read_leniently(kind: Kind, raw: bytes) -> Page:
    """Find the rows by their brackets alone, whatever stands inside them and however deep."""
    rows: list[bytes] = []
    depth, start, inside, last = 0, 0, False, b""
    for token in _TOKEN.finditer(raw):
        sign = token[0]
        if sign in _OPENING:
            depth += 1
            if depth == 2 and last == _KEYS[kind] and sign == b"[":
                inside = True
            elif inside and depth == 3:
                start = token.start()
        elif sign in {b"]", b"}"}:
            depth -= 1
            if inside and depth == 2:
                rows.append(raw[start : token.end()])
            elif inside and depth == 1:
                break
        if depth == 1:
            last = sign
    if not inside:
        raise PartnerError("partner_nonsense", "The answer is no page of submissions.", 200)
    return Page(rows, None, _next_link(kind, raw))


_LINKS: dict[Kind, re.Pattern[bytes]] = {
    "kobo": re.compile(rb'"next"\s*:\s*"([^"\\]{1,2000})"'),
    "odk": re.compile(rb'"@odata\.nextLink"\s*:\s*"([^"\\]{1,2000})"'),
}


def _next_link(kind: Kind, raw: bytes) -> str | None:
    found = _LINKS[kind].search(raw)
    return found[1].decode("ascii", "replace") if found else None
