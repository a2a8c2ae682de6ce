"""Texts, codes, choices and yes or no out of cells.

Owns spaces, invisible characters and spellings; which words a deployment uses is an option.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from rapidfuzz import fuzz, process

from services.ingest.cleaning.faults import Faulty

_SPACES = re.compile(r"\s+")
_FLOAT_CODE = re.compile(r"([0-9]+)\.0+")
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+")
_TRUE = ("yes", "y", "true", "t", "1", "ہاں", "جی ہاں", "হ্যাঁ")
_FALSE = ("no", "n", "false", "f", "0", "نہیں", "না")
_NEAR = 75.0
_JOINERS = "\u200c\u200d\u200e\u200f"


def plain(raw: str) -> str:
    """The text in NFC, trimmed, every run of spaces (also no-break ones) one space."""
    if raw.isascii() and raw.isprintable():
        return " ".join(raw.split())
    return _SPACES.sub(" ", unicodedata.normalize("NFC", raw).replace("\ufeff", "")).strip()


def folded(raw: str) -> str:
    """The spelling under which words are compared: plain, without case."""
    return plain(raw).casefold()


def _hidden(letter: str) -> bool:
    # Joiners and direction marks are spelling in Urdu and Bangla, not dirt.
    return letter not in _JOINERS and unicodedata.category(letter) in {"Cc", "Cf", "Co", "Cs"}


def text(raw: str, max_length: int = 300) -> str:
    """A text; raises Faulty for invisible characters and for more than `max_length` characters."""
    value = plain(raw)
    if not value.isprintable() and any(map(_hidden, value)):
        raise Faulty(
            "control_character",
            "The text holds a control or invisible character.",
            "Type the text anew, or clean the column.",
        )
    if len(value) > max_length:
        raise Faulty(
            "too_long", f"The text is longer than {max_length} characters.", "Shorten the text."
        )
    return value


def code(raw: str, max_length: int = 100, spaces: bool = False) -> str:
    """A code as it was written, trimmed; leading zeros stay, a spreadsheet's `.0` goes.

    Raises Faulty when a spreadsheet made the code a rounded number, and when a name stands where a
    code belongs (unless `spaces`: words without a digit are codes too).
    """
    value = text(raw, max_length)
    whole = _FLOAT_CODE.fullmatch(value)
    if whole:
        return whole[1]
    if _SCIENTIFIC.fullmatch(value):
        raise Faulty(
            "code_as_number",
            "A spreadsheet wrote the code as a rounded number; its digits are lost.",
            "Format the column as text and enter the code again.",
        )
    if not spaces and " " in value and not any(letter.isdigit() for letter in value):
        raise Faulty(
            "name_as_code",
            "A name stands where a code belongs.",
            "Enter the code, or declare the name as an alias.",
        )
    return value


def boolean(raw: str, true: Sequence[str] = (), false: Sequence[str] = ()) -> bool:
    """Yes or no; `true` and `false` are further words; raises Faulty for any other."""
    word = folded(raw)
    for value, words in ((True, true), (False, false)):
        if word in map(folded, words):
            return value
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Faulty(
        "not_yes_or_no",
        "The cell is neither a yes nor a no.",
        "Write yes or no, or name the word in the mapping.",
    )


def choice(raw: str, choices: Mapping[str, str] | Sequence[str]) -> str:
    """One of a list of words, whatever case and spaces; of a mapping, what the spelling stands for.

    Raises Faulty for any other word, naming the nearest of the list as a question.
    """
    table = choices if isinstance(choices, Mapping) else {word: word for word in choices}
    if raw in table:
        return table[raw]
    known = {folded(spelling): value for spelling, value in table.items()}
    word = folded(raw)
    if word in known:
        return known[word]
    near = process.extractOne(word, list(known), scorer=fuzz.ratio, score_cutoff=_NEAR)
    listed = ", ".join(list(dict.fromkeys(table.values()))[:20])
    question = f" Did you mean {known[near[0]]}?" if near else ""
    raise Faulty(
        "not_in_list",
        f"The word is none of: {listed}.{question}",
        "Use one of the words, or add the spelling to the mapping.",
    )
