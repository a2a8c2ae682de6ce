"""Cutting a stream into lines: the same lines whatever the pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.batches import Lines, visit_id_in
from services.ingest.bodies import SINGLE
from shared.errors import Problem


@given(st.binary(max_size=60).map(lambda b: b.replace(b"a", b"\n")), st.data())
def test_pieces_do_not_matter(body: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    lines = Lines()
    taken: list[tuple[int, bytes]] = []
    for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        lines.feed(body[start:end])
        while chunk := lines.take(2):
            assert len(chunk) == 2
            taken += chunk
    taken += lines.rest()
    stripped = [line.strip(b" \t\r") for line in body.split(b"\n")]
    assert taken == [(index, line) for index, line in enumerate(stripped) if line]


def test_an_endless_line_is_not_kept() -> None:
    lines = Lines()
    for _ in range(40):
        lines.feed(b"x" * 65_536)
    lines.feed(b"\n{}")
    [(first, long), (second, short)] = lines.rest()
    assert (first, second, short) == (0, 1, b"{}")
    assert SINGLE < len(long) <= SINGLE + 65_536 + 1


def test_endlessly_many_lines_are_refused() -> None:
    lines = Lines()
    with pytest.raises(Problem) as caught:
        lines.feed(b"\n" * 300_001)
    assert caught.value.status == 413


def test_a_refused_item_keeps_the_id_it_seems_to_have() -> None:
    known = "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f"
    assert visit_id_in(f'{{"a":1, "visit_id" : "{known.upper()}"}}'.encode()) == known
    assert visit_id_in(b'{"visit_id":"x<script>"}') is None
