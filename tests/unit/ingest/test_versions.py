"""Dated records: silent repetitions never change what a day's record is, now or later."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.registry.checks import cycle
from services.ingest.registry.versions import Version, in_force, merged, put

PUTS = st.lists(st.tuples(st.integers(0, 6), st.sampled_from("abc")), min_size=1, max_size=14)


@given(PUTS)
def test_what_was_told_says_the_same_as_every_put_by_the_letter(
    puts: list[tuple[int, str]],
) -> None:
    literal: dict[int, str] = {}
    kept: list[Version[str]] = []
    told: list[Version[str]] = []
    for day, content in puts:
        literal[day] = content
        changed = put(kept, day, content)
        kept = merged(kept, changed)
        told = merged(told, [version for version in changed if not version.silent])
        days = sorted(literal)
        for asked in range(-1, 8):
            begun = [d for d in days if d <= asked]
            meant = literal[begun[-1] if begun else days[0]]
            version = in_force(told, asked)
            assert version is not None
            assert version.content == meant
    assert min(literal) == told[0].day


def test_an_equal_record_is_not_told_again() -> None:
    first = put([], 10, "a")
    assert [v.silent for v in first] == [False]
    assert put(first, 10, "a") == []
    assert [v.silent for v in put(first, 20, "a")] == [True]
    assert [v.silent for v in put(first, 5, "a")] == [False]  # now the first record begins earlier


def test_a_later_fact_between_tells_what_was_silent() -> None:
    kept = merged(put([], 10, "a"), put(put([], 10, "a"), 30, "a"))
    changed = put(kept, 20, "b")
    assert [(v.day, v.content, v.silent) for v in changed] == [(20, "b", False), (30, "a", False)]


def test_nothing_is_in_force_where_nothing_is() -> None:
    assert in_force([], 1) is None


def tree(**parents: str | None) -> dict[str, list[Version[str | None]]]:
    return {unit: [Version(0, parent)] for unit, parent in parents.items()}


def test_a_cycle_on_any_day_is_found() -> None:
    assert cycle(tree(a="b", b="c", c=None)) == []
    assert sorted(cycle(tree(a="b", b="c", c="a", d="a"))) == ["a", "b", "c"]
    assert cycle(tree(a="a")) == ["a"]
    parents = tree(a="b", b=None)
    parents["b"].append(Version(100, "a"))
    parents["a"].append(Version(100, None))
    assert cycle(parents) == []
    parents["a"].pop()
    assert sorted(cycle(parents)) == ["a", "b"]
