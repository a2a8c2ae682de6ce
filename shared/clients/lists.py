"""A thin client of the named lists that the indicators service answers.

Answers are plain dictionaries as they came, typed by `list_answers`; a refusal is raised as the
Problem that it is.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from shared.clients.indicators import refusal
from shared.clients.list_answers import ListAnswer, ListSizes
from shared.errors import Problem


class ListsClient:
    """Asks for lists over an httpx client (`platform.client("indicators")`)."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def sizes(self, unit_id: str, asked: Mapping[str, str]) -> ListSizes:
        """All lists of a unit with their sizes; raises Problem 404 or 422."""
        found: ListSizes = await self._get(_path(unit_id), asked)
        return found

    async def one(self, unit_id: str, name: str, asked: Mapping[str, str]) -> ListAnswer:
        """A page of one list; `next` of the answer is the cursor of the page after it."""
        found: ListAnswer = await self._get(f"{_path(unit_id)}/{quote(name, safe='')}", asked)
        return found

    async def _get(self, path: str, asked: Mapping[str, str]) -> Any:
        try:
            answer = await self._client.get(path, params=dict(asked))
        except httpx.HTTPError as error:
            detail = "The indicators service does not answer."
            raise Problem(503, "indicators_away", detail, headers={"Retry-After": "1"}) from error
        if not answer.is_success:
            raise refusal(answer)
        return msgspec.json.decode(answer.content)


def _path(unit_id: str) -> str:
    return f"/v1/units/{quote(unit_id, safe='')}/lists"
