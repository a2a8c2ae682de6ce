"""Answers sent piece by piece: what they hold is let go of, whoever ends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest
from starlette.types import Message

from services.indicators.sending import Patience, PieceByPiece, Places
from shared.errors import Problem

SCOPE = {"type": "http", "method": "GET"}


class Holding:
    """Pieces without end, and whether what they hold is held."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.held = False

    @asynccontextmanager
    async def pieces(self) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        self.held = True
        try:
            yield self._made()
        finally:
            self.held = False

    async def _made(self) -> AsyncGenerator[bytes, None]:
        while True:
            yield b"x" * self.size


async def stays() -> Message:
    """A caller who does not leave."""
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize(
    ("patience", "taken"),
    [(Patience(60.0, 0.05), None), (Patience(0.05, 60.0), 3), (Patience(0.05, None), 3)],
    ids=["reads on and on", "stops reading", "stops listening"],
)
async def test_a_slow_reader_is_left_without_the_end_of_the_answer(
    patience: Patience, taken: int | None
) -> None:
    holding, sent = Holding(200_000), list[Message]()

    async def send(message: Message) -> None:
        if taken is not None and len(sent) == taken:
            await asyncio.Event().wait()
        sent.append(message)

    answer = PieceByPiece(holding.pieces, "text/csv", {}, patience)
    async with asyncio.timeout(20):
        await answer(SCOPE, stays, send)
    assert not holding.held
    assert [message["type"] for message in sent[:2]] == [
        "http.response.start",
        "http.response.body",
    ]
    assert all(message["more_body"] for message in sent[1:])
    assert max(len(message["body"]) for message in sent[1:]) == 64 * 1024


def test_bulk_reads_leave_a_place_to_others() -> None:
    places = Places()
    with places.taken(bulk=True), places.taken(bulk=True):
        with pytest.raises(Problem, match="bulk_busy"):
            places.admit(bulk=True)
        with places.taken(bulk=False), pytest.raises(Problem, match="bulk_busy"):
            places.admit(bulk=False)
    with ExitStack() as others:
        for _ in range(3):
            others.enter_context(places.taken(bulk=False))
        with pytest.raises(Problem, match="bulk_busy"):
            places.admit(bulk=True)
    places.admit(bulk=True)
