"""Opaque cursors of the queue and the table: the last item's place on the page before; pure."""

import base64
import binascii
from typing import TypeVar

import msgspec

from shared.errors import invalid

T = TypeVar("T")


def cursor_after(place: object) -> str:
    """The cursor after a place."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_after(text: str | None, kind: type[T]) -> T | None:
    """The place that a cursor stands for, None for no cursor; raises Problem 422."""
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise invalid("/query/after", "invalid_cursor", "This is no cursor of ours.") from None
