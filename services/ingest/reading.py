"""From the bytes of one visit to a checked value with its digest, or a Problem.

Owns the order of the checks: msgspec decodes, a count of quotes guards against duplicate keys,
texts are looked at only when bytes could hide something, instants become UTC. What the rules say
of the visit is left to `rules` and `flags`.
"""

import hashlib
import re
import unicodedata
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from services.ingest.diagnosis import diagnose, faults, has_duplicate_keys
from services.ingest.rules import instants_fault
from services.ingest.schemas import CorrectionIn, Location, VisitForm, VisitIn
from shared.domain.codes import canonical_school_code
from shared.errors import FieldError
from shared.strict_json import PARSER, refused, text_fault, text_of

T = TypeVar("T")
V = TypeVar("V", VisitIn, CorrectionIn)
_ENCODER = msgspec.json.Encoder()
_ESCAPED_CONTROL = re.compile(rb"\\(?:u00|[bfr])|\x7f")
_QUOTE = b'"'
# A key and its text: what a body has more or less than what was kept of it.
_PAIR = 4
_CODES = ("source", "form_version", "school_code", "monitor_id", "device_id")


class Body(Generic[T]):
    """A kind of JSON body: decodes it exactly or says what is wrong with it."""

    def __init__(self, kind: type[T] | Any) -> None:
        self.kind = kind
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)

    def decode(self, raw: bytes) -> T:
        """The value; raises Problem 400 or 422, with pointers."""
        try:
            return self._decoder.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as failure:
            raise diagnose(raw, self.kind, failure) from None

    def exact(self, raw: bytes) -> T:
        """As `decode`, refusing duplicate keys and control characters by the slow pass."""
        value = self.decode(raw)
        if has_duplicate_keys(raw) or _ESCAPED_CONTROL.search(raw):
            errors = faults(PARSER.decode(text_of(raw)), self.kind)
            if errors:
                raise refused(errors)
        return value


class Reading(msgspec.Struct, Generic[V], gc=False):
    """A visit as it was read: the form in UTC, its digest, and the text it was sent as, in UTF-8.

    `measured` is the form for the event, as JSON: without remarks, location, device and source.
    """

    visit: V
    digest: bytes
    text: bytes
    measured: bytes


class Unmeasured(msgspec.Struct, omit_defaults=True, gc=False):
    """What of a form no event carries, but a replay must repeat all the same."""

    location: Location | None = None
    device_id: str | None = None
    remarks: str | None = None


VISIT: Body[VisitIn] = Body(VisitIn)
CORRECTION: Body[CorrectionIn] = Body(CorrectionIn)


def read(body: Body[V], raw: bytes, visit_id: UUID | None = None) -> Reading[V]:
    """Read one visit; `visit_id` is the path's, which the body may repeat; raises Problem.

    The digest is SHA-256 over the canonical form: nulls dropped, instants in UTC, texts in NFC,
    the school code as sent, a routine visit's type left out, without the source.
    """
    visit = body.decode(raw)
    escapes = b"\\" in raw
    source, location, device, remarks = (
        visit.source,
        visit.location,
        visit.device_id,
        visit.remarks,
    )
    added = -_PAIR if source is not None else 0
    if visit.visit_type == "routine":
        visit.visit_type = None
        added -= _PAIR
    if visit_id is not None:
        added += _take_id(visit, visit_id)
    fault = instants_fault(visit)
    if fault is not None:
        raise refused([fault])
    visit.source = visit.location = visit.device_id = visit.remarks = None
    measured = _ENCODER.encode(visit)
    rest = _ENCODER.encode(Unmeasured(location, device, remarks))
    visit.source, visit.location, visit.device_id, visit.remarks = (
        source,
        location,
        device,
        remarks,
    )
    # A key that was dropped takes its quotes along, and nothing adds any: whatever was a text still
    # is one. Only an escape (`\\u0022`) could be written with fewer quotes than it is kept with.
    kept = measured.count(_QUOTE) + rest.count(_QUOTE)
    if raw.count(_QUOTE) + added != kept or (escapes and b"\\u00" in raw):
        _refuse_duplicates(body, raw)
    text = raw
    hidden = escapes or b"\x7f" in raw
    if (hidden or not raw.isascii()) and not _checked_texts(visit, escapes=hidden):
        text, measured, rest = composed(raw), composed(measured), composed(rest)
    if not canonical_school_code(visit.school_code):
        raise refused([FieldError("/school_code", "empty", "The text is empty.")])
    return Reading(visit, hashlib.sha256(measured + rest).digest(), text, measured)


def _refuse_duplicates(body: Body[Any], raw: bytes) -> None:
    if has_duplicate_keys(raw):
        raise diagnose(raw, body.kind)


def _take_id(visit: VisitIn | CorrectionIn, visit_id: UUID) -> int:
    """Give the visit the path's id; how many quotes that adds to what the body had."""
    if visit.visit_id is None:
        visit.visit_id = visit_id
        return _PAIR
    if visit.visit_id != visit_id:
        detail = "The body names another visit than the path."
        raise refused([FieldError("/visit_id", "other_visit", detail)])
    return 0


def composed(encoded: bytes) -> bytes:
    """JSON text in NFC; its syntax has no character that composes with what follows."""
    text = encoded.decode()
    return encoded if unicodedata.is_normalized("NFC", text) else _nfc(text).encode()


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _checked_texts(visit: VisitForm, *, escapes: bool) -> bool:
    """Whether every text of the form is in NFC; all others are words of the schema.

    Refuses controls in any text, and invisible or direction-changing characters in codes. Without
    `escapes` no text can hold a control: JSON has no other way to write one.
    """
    normal = True
    for name in _CODES:
        code: str | None = getattr(visit, name)
        if code is not None and not (code.isascii() and code.isprintable()):
            normal &= _checked_code(code, f"/{name}")
    if visit.students is not None and visit.students.grades:
        for index, grade in enumerate(visit.students.grades):
            if not (grade.grade.isascii() and grade.grade.isprintable()):
                normal &= _checked_code(grade.grade, f"/students/grades/{index}/grade")
    evidence = visit.oversight.evidence if visit.oversight is not None else None
    if evidence is not None and not (evidence.isascii() and evidence.isprintable()):
        normal &= _checked_code(evidence, "/oversight/evidence")
    remarks = visit.remarks
    if remarks is None:
        return normal
    if escapes and text_fault(remarks):
        detail = "The text holds a control character."
        raise refused([FieldError("/remarks", "control_character", detail)])
    return normal and unicodedata.is_normalized("NFC", remarks)


def _checked_code(code: str, pointer: str) -> bool:
    """Whether a code is in NFC; refuses one with a character that nobody sees."""
    if not is_plain_code(code):
        raise refused([FieldError(pointer, "control_character", _HIDDEN)])
    return unicodedata.is_normalized("NFC", code)


_HIDDEN = "A code holds a control or invisible character."


def is_plain_code(code: str) -> bool:
    """Whether a code holds no control, format, surrogate or line-separating character."""
    if code.isascii():
        return code.isprintable()
    return all(unicodedata.category(letter) not in _INVISIBLE for letter in code)


_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
