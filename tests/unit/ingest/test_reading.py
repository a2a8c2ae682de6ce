"""Bodies of one visit: what is taken, what is refused, with which status and pointer."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.arrays import split_array
from services.ingest.diagnosis import has_duplicate_keys
from services.ingest.reading import CORRECTION, VISIT, Reading, read
from services.ingest.schemas import VisitIn
from shared.errors import Problem
from tests.benchmarks.intake import FORM

VISIT_ID = "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f"
HEAD = (
    f'"visit_id":"{VISIT_ID}","school_code":"01001",'
    '"visited_at":"2018-03-05T09:40:00+05:00","status":"open"'
)


def body(more: str = "") -> bytes:
    return ("{" + HEAD + ("," + more if more else "") + "}").encode("utf-8", "surrogatepass")


def taken(raw: bytes) -> Reading[VisitIn]:
    return read(VISIT, raw)


def refused(raw: bytes) -> tuple[int, str, list[str]]:
    with pytest.raises(Problem) as caught:
        taken(raw)
    problem = caught.value
    return problem.status, problem.code, [error.pointer for error in problem.errors]


FULL = FORM | {"visit_id": VISIT_ID}

NOT_JSON = {
    "nothing": b"",
    "a half": body()[:-1],
    "a tail": body() + b" x",
    "a trailing comma": body()[:-1] + b",}",
    "a bare word": b"nul",
    "a leading zero": body('"rooms":{"available":01}'),
    "a byte order mark": b"\xef\xbb\xbf" + body(),
    "UTF-16": body().decode().encode("utf-16"),
    "broken UTF-8": body('"remarks":"\udcff"'),
    "overlong UTF-8": body().replace(b"01001", b"\xc0\x80"),
    "a raw control character": body('"remarks":"a\x01b"'),
    "single quotes": b"{'a': 1}",
}

# what is inserted -> code, pointer
INVALID = {
    '"rooms":{"available":NaN}': ("not_finite", "/rooms/available"),
    '"rooms":{"available":Infinity}': ("not_finite", "/rooms/available"),
    '"rooms":{"available":-Infinity}': ("not_finite", "/rooms/available"),
    '"rooms":{"available":1e400}': ("not_finite", "/rooms/available"),
    '"location":{"lat":1e400}': ("not_finite", "/location/lat"),
    '"location":{"accuracy_m":NaN}': ("not_finite", "/location/accuracy_m"),
    '"unheard_of":NaN': ("unknown_key", "/unheard_of"),
    '"rooms":{"available":"1"}': ("not_a_number", "/rooms/available"),
    '"rooms":{"available":true}': ("not_a_number", "/rooms/available"),
    '"rooms":{"available":12.0}': ("not_an_integer", "/rooms/available"),
    '"rooms":{"available":1e2}': ("not_an_integer", "/rooms/available"),
    '"rooms":{"available":-1}': ("out_of_range", "/rooms/available"),
    '"rooms":{"available":201}': ("out_of_range", "/rooms/available"),
    '"rooms":{"available":2147483648}': ("out_of_range", "/rooms/available"),
    '"rooms":{"available":9223372036854775808}': ("out_of_range", "/rooms/available"),
    '"rooms":{"available":' + "9" * 5000 + "}": ("out_of_range", "/rooms/available"),
    '"toilets":{"boys":{"available":101}}': ("out_of_range", "/toilets/boys/available"),
    '"students":{"boys":{"enrolled":2001}}': ("out_of_range", "/students/boys/enrolled"),
    '"teachers":{"male":{"posted":201}}': ("out_of_range", "/teachers/male/posted"),
    '"location":{"lat":90.5}': ("out_of_range", "/location/lat"),
    '"location":{"lat":true}': ("not_a_number", "/location/lat"),
    '"location":{"mock":1}': ("not_a_boolean", "/location/mock"),
    '"toilets":{"handwash":"true"}': ("not_a_boolean", "/toilets/handwash"),
    '"rooms":{"available":1,"available":1}': ("duplicate_key", "/rooms/available"),
    '"rooms":{"available" :1,"available":2}': ("duplicate_key", "/rooms/available"),
    '"rooms":{"\\u0061vailable":1,"available":2}': ("duplicate_key", "/rooms/available"),
    '"rooms":{"available":1,"available":null}': ("duplicate_key", "/rooms/available"),
    '"status":"open"': ("duplicate_key", "/status"),
    '"rooms":{"flying":1}': ("unknown_key", "/rooms/flying"),
    '"rooms":[]': ("not_an_object", "/rooms"),
    '"rooms":"many"': ("not_an_object", "/rooms"),
    '"students":{"grades":{}}': ("not_a_list", "/students/grades"),
    '"students":{"grades":[{"boys":{}}]}': ("missing", "/students/grades/0/grade"),
    '"photos":["abc"]': ("wrong_form", "/photos/0"),
    '"photos":[' + ",".join(['"x"'] * 51) + "]": ("too_many_items", "/photos"),
    '"visit_type":"holiday"': ("unknown_word", "/visit_type"),
    '"closure_reason":7': ("unknown_word", "/closure_reason"),
    '"ended_at":"2018-03-05T10:00:00"': ("invalid_instant", "/ended_at"),
    '"ended_at":"tomorrow"': ("invalid_instant", "/ended_at"),
    '"ended_at":1520000000': ("not_a_text", "/ended_at"),
    '"ended_at":"9999-12-31T23:59:59-12:00"': ("invalid_instant", "/ended_at"),
    '"oversight":{"last_official_visit":"2018-02-30"}': (
        "invalid_date",
        "/oversight/last_official_visit",
    ),
    '"remarks":"\\u0000"': ("control_character", "/remarks"),
    '"remarks":"a\\u0001"': ("control_character", "/remarks"),
    '"remarks":"a\\bc"': ("control_character", "/remarks"),
    '"remarks":"\\ud800"': ("lone_surrogate", "/remarks"),
    '"remarks":"' + "x" * 9000 + '"': ("too_long", "/remarks"),
    '"remarks":' + "[" * 100_000: ("too_deep", "/remarks"),
    '"remarks":' + '{"a":' * 40 + "1" + "}" * 40: ("too_deep", "/remarks"),
    '"monitor_id":"M\\u202e1"': ("control_character", "/monitor_id"),
    '"monitor_id":"M\u202e1"': ("control_character", "/monitor_id"),
    '"monitor_id":"M\u200b1"': ("control_character", "/monitor_id"),
    '"monitor_id":"a\\nb"': ("control_character", "/monitor_id"),
    '"monitor_id":""': ("empty", "/monitor_id"),
    '"device_id":"\\u0000"': ("control_character", "/device_id"),
}


@pytest.mark.parametrize("raw", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_no_json_is_a_400(raw: bytes) -> None:
    assert refused(raw)[:2] == (400, "not_json")


@pytest.mark.parametrize(("more", "told"), INVALID.items(), ids=[f"{m[:40]}" for m in INVALID])
def test_what_is_invalid_is_a_422_with_a_pointer(more: str, told: tuple[str, str]) -> None:
    status, code, pointers = refused(body(more))
    assert (status, code, pointers[:1]) == (422, told[0], [told[1]])


@pytest.mark.parametrize("raw", [b"[]", b"1", b'"x"', b"null", b"true"])
def test_json_that_is_no_object_is_a_422(raw: bytes) -> None:
    assert refused(raw) == (422, "not_an_object", [""])


def test_everything_missing_is_told_at_once() -> None:
    status, _, pointers = refused(b"{}")
    assert status == 422
    assert set(pointers) == {"/visit_id", "/school_code", "/visited_at", "/status"}


@pytest.mark.parametrize("code", ["", "   ", "\u00a0"])
def test_a_blank_school_code_is_refused(code: str) -> None:
    raw = body().replace(b'"01001"', json.dumps(code, ensure_ascii=False).encode())
    status, _, pointers = refused(raw)
    assert (status, pointers) == (422, ["/school_code"])


def test_the_input_is_never_repeated() -> None:
    canary = "canary-7731"
    for more in (
        f'"remarks":{{"{canary}":1}}',
        f'"{canary} <script>":"{canary}"',
        f'"status":"{canary}"',
        f'"rooms":"{canary}"',
        f'"ended_at":"{canary}"',
    ):
        with pytest.raises(Problem) as caught:
            taken(body(more))
        assert canary not in json.dumps(caught.value.document("/v1/visits"))


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
def test_the_full_form_is_one_visit_however_it_is_written(
    ensure_ascii: bool, indent: int | None
) -> None:
    plain = taken(json.dumps(FULL, separators=(",", ":")).encode())
    written = taken(json.dumps(FULL, ensure_ascii=ensure_ascii, indent=indent).encode())
    assert written.digest == plain.digest
    assert json.loads(written.text) == FULL


SAME: list[dict[str, Any]] = [
    {"visited_at": "2018-03-05T04:40:00Z"},
    {"visited_at": "2018-03-05T04:40:00.000+00:00"},
    {"visit_type": None},
    {"closure_reason": None, "photos": None},
    {"source": "another"},
    {"visit_id": VISIT_ID.upper()},
]
OTHER: list[dict[str, Any]] = [
    {"school_code": "1001"},
    {"visited_at": "2018-03-05T09:40:01+05:00"},
    {"visit_type": "spot"},
    {"remarks": None},
    {"rooms": {"available": 6, "usable": 5, "classrooms_used": 5, "open_air_classes": 1}},
]


@pytest.mark.parametrize("change", SAME)
def test_the_canonical_form_hides_spelling(change: dict[str, Any]) -> None:
    assert (
        taken(json.dumps(FULL | change).encode()).digest == taken(json.dumps(FULL).encode()).digest
    )


@pytest.mark.parametrize("change", OTHER)
def test_the_canonical_form_shows_content(change: dict[str, Any]) -> None:
    assert (
        taken(json.dumps(FULL | change).encode()).digest != taken(json.dumps(FULL).encode()).digest
    )


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_composed_and_decomposed_texts_are_one_content(ensure_ascii: bool) -> None:
    composed, decomposed = "Caf\u00e9 \u0622", "Cafe\u0301 \u0627\u0653"
    readings = [
        taken(json.dumps(FULL | {"remarks": text}, ensure_ascii=ensure_ascii).encode())
        for text in (composed, decomposed)
    ]
    assert readings[0].digest == readings[1].digest
    assert readings[0].digest != taken(json.dumps(FULL).encode()).digest


def test_urdu_bangla_and_emoji_come_back_as_sent() -> None:
    remarks = "نئی چاردیواری — বাংলা — हिन्दी — 👩‍🏫\n\tok"
    reading = taken(json.dumps(FULL | {"remarks": remarks}, ensure_ascii=False).encode())
    assert json.loads(reading.text)["remarks"] == remarks


def test_texts_that_look_like_keys_are_no_duplicates() -> None:
    for remarks in ('a":b', '":', ' ":"', ":x", " : y", '\\":', "\\", '"'):
        reading = taken(json.dumps(FULL | {"remarks": remarks, "monitor_id": "M:1"}).encode())
        assert reading.visit.remarks == remarks


def test_a_path_gives_a_correction_its_id() -> None:
    form = {name: value for name, value in FULL.items() if name != "visit_id"}
    without = read(CORRECTION, json.dumps(form).encode(), UUID(VISIT_ID))
    within = read(CORRECTION, json.dumps(FULL).encode(), UUID(VISIT_ID))
    assert without.digest == within.digest == taken(json.dumps(FULL).encode()).digest
    with pytest.raises(Problem) as caught:
        read(CORRECTION, json.dumps(FULL).encode(), UUID(int=1))
    assert caught.value.errors[0].pointer == "/visit_id"


# JSON texts made of pairs, so that keys may repeat; blanks anywhere JSON allows them.
_BLANK = st.sampled_from(["", " ", "\n", "\t ", "  "])
_TEXT = st.text('ab":\\ x\u0622', max_size=6)


@st.composite
def remarks_and_rooms(draw: st.DrawFn) -> tuple[str, bool]:
    """A body with texts that look like JSON, and whether one of its keys stands twice."""
    names = draw(st.lists(st.sampled_from(["available", "usable"]), min_size=1, max_size=3))
    rooms = []
    for name in names:
        key = name if draw(st.booleans()) else f"\\u{ord(name[0]):04x}{name[1:]}"
        value = draw(st.sampled_from(["1", "1", "null"]))
        rooms.append(f'"{key}"{draw(_BLANK)}:{draw(_BLANK)}{value}')
    remarks = json.dumps(draw(_TEXT), ensure_ascii=draw(st.booleans()))
    if draw(st.booleans()):
        remarks = remarks.replace(":", "\\u003a").replace(" ", "\\u0020")
    monitor = json.dumps("m" + draw(st.text("ab: ", max_size=4)))
    more = f'"remarks"{draw(_BLANK)}:{remarks},"monitor_id":{monitor},"rooms":{{{",".join(rooms)}}}'
    return more, len(names) != len(set(names))


@settings(max_examples=400)
@given(remarks_and_rooms())
def test_a_key_that_stands_twice_never_passes(case: tuple[str, bool]) -> None:
    more, twice = case
    raw = body(more)
    assert has_duplicate_keys(raw) == twice
    if twice:
        assert refused(raw)[:2] == (422, "duplicate_key")
    else:
        taken(raw)


def test_an_array_is_split_even_when_an_item_is_no_strict_json() -> None:
    assert split_array(b' [ {"a":1} , 2 ] ', 10) == [b'{"a":1}', b"2"]
    assert split_array(b'[{"a":NaN},{"b":1}]', 10) == [b'{"a":NaN}', b'{"b":1}']
    assert split_array(b"[]", 10) == []
    assert split_array(b"[NaN]", 10) == [b"NaN"]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"[1,2,3]", 422),
        (b"{}", 422),
        (b"7", 422),
        (b"[1", 400),
        (b"[1,]", 400),
        (b"[NaN 1]", 400),
        (b"[NaN]x", 400),
        (b"", 400),
        (b"[" * 100_000, 422),
        (b"\xff", 400),
    ],
)
def test_what_is_no_array_or_too_long_is_refused_whole(raw: bytes, status: int) -> None:
    with pytest.raises(Problem) as caught:
        split_array(raw, 2)
    assert caught.value.status == status
