"""How many SMS a text costs, and cleaning of what other people wrote before it goes into one.

Owns the two alphabets of the GSM standard (3GPP TS 23.038) and safe shortening. Which words are
sent is in `messages`.
"""

from __future__ import annotations

import re
import unicodedata

GSM_SINGLE = 160
"""Septets in one SMS of the GSM alphabet."""
GSM_PART = 153
"""Septets in each part of a longer one; seven go to the header that joins the parts."""
UCS_SINGLE = 70
"""UTF-16 units in one SMS of any other alphabet."""
UCS_PART = 67

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")
_GSM = _BASIC | _EXTENDED
_PLAIN = str.maketrans(
    {
        "\u00a0": " ",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
        "`": "'",
    }
)
_LONGEST_NAME = 40
_ZWNJ = "\u200c"
_SCHEME = re.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,15}://\S*|\bwww[.。．｡]\S*|\bmailto:\S*")
_DOT = re.compile(r"(?<=\w)[.。．｡]+(?=\w)")


def is_gsm(text: str) -> bool:
    """Return whether the text can be sent in the GSM alphabet."""
    return _GSM.issuperset(text)


def units(text: str) -> int:
    """Return the length of a text: septets in the GSM alphabet, UTF-16 units otherwise."""
    if is_gsm(text):
        return len(text) + sum(text.count(character) for character in _EXTENDED)
    return len(text.encode("utf-16-le")) // 2


def segments(text: str) -> int:
    """Return how many SMS the text takes; at least 1."""
    single, part = (GSM_SINGLE, GSM_PART) if is_gsm(text) else (UCS_SINGLE, UCS_PART)
    length = units(text)
    return 1 if length <= single else _joined(text, part)


def _joined(text: str, part: int) -> int:
    """Count the parts when an escape pair or a surrogate pair may not be split between two."""
    gsm = is_gsm(text)
    count, room = 1, part
    for character in text:
        size = units(character) if gsm else len(character.encode("utf-16-le")) // 2
        if size > room:
            count, room = count + 1, part
        room -= size
    return count


def fits(text: str) -> bool:
    """Return whether the text is a single SMS."""
    return units(text) <= (GSM_SINGLE if is_gsm(text) else UCS_SINGLE)


def plain(text: str) -> str:
    """Return the text with typographic signs and odd accents replaced by their GSM twins.

    One stray sign, such as a non-breaking space, would more than halve what an SMS holds.
    """
    swapped = text.translate(_PLAIN)
    return "".join(_nearest(character) for character in swapped)


def _nearest(character: str) -> str:
    if character in _GSM:
        return character
    bare = "".join(
        c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)
    )
    return bare if bare and is_gsm(bare) else character


def clean(name: str) -> str:
    """Return a name from data made safe: no controls, no links, one line, at most 40 graphemes."""
    text = unicodedata.normalize("NFC", name)
    text = "".join(
        " " if _blank(character) else character for character in text if _kept(character)
    )
    text = _SCHEME.sub(" ", text)
    text = _DOT.sub(" ", text)
    text = re.sub(r"[<>`]", "", text)
    return shorten(" ".join(text.split()), _LONGEST_NAME)


def _blank(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Zl", "Zp", "Zs"}


def _kept(character: str) -> bool:
    return character == _ZWNJ or unicodedata.category(character) not in {"Cf", "Cs", "Co", "Cn"}


def graphemes(text: str) -> list[str]:
    """Return the text cut into what a reader sees as one letter; marks stay with their base."""
    found: list[str] = []
    for character in text:
        joins = unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}
        if found and (joins or character == _ZWNJ):
            found[-1] += character
        else:
            found.append(character)
    return found


def shorten(text: str, most: int) -> str:
    """Return at most `most` graphemes of the text, ending in a full stop when something was cut."""
    letters = graphemes(text)
    if len(letters) <= most:
        return text
    if most < 1:
        return ""
    return "".join(letters[: most - 1]).rstrip() + "."
