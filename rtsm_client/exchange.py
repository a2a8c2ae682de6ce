"""One call to the server and its answer, or a typed error; and the same call until it goes through.

Owns the translation of httpx's answers and errors. Every call made through here is safe to repeat:
a visit is known by its id, a correction by the revision it names.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from rtsm_client.answers import problem_of
from rtsm_client.errors import Passing, TooLarge, Unavailable, Unexpected, Unreachable
from rtsm_client.patience import Patience, retry_after

_TOO_LARGE = 413
Waiting = Callable[[Passing, float], None]
"""Told before each pause: the trouble, and the seconds."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be made any number of times."""

    method: str
    path: str
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


class Exchange:
    """Makes calls over one HTTP client; `sleep` and `chance` are replaced in tests."""

    def __init__(
        self,
        http: httpx.Client,
        patience: Patience,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._http = http
        self._patience = patience
        self._sleep = sleep
        self._chance = chance

    def once(self, call: Call) -> Any:
        """The document of a good answer (2xx); raises Refused, Unreachable or Unexpected."""
        try:
            answer = self._http.request(
                call.method,
                call.path,
                content=call.content,
                headers=dict(call.headers),
                params=dict(call.params),
            )
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Unreachable(f"No complete answer: {type(error).__name__}.") from error
        if answer.is_success:
            return _document(answer)
        if answer.is_redirect:
            raise Unexpected("The answer sends elsewhere; give the server's own address.")
        raise _refusal(answer)

    def patiently(self, call: Call, waiting: Waiting | None = None) -> Any:
        """As `once`, tried again while the trouble may pass and patience lasts."""
        spell = self.spell(waiting)
        while True:
            try:
                return self.once(call)
            except Passing as trouble:
                spell.wait(trouble)

    def spell(self, waiting: Waiting | None = None) -> "Spell":
        """A new spell of trouble, with all patience before it."""
        return Spell(self._patience, self._sleep, self._chance, waiting)


class Spell:
    """The failures in a row of one thing, and how long they took."""

    def __init__(
        self,
        patience: Patience,
        sleep: Callable[[float], None],
        chance: Callable[[], float],
        waiting: Waiting | None,
    ) -> None:
        self._patience = patience
        self._sleep = sleep
        self._chance = chance
        self._waiting = waiting
        self._failed = 0
        self._waited = 0.0

    def wait(self, trouble: Passing) -> None:
        """Wait before the next try; raises the trouble itself when patience has ended."""
        self._failed += 1
        seconds = self._patience.pause(
            self._failed, self._waited, trouble.retry_after, self._chance()
        )
        if seconds is None:
            raise trouble
        self._waited += seconds
        if self._waiting is not None:
            self._waiting(trouble, seconds)
        self._sleep(seconds)


def _document(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise Unexpected("The answer is no JSON: it does not come from RTSM.") from error


def _refusal(answer: httpx.Response) -> Exception:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/problem+json":
        error: Exception = problem_of(_document(answer), answer.status_code)
    elif answer.status_code in {429, 500, 502, 503, 504}:
        error = Unavailable(answer.status_code, "unavailable", "The server cannot answer now.")
    elif answer.status_code == _TOO_LARGE:
        error = TooLarge(_TOO_LARGE, "too_large", "Something on the way takes less at once.")
    else:
        error = Unexpected(f"The answer {answer.status_code} does not come from RTSM.")
    if isinstance(error, Passing):
        error.retry_after = retry_after(answer.headers)
    return error
