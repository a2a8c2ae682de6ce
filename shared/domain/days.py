"""Days, months and quarters as integers, so that they can be stored, compared and subtracted.

A day is the number of days since 1970-01-01; a month is year * 12 + month - 1; a quarter is
year * 4 + quarter - 1. The local day of an instant is a matter of the deployment's zone.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL


def day_date(number: int) -> date:
    """The date of a day number."""
    return date.fromordinal(number + _EPOCH_ORDINAL)


def month_number(day: date) -> int:
    """The month that `day` lies in, as year * 12 + month - 1."""
    return day.year * 12 + day.month - 1


def month_first(month: int) -> date:
    """The first day of a month number."""
    return date(month // 12, month % 12 + 1, 1)


def quarter_number(day: date) -> int:
    """The quarter that `day` lies in, as year * 4 + quarter - 1."""
    return day.year * 4 + (day.month - 1) // 3


def local_day(instant: int, zone: ZoneInfo) -> int:
    """The day number, in `zone`, of an instant given in microseconds since the epoch."""
    return day_number((_EPOCH + timedelta(microseconds=instant)).astimezone(zone).date())


def today(now: datetime, zone: ZoneInfo) -> date:
    """The local date of `now` in `zone`."""
    return now.astimezone(zone).date()
