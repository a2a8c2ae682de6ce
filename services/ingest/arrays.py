"""Cutting a JSON array into the texts of its items, so that each is taken or refused alone.

Owns the cut only; what an item is, `reading` says, and what is wrong with it, `diagnosis`.
"""

import re

import msgspec

from shared.errors import FieldError
from shared.strict_json import PARSER, not_json, refused, text_of

_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_BLANK = re.compile(r"[ \t\r\n]*")


def split_array(raw: bytes, most: int) -> list[bytes]:
    """The items of a JSON array, each as its own text, at most `most` of them.

    An item that is no strict JSON (NaN) is cut out all the same, so that it is refused alone.
    Raises Problem 400 when the array itself is none, 422 when it is something else or too long.
    """
    try:
        items = [bytes(item) for item in _ARRAY.decode(raw)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        items = _split_leniently(text_of(raw))
    if len(items) > most:
        raise refused([FieldError("", "too_many_items", f"At most {most} items are taken.")])
    return items


def _split_leniently(text: str) -> list[bytes]:
    place = _past_blanks(text, 0)
    if text[place : place + 1] != "[":
        _refuse_no_array(text)
    items: list[bytes] = []
    place = _past_blanks(text, place + 1)
    ended = text[place : place + 1] == "]"
    while not ended:
        start = place
        try:
            _, place = PARSER.raw_decode(text, start)
        except ValueError:
            raise not_json() from None
        items.append(text[start:place].encode("utf-8", "surrogatepass"))
        place = _past_blanks(text, place)
        sign = text[place : place + 1]
        ended = sign == "]"
        if not ended:
            if sign != ",":
                raise not_json()
            place = _past_blanks(text, place + 1)
    if _past_blanks(text, place + 1) != len(text):
        raise not_json()
    return items


def _past_blanks(text: str, place: int) -> int:
    found = _BLANK.match(text, place)
    return found.end() if found else place


def _refuse_no_array(text: str) -> None:
    try:
        PARSER.decode(text)
    except ValueError:
        raise not_json() from None
    raise refused([FieldError("", "not_a_list", "A list is expected.")])
