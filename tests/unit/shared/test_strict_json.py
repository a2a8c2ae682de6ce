"""JSON that could mean two things is refused with a pointer, and never echoed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Problem
from shared.strict_json import parse


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b'{"a": NaN}', 422, "/a"),
        (b'{"a": [1, Infinity]}', 422, "/a/1"),
        (b'{"a": 1e400}', 422, "/a"),
        (b'{"a": {"b": 1, "b": 1}}', 422, "/a/b"),
        (b'{"a": "\\ud800"}', 422, "/a"),
        (b'{"a": "\\u0000"}', 422, "/a"),
        (b'{"a": ' + b"9" * 5000 + b"}", 422, "/a"),
        (b'{"a/b": {"~": NaN}}', 422, ""),
        (b"[" * 40 + b"]" * 40, 422, ""),
        (b"[" * 200_000, 422, ""),
        (b"\xff", 400, None),
        (b"{", 400, None),
        (b"", 400, None),
        (b"\xef\xbb\xbf{}", 400, None),
        ('{"a": 1}'.encode("utf-16"), 400, None),
    ],
)
def test_hostile_bodies_are_refused_where_they_hurt(
    body: bytes, status: int, pointer: str | None
) -> None:
    with pytest.raises(Problem) as refused:
        parse(body)
    assert refused.value.status == status
    assert [error.pointer for error in refused.value.errors] == (
        [] if pointer is None else [pointer]
    )


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_every_decent_value_is_read_as_it_was_written(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value
