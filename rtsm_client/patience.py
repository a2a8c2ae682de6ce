"""How long and how often to try again: growing pauses with chance in them, and the server's wish.

Owns the arithmetic of waiting. Which troubles are worth another try is told by their type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Patience:
    """Tries in a row for one thing, and seconds between them; a success begins anew."""

    tries: int = 8
    first_seconds: float = 0.5
    most_seconds: float = 30.0
    total_seconds: float = 300.0

    def pause(self, failed: int, waited: float, asked: float | None, chance: float) -> float | None:
        """Seconds before the next try after `failed` tries, None when patience has ended.

        `asked` is what the server wishes: never less than that is waited. `chance` (0..1) spreads
        those who failed together.
        """
        if failed >= self.tries:
            return None
        steady: float = min(self.most_seconds, self.first_seconds * 2.0 ** (failed - 1))
        seconds = steady * (0.5 + chance / 2)
        if asked is not None:
            seconds = max(seconds, asked + chance * self.first_seconds)
        return None if waited + seconds > self.total_seconds else seconds


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header in either form; dates are taken against the answer's own."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(given)
    try:
        until, now = parsedate_to_datetime(given), parsedate_to_datetime(headers["date"])
        return max(0.0, (until - now).total_seconds())
    except (ValueError, KeyError, TypeError, IndexError):
        return None
