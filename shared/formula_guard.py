"""Texts that a spreadsheet would run as formulas: made harmless on export, undone on import.

Owns the mark, an apostrophe in front. It is also put before texts that begin like a marked one and
before empty texts, so that every text comes back exactly as it was; pure.
"""

import re

# Signs that begin a formula in some spreadsheet program, their full-width forms included.
_RISKY = re.compile(r"'*(?:[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]|\Z)")
_MARKED = re.compile(r"'+(?:[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]|\Z)")


def guarded(text: str) -> str:
    """The text as it may stand in a cell: never a formula, never mistaken for an absent value."""
    return f"'{text}" if _RISKY.match(text) else text


def unguarded(cell: str) -> str:
    """The text that `guarded` was given."""
    return cell[1:] if _MARKED.match(cell) else cell
