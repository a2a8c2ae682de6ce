"""School codes: which spellings are one school, the unit that a school is, and the order of codes.

Owns the canonical code, under which everything is stored and keyed; what a person sees is the
code as it was registered or sent, and is left to the services.
"""

import re
import unicodedata

_DIGITS = re.compile(r"[0-9]+")
_PARTS = re.compile(r"[0-9]+|[^0-9]+")
SCHOOL_PREFIX = "school:"


def canonical_school_code(code: str) -> str:
    """The one spelling of a code: NFC, trimmed; of digits alone, without leading zeros.

    `01001` and ` 1001 ` are one school, `BEF001` and `BEF1` are two; all zeros are `0`.
    """
    code = code.strip() if code.isascii() else unicodedata.normalize("NFC", code).strip()
    if code[:1] == "0" and _DIGITS.fullmatch(code):
        return code.lstrip("0") or "0"
    return code


def school_unit(code: str) -> str:
    """The unit id of a school, from its code in any spelling."""
    return SCHOOL_PREFIX + canonical_school_code(code)


def canonical_unit(unit_id: str) -> str:
    """The unit id with its school code, if it is a school's, in canonical form."""
    if unit_id.startswith(SCHOOL_PREFIX):
        return school_unit(unit_id[len(SCHOOL_PREFIX) :])
    return unit_id


Natural = tuple[tuple[int, int | str], ...]
"""A code or an id in its order among others: numbers as numbers, before letters of any case."""


def natural(text: str) -> Natural:
    """What a code is ordered by: 9, 10, 1001, BEF9, BEF10. Two spellings may be ordered alike."""
    if text.isascii() and text.isdigit():  # as most codes are
        return ((0, int(text)),)
    return tuple(
        (0, int(part)) if part[0] in "0123456789" else (1, part.casefold())
        for part in _PARTS.findall(text)
    )
