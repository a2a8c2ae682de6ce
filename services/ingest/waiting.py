"""`?wait=figures`: answer a write once its effect is in the figures, or after five seconds.

Owns the asking; whether something has been applied is the indicators' to say. Indicators being
away never fails a write: the answer is then `pending`.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

import httpx

from shared.errors import Problem

APPLIED = "applied"
PENDING = "pending"
_PATIENCE_SECONDS = 5.0
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.2
Question = Mapping[str, str | int]


class Figures:
    """Asks indicators whether revisions and register versions have been applied."""

    def __init__(self, client: httpx.AsyncClient, patience: float = _PATIENCE_SECONDS) -> None:
        self._client = client
        self._patience = patience

    async def visit(self, source: str, visit_id: str, revision: int) -> str:
        """Wait for one revision of a visit; `applied` or `pending`."""
        return await self.all([{"source": source, "visit_id": visit_id, "revision": revision}])

    async def register(self, version: int) -> str:
        """Wait for a version of the register; `applied` or `pending`."""
        return await self.all([{"registry_version": version}])

    async def all(self, questions: Sequence[Question]) -> str:
        """Wait for everything asked; the last one first, for events arrive mostly in order."""
        until = time.monotonic() + self._patience
        pause = _FIRST_PAUSE
        for question in reversed(questions):
            while not await self._applied(question, until - time.monotonic()):
                if time.monotonic() + pause > until:
                    return PENDING
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_PAUSE)
        return APPLIED

    async def _applied(self, question: Question, left: float) -> bool:
        params = dict(question)
        try:
            answer = await self._client.get("/v1/applied", params=params, timeout=max(left, 0.05))
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK and answer.json().get("applied") is True


def wants_figures(query: bytes) -> bool:
    """Whether a query string asks to wait; raises Problem 422 for an unknown `wait`."""
    if b"wait" not in query:
        return False
    words = parse_qs(query.decode("latin-1")).get("wait", [])
    if any(word != "figures" for word in words):
        raise Problem(422, "invalid_wait", "`wait` knows one word: figures.")
    return bool(words)
