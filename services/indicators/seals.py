"""Seals: a short signed text by which a printed figure can be checked later (04 §5).

A seal says that this deployment answered a question (unit, days, view) from everything recorded by
an instant, with these definitions, and with these integers: it holds a digest of all that, signed
with the deployment's own key. To check it, the same figures are computed from what had been
recorded by then, and digested again. Owns the text and its meaning; the key is `seal_keys`'. Pure.
"""

import hashlib
import hmac
from base64 import b32decode, b32encode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from shared.clients.figure_answers import UnitFigures, Window

Verdict = Literal["confirmed", "differs", "definitions_changed", "not_ours"]
_FORM = "rtsm.seal.1"
_DIGEST = 10
_DEFINITIONS = 4
_LETTERS = 39
_GROUP = 5
# What a person reads for another: no letter of a seal is 0, 1 or 8.
_READ = str.maketrans("018", "OIB")


class Sealed(Window, UnitFigures):
    """An answer with all figures of one unit."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What a seal holds: a mark of the definitions, a digest of the figures, a signature."""

    definitions: bytes
    digest: bytes
    signature: bytes

    def text(self) -> str:
        """The seal as it is printed: groups of five letters and digits."""
        letters = b32encode(self.definitions + self.digest + self.signature).decode().rstrip("=")
        return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def read_seal(text: str) -> Seal | None:
    """The seal of a text, however it was typed; None when it is none."""
    letters = "".join(letter for letter in text.upper() if letter.isalnum()).translate(_READ)
    if len(letters) != _LETTERS or not letters.isascii():
        return None
    try:
        data = b32decode(letters + "=")
    except Error:
        return None
    seal = Seal(data[:_DEFINITIONS], data[_DEFINITIONS:-_DIGEST], data[-_DIGEST:])
    # The last letter has room for more than is said: only one spelling of it is ours.
    return seal if seal.text().replace("-", "") == letters else None


def seal_of(answer: Sealed, known_at: int, definitions: str, look_back: int, secret: bytes) -> Seal:
    """The seal of an answer that holds everything recorded by `known_at` and nothing later."""
    mark, digest = _mark(definitions), _digest(answer, known_at, definitions, look_back)
    return Seal(mark, digest, _signature(_question(answer, known_at), mark, digest, secret))


def judged(
    seal: Seal | None, now: Sealed, known_at: int, definitions: str, look_back: int, secret: bytes
) -> Verdict:
    """What a seal is worth, given the figures computed now for the question it is said to be of.

    not_ours: not given by this deployment for this question; otherwise whether the figures are the
    sealed ones, and whether they could be, the definitions being others by now.
    """
    if seal is None:
        return "not_ours"
    signed = _signature(_question(now, known_at), seal.definitions, seal.digest, secret)
    if not hmac.compare_digest(signed, seal.signature):
        return "not_ours"
    if hmac.compare_digest(_digest(now, known_at, definitions, look_back), seal.digest):
        return "confirmed"
    return "differs" if seal.definitions == _mark(definitions) else "definitions_changed"


def _mark(definitions: str) -> bytes:
    return hashlib.sha256(definitions.encode()).digest()[:_DEFINITIONS]


def _question(answer: Sealed, known_at: int) -> Sequence[str | int]:
    return (_FORM, answer["unit"], answer["first"], answer["last"], answer["view"], known_at)


def _digest(answer: Sealed, known_at: int, definitions: str, look_back: int) -> bytes:
    lines = sorted(
        (
            figure["indicator"],
            figure["split"] or "",
            figure["definition"],
            figure["numerator"],
            figure["denominator"] or 0,
            figure["visits"],
            figure["schools"],
        )
        for figure in answer["figures"]
        if figure["visits"] or figure["denominator"]
    )
    said = (
        *_question(answer, known_at),
        answer["state_on"],
        definitions,
        look_back,
        answer["visits"],
        answer["schools_visited"],
        answer["schools_registered"],
        lines,
    )
    return hashlib.sha256(msgspec.json.encode(said)).digest()[:_DIGEST]


def _signature(
    question: Sequence[str | int], definitions: bytes, digest: bytes, secret: bytes
) -> bytes:
    said = msgspec.json.encode(question) + definitions + digest
    return hmac.digest(secret, said, hashlib.sha256)[:_DIGEST]
