"""When school years begin, read from ingest's calendar and remembered by its ETag.

Owns the last answer of this process: while ingest does not answer, it goes on serving. What the
beginning of a school year means is `shared.domain.school_years`'.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import httpx
import msgspec
import structlog

from shared.clock import micros
from shared.domain.periods import names_school_year
from shared.domain.school_years import SchoolYears
from shared.errors import Problem

_LOG = structlog.get_logger("rtsm.calendar")
_PATH = "/v1/calendar/versions"
Version = Mapping[str, Any]


class CalendarClient:
    """Reads the versions of the calendar; unchanged ones cost one conditional request."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._versions: Sequence[Version] | None = None
        self._etag: str | None = None

    async def years_for(
        self, periods: Iterable[str | None], known_at: int | None = None
    ) -> SchoolYears | None:
        """The school years, if any of these periods is written as one; else None, unasked.

        None as well when no calendar names a school year. `known_at` (microseconds) leaves out
        what was recorded later. Raises Problem 503 when the calendar was never read and cannot be.
        """
        if not any(text is not None and names_school_year(text) for text in periods):
            return None
        return school_years(await self._read(), known_at)

    async def _read(self) -> Sequence[Version]:
        try:
            return await self._fresh()
        except (httpx.HTTPError, msgspec.DecodeError, KeyError, TypeError) as error:
            if self._versions is None:
                detail = "The calendar cannot be read just now. Please try again."
                retry = {"Retry-After": "2"}
                raise Problem(503, "calendar_away", detail, headers=retry) from error
            _LOG.warning("the calendar cannot be read; the last one serves", error=repr(error))
            return self._versions

    async def _fresh(self) -> Sequence[Version]:
        held = self._versions
        asked = {"If-None-Match": self._etag} if self._etag and held is not None else {}
        answer = await self._client.get(_PATH, headers=asked)
        if answer.status_code == httpx.codes.NOT_MODIFIED and held is not None:
            return held
        answer.raise_for_status()
        versions: list[Version] = msgspec.json.decode(answer.content)["versions"]
        self._versions, self._etag = versions, answer.headers.get("etag")
        return versions


def school_years(versions: Iterable[Version], known_at: int | None = None) -> SchoolYears | None:
    """The school years of a list of calendar versions; of equal first days the last one holds.

    A later calendar that names no school year leaves the one before in force.
    """
    starts: dict[date, tuple[int, int]] = {}
    for version in versions:
        if known_at is not None and _later(version["recorded_at"], known_at):
            continue
        first, year = date.fromisoformat(version["valid_from"]), version["school_year"]
        starts.pop(first, None)
        if year is not None:
            month, day = year["starts"].split("-")
            starts[first] = (int(month), int(day))
    return SchoolYears.since(starts)


def _later(recorded: str | None, known_at: int) -> bool:
    """Whether something was recorded after an instant; the default was there from the beginning."""
    return recorded is not None and micros(datetime.fromisoformat(recorded)) > known_at
