"""A thin client of the ingest service: visits, reviews, replies, imports, the register's past.

Answers are plain dictionaries as they came; a refusal is raised as the Problem that it is. A call
may carry the credential of the person for whom it is made: ingest then decides what that person may
see and do, and writes that person into the history. Which process answers is the platform's
business.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import msgspec

from shared.clients.indicators import refusal
from shared.errors import Problem

Credential = Mapping[str, str]
"""The headers by which a caller is known (Authorization or Cookie)."""
Asked = Mapping[str, object | None]
_NEXT = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the query parameters of the next one (None: this is the last)."""

    document: dict[str, Any]
    following: dict[str, str] | None


class IngestClient:
    """Asks ingest over an httpx client (`platform.client("ingest")`).

    Without a credential the services' own key is used: the caller then enforces units itself.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def page(self, path: str, asked: Asked, credential: Credential | None = None) -> Page:
        """GET one page of a list."""
        answer = await self._ask("GET", path, asked, credential)
        return Page(msgspec.json.decode(answer.content), _following(answer))

    async def get(
        self, path: str, asked: Asked | None = None, credential: Credential | None = None
    ) -> dict[str, Any]:
        """GET one document."""
        return (await self.page(path, asked or {}, credential)).document

    async def post(
        self,
        path: str,
        body: Mapping[str, Any],
        asked: Asked | None = None,
        credential: Credential | None = None,
    ) -> dict[str, Any]:
        """POST a JSON document; the answer's document."""
        answer = await self._ask(
            "POST",
            path,
            asked or {},
            credential,
            content=msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
        )
        found: dict[str, Any] = msgspec.json.decode(answer.content)
        return found

    async def send(
        self,
        path: str,
        asked: Asked,
        media_type: str,
        content: AsyncIterator[bytes] | bytes,
        credential: Credential | None = None,
    ) -> dict[str, Any]:
        """POST a file as it is read; the answer's document."""
        answer = await self._ask(
            "POST",
            path,
            asked,
            credential,
            content=content,
            headers={"Content-Type": media_type},
        )
        found: dict[str, Any] = msgspec.json.decode(answer.content)
        return found

    async def delete(self, path: str, credential: Credential | None = None) -> None:
        """DELETE."""
        await self._ask("DELETE", path, {}, credential)

    async def download(
        self, path: str, asked: Asked, credential: Credential | None = None
    ) -> httpx.Response:
        """GET bytes as they are, such as a report as CSV."""
        return await self._ask("GET", path, asked, credential)

    async def _ask(
        self,
        method: str,
        path: str,
        asked: Asked,
        credential: Credential | None,
        *,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        params = {name: str(value) for name, value in asked.items() if value not in (None, "")}
        own: dict[str, Any] = {} if credential is None else {"auth": None}
        try:
            answer = await self._client.request(
                method,
                path,
                params=params,
                content=content,
                headers={**(headers or {}), **(credential or {})},
                **own,
            )
        except httpx.HTTPError as error:
            detail = "The intake service does not answer."
            raise Problem(503, "ingest_away", detail, headers={"Retry-After": "1"}) from error
        if not answer.is_success:
            raise refusal(answer)
        return answer


def segment(text: str) -> str:
    """One segment of a path, escaped."""
    return quote(text, safe="")


def _following(answer: httpx.Response) -> dict[str, str] | None:
    found = _NEXT.search(answer.headers.get("link", ""))
    return None if found is None else dict(parse_qsl(urlsplit(found[1]).query))
