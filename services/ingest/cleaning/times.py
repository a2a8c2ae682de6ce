"""Days and instants out of cells, in the orders that people write them.

Owns which spellings are certain; a date that can be read in two ways is refused unless the mapping
says which way the column is written.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.ingest.cleaning.faults import Faulty
from services.ingest.cleaning.numbers import western

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_PARTS = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})")
_NAMED = re.compile(r"(\d{1,2})[-/. ]?([A-Za-z]{3,9})\.?,?[-/. ]?(\d{4})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = re.compile(
    r"(?P<day>.+?)[T ]+(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:\.(?P<f>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|z|[+-]\d{2}:?\d{2})?"
)
_NOON = 12


def day(raw: str, order: str = "ymd") -> date:
    """A day; `order` (`dmy` or `mdy`) decides how `05/03/2018` is read.

    Raises Faulty for a day that does not exist, an unknown form, and without `order` for a date
    that could be read in two ways.
    """
    word = western(raw)
    timed = _TIME.fullmatch(word)
    if timed is not None and {timed["h"].zfill(2), timed["m"], timed["s"] or "00"} == {"00"}:
        word = timed["day"]
    if found := _ISO.fullmatch(word):
        return _made(int(found[1]), int(found[2]), int(found[3]))
    if found := _NAMED.fullmatch(word):
        name = found[2][:3].casefold()
        if name in _MONTHS:
            return _made(int(found[3]), _MONTHS.index(name) + 1, int(found[1]))
    if found := _PARTS.fullmatch(word):
        return _ordered(int(found[1]), int(found[2]), int(found[3]), order)
    raise Faulty("not_a_date", "The cell is not a date.", "Write the date as 2018-03-05.")


def instant(raw: str, order: str = "ymd", zone: str | ZoneInfo | None = None) -> datetime:
    """A moment with its offset; without one in the cell, `zone` (`Asia/Karachi`) decides.

    Raises Faulty as `day`, and for a cell without an offset when there is no `zone`, or where the
    zone's clocks were put forward or back.
    """
    word = western(raw)
    found = _TIME.fullmatch(word)
    if found is None:
        detail = "The cell is not a date with a time."
        raise Faulty("not_a_time", detail, "Write the moment as 2018-03-05T09:40:00+05:00.")
    on = day(found["day"], order)
    at = _clock(found)
    offset = found["zone"]
    if offset:
        return datetime.combine(on, at, _offset(offset))
    if zone is None:
        raise Faulty(
            "no_offset",
            "The time does not say in which zone it is.",
            "Write the offset (+05:00), or name the zone in the mapping.",
        )
    try:
        local = datetime.combine(on, at, zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        detail = "The mapping names a zone that does not exist."
        raise Faulty("unknown_zone", detail, "Name a zone such as Asia/Karachi.") from None
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise Faulty(
            "no_offset",
            "The clocks were changed in that hour: the time stands for two moments or none.",
            "Write the offset (+05:00).",
        )
    return local


def _made(year: int, month: int, number: int) -> date:
    try:
        return date(year, month, number)
    except ValueError:
        detail = "There is no such day in the calendar."
        raise Faulty("no_such_day", detail, "Correct the date.") from None


def _ordered(first: int, second: int, year: int, order: str) -> date:
    if order == "dmy":
        return _made(year, second, first)
    if order == "mdy":
        return _made(year, first, second)
    if first == second:
        return _made(year, first, second)
    raise Faulty(
        "ambiguous_date",
        "The date can be read with the day or with the month first.",
        "Write it as 2018-03-05, or give the order (dmy or mdy) in the mapping.",
    )


def _clock(found: re.Match[str]) -> time:
    hour, half = int(found["h"]), (found["half"] or "").replace(".", "").casefold()
    if half and 1 <= hour <= _NOON:
        hour = hour % _NOON + (_NOON if half == "pm" else 0)
    fraction = int((found["f"] or "0").ljust(6, "0")[:6])
    try:
        return time(hour, int(found["m"]), int(found["s"] or 0), fraction)
    except ValueError:
        detail = "There is no such time of the day."
        raise Faulty("no_such_time", detail, "Correct the time.") from None


def _offset(text: str) -> timezone:
    if text in {"Z", "z"}:
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    shift = timedelta(hours=hours, minutes=minutes)
    if shift >= timedelta(days=1):
        raise Faulty("no_such_time", "There is no such offset.", "Correct the offset.")
    return timezone(-shift if text[0] == "-" else shift)
