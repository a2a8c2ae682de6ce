"""What can go wrong, as types: no answer, an answer that is not RTSM's, a refusal, a spool in need.

Owns the kinds and which of them are worth another try; trying again is left to `patience`.
"""

# ruff: noqa: N818 - these are kinds of trouble, and named as such

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field, named by a JSON pointer."""

    pointer: str
    code: str
    detail: str


class ClientError(Exception):
    """Anything this package raises about the server, the network or the spool."""


class Passing(ClientError):
    """A trouble that may pass: the same call again is safe and may go through."""

    retry_after: float | None = None
    """Seconds the server asks to wait, None when it says nothing."""


class Unreachable(Passing):
    """No complete answer came: what was sent may or may not be stored, and may be sent again."""


class Unexpected(Passing):
    """The answer is not RTSM's, such as the page of a proxy or of a network's sign-in."""


class Refused(ClientError):
    """The server's refusal: `status`, a stable `code`, a `detail` for people, fields at fault."""

    def __init__(
        self, status: int, code: str, detail: str, errors: Sequence[FieldError] = ()
    ) -> None:
        fields = "".join(f"; {error.pointer}: {error.detail}" for error in errors)
        super().__init__(f"{status} {code}: {detail}{fields}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)


class Unavailable(Refused, Passing):
    """429 or a server's trouble: `retry_after` tells the seconds it asks to wait, if it does."""


class Unauthenticated(Refused):
    """401: the key is missing, unknown, expired or revoked."""


class Forbidden(Refused):
    """403: the key may not do this."""


class NotFound(Refused):
    """404: there is no such thing, or it is outside the key's units."""


class Conflict(Refused):
    """409: another visit was accepted under this id; correct it, or use a new id."""


class Withdrawn(Refused):
    """410: the visit was withdrawn; a correction restores it."""


class Stale(Refused):
    """412: somebody changed the visit meanwhile; read it again before correcting it."""


class TooLarge(Refused):
    """413: more than the server takes at once."""


class Invalid(Refused):
    """400 or 422: the form breaks a rule; `errors` names the fields."""


class NotSendable(ClientError, ValueError):
    """A visit that cannot be written as one line of JSON; it was not sent."""


class SpoolError(ClientError):
    """The spool's folder cannot be read or written; what was taken before is still there."""


class SpoolFull(SpoolError):
    """The spool holds as much as it may; this visit was not taken."""


class SpoolBusy(SpoolError):
    """Another process works with this spool."""


class Spoiled(SpoolError):
    """The spool was closed, or a write to it failed: open it anew."""


_KINDS: dict[int, type[Refused]] = {
    400: Invalid,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Withdrawn,
    412: Stale,
    413: TooLarge,
    422: Invalid,
}
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


def refusal(status: int, code: str, detail: str, errors: Sequence[FieldError] = ()) -> Refused:
    """The error of a status, of the most telling type."""
    kind = Unavailable if status in _PASSING else _KINDS.get(status, Refused)
    return kind(status, code, detail, errors)
