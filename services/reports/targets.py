"""The targets that ingest keeps, read over HTTP and remembered by their ETag.

Owns the last book of targets of this process. Which target is in force for a figure is left to
`compare`; while ingest does not answer, the last book goes on serving.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import httpx
import msgspec
import structlog

from services.reports.figures import Target
from shared.domain.codes import canonical_unit
from shared.errors import Problem

_LOG = structlog.get_logger("rtsm.reports.targets")
_PATH = "/v1/targets"
_MOST_PAGES = 1_000

Key = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Book:
    """All targets by (canonical unit id, indicator, split), and a digest of them all."""

    version: str
    targets: Mapping[Key, Sequence[Target]]


class Targets:
    """Reads the book of targets; unchanged answers cost one conditional request."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._book: Book | None = None
        self._etag: str | None = None

    async def read(self, known_at: str | None = None) -> Book:
        """The book as it is now; the last known one while ingest is away.

        With `known_at` (RFC 3339) the book as it stood at that instant, which no other replaces.
        Raises Problem 503 when none was ever read: a card without its targets would mislead.
        """
        if known_at is not None:
            return await self._past(known_at)
        try:
            return await self._fresh()
        except (httpx.HTTPError, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            if self._book is None:
                raise _away() from error
            _LOG.warning("targets cannot be read; the last ones serve", error=repr(error))
            return self._book

    async def _past(self, known_at: str) -> Book:
        try:
            answer = await self._client.get(_PATH, params={"known_at": known_at})
            return (await self._pages(answer))[0]
        except (httpx.HTTPError, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            raise _away() from error

    async def _fresh(self) -> Book:
        asked = {"If-None-Match": self._etag} if self._etag and self._book else {}
        answer = await self._client.get(_PATH, headers=asked)
        if answer.status_code == 304 and self._book is not None:
            return self._book
        self._book, pages = await self._pages(answer)
        # Several pages have no common ETag: they are read anew each time.
        self._etag = answer.headers.get("etag") if pages == 1 else None
        return self._book

    async def _pages(self, answer: httpx.Response) -> tuple[Book, int]:
        """The book that begins with this answer, and of how many pages it is."""
        rows: list[dict[str, Any]] = []
        digest = hashlib.sha256()
        pages = 0
        while True:
            answer.raise_for_status()
            digest.update(answer.content)
            rows += msgspec.json.decode(answer.content)["targets"]
            following = answer.links.get("next", {}).get("url")
            pages += 1
            if following is None or pages >= _MOST_PAGES:
                return Book(digest.hexdigest()[:16], _by_key(rows)), pages
            answer = await self._client.get(following)


def _away() -> Problem:
    detail = "The targets cannot be read just now. Please try again."
    return Problem(503, "targets_away", detail, headers={"Retry-After": "2"})


def _by_key(rows: Sequence[Mapping[str, Any]]) -> dict[Key, list[Target]]:
    book: dict[Key, list[Target]] = {}
    for row in rows:
        if row.get("target") is None:
            continue
        target = Target(
            indicator=str(row["indicator"]),
            split=row.get("split") or None,
            unit_id=canonical_unit(str(row["unit_id"])),
            first=_day(row.get("from")),
            last=_day(row.get("to")),
            baseline=_share(row.get("baseline")),
            target=Fraction(str(row["target"])),
        )
        book.setdefault((target.unit_id, target.indicator, target.split), []).append(target)
    return book


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _share(number: float | None) -> Fraction | None:
    return None if number is None else Fraction(str(number))
