"""Text tables: which encoding, which delimiter, and row after row of it in bounded memory.

Owns CSV. A byte order mark, UTF-8 and UTF-16 are certain; windows-1252 and windows-1256 are told
apart by how letters beyond ASCII stand together, and refused when that is not clear.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from services.ingest.imports.refusal import FileRefused

ENCODINGS = ("utf-8", "utf-16", "windows-1252", "windows-1256")
DELIMITERS = (",", ";", "\t")
LONGEST_LINE = 1 << 20
_LOOK = 1 << 16
_HIGH = 0xC0
_CLEAR = 0.6
_UNCLEAR = 0.3
_SETS = {"utf8": "utf-8", "cp1252": "windows-1252", "cp1256": "windows-1256", "utf16": "utf-16"}


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How a text table is written, and whether the encoding had to be guessed."""

    encoding: str
    delimiter: str
    guessed: bool


def named_encoding(name: str) -> str:
    """The encoding that a charset names; raises FileRefused for one that is not read."""
    plain = name.strip().strip('"').lower()
    plain = _SETS.get(plain.replace("-", "").replace("_", ""), plain)
    plain = {"utf-16le": "utf-16", "utf-16be": "utf-16", "us-ascii": "utf-8"}.get(plain, plain)
    if plain not in ENCODINGS:
        listed = ", ".join(ENCODINGS)
        raise FileRefused(
            "unknown_encoding", "The encoding is not read.", f"Save the file as one of: {listed}."
        )
    return plain


def text_format(file: BinaryIO, encoding: str | None, delimiter: str | None) -> TextFormat:
    """How the file is written; declared values win, and are checked over the whole file.

    Raises FileRefused when the bytes are not what was declared, or when no guess is certain.
    """
    found, guessed = (named_encoding(encoding), False) if encoding is not None else _detected(file)
    _refuse_unreadable(file, found)
    file.seek(0)
    with _reader(file, found) as text:
        first = text.readline(LONGEST_LINE)
    return TextFormat(found, delimiter or _delimiter(first), guessed)


def text_rows(file: BinaryIO, written: TextFormat) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line that each begins on; raises FileRefused at a broken one.

    The file must have gone through `text_format`, which knows that no line of it fills the memory.
    """
    file.seek(0)
    with _reader(file, written.encoding) as text:
        rows = csv.reader(text, delimiter=written.delimiter, strict=True)
        begun = 1
        try:
            for cells in rows:
                if begun > 1 or not (len(cells) <= 2 and cells and cells[0].startswith("sep=")):
                    yield begun, cells
                begun = rows.line_num + 1
        except csv.Error as error:
            raise _broken(error, begun) from None


def _reader(file: BinaryIO, encoding: str) -> io.TextIOWrapper:
    spelt = "utf-8-sig" if encoding == "utf-8" else _utf16(file, encoding)
    return _Kept(file, encoding=spelt, newline="")


class _Kept(io.TextIOWrapper):
    """A reader that leaves the file open behind it."""

    def close(self) -> None:
        """Let go of the file without closing it; it may be closed, or let go of, already."""
        with suppress(ValueError):
            self.detach()

    def __exit__(self, *_: object) -> None:
        self.close()


def _utf16(file: BinaryIO, encoding: str) -> str:
    """UTF-16 without a byte order mark needs its order named; other encodings stay."""
    if encoding != "utf-16":
        return encoding
    file.seek(0)
    head = file.read(_LOOK)
    file.seek(0)
    if head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return "utf-16"
    return "utf-16-le" if head[1::2].count(0) >= head[0::2].count(0) else "utf-16-be"


def _broken(error: csv.Error, row: int) -> FileRefused:
    if "field larger" in str(error) or "unexpected end" in str(error):
        detail = "A quotation mark is opened here and not closed."
    else:
        detail = "A quotation mark stands inside a cell without being doubled."
    fix = 'Write a quotation mark inside a quoted cell twice (""), and close every quoted cell.'
    return FileRefused("broken_quotes", detail, fix, row)


def _detected(file: BinaryIO) -> tuple[str, bool]:
    file.seek(0)
    head = file.read(_LOOK)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", False
    if head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return "utf-16", False
    if b"\x00" in head[:4096]:
        return "utf-16", True
    if _decodes(file, "utf-8") is None:
        return "utf-8", False
    return _windows(file), True


def _windows(file: BinaryIO) -> str:
    """Arabic script stands in runs of letters beyond ASCII; an accent stands alone in a word."""
    file.seek(0)
    alone = together = 0
    while piece := file.read(_LOOK):
        for run in piece.translate(_RUNS).split():
            if len(run) > 1:
                together += len(run)
            else:
                alone += 1
    share = together / (alone + together or 1)
    if share >= _CLEAR:
        return "windows-1256"
    if share <= _UNCLEAR and _decodes(file, "windows-1252") is None:
        return "windows-1252"
    raise FileRefused(
        "unclear_encoding",
        "The file is not UTF-8, and its encoding cannot be told with certainty.",
        "Save it as UTF-8, or declare the encoding (windows-1252, windows-1256) in the mapping.",
    )


_RUNS = bytes(code if code >= _HIGH else 0x20 for code in range(256))


def _decodes(file: BinaryIO, encoding: str) -> int | None:
    """None when all bytes are text in the encoding, else the line of the first that is not."""
    lines = 1
    for text in _texts(file, encoding):
        if isinstance(text, int):
            return lines + text
        lines += text.count("\n")
    return None


def _texts(file: BinaryIO, encoding: str) -> Iterator[str | int]:
    """The text piece by piece; where it ends to be text, how many lines further that is."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(_utf16(file, encoding))()
    while True:
        piece = file.read(_LOOK)
        try:
            yield decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            yield piece[: error.start].count(b"\n")
            return
        if not piece:
            return


def _refuse_unreadable(file: BinaryIO, encoding: str) -> None:
    """Look through the whole file for what is no text, or is a line that would fill the memory."""
    lines, run = 1, 0
    for text in _texts(file, encoding):
        if isinstance(text, int):
            raise FileRefused(
                "wrong_encoding",
                f"The file is not text in {encoding}.",
                "Save it as UTF-8, or declare the encoding that it has.",
                lines + text,
            )
        if "\x00" in text:
            detail = "A line holds the character U+0000: this is no text table."
            at = lines + text.count("\n", 0, text.index("\x00"))
            raise FileRefused("not_text", detail, "Save the table as CSV.", at)
        # A piece is shorter than the longest line: only what runs on from piece to piece can be it.
        last = max(text.rfind("\n"), text.rfind("\r"))
        run = run + len(text) if last < 0 else len(text) - last - 1
        if run >= LONGEST_LINE:
            detail = "A line is longer than a million characters."
            raise FileRefused(
                "line_too_long", detail, "Send a table with a row on each line.", lines
            )
        lines += text.count("\n")


def _delimiter(line: str) -> str:
    if line.startswith("sep=") and line[4:5] in DELIMITERS:
        return line[4:5]
    bare = "".join(line.split('"')[::2])
    counts = {sign: bare.count(sign) for sign in DELIMITERS}
    most = max(counts.values())
    if most and list(counts.values()).count(most) > 1:
        raise FileRefused(
            "unclear_delimiter",
            "The first line has as many of one delimiter as of another.",
            "Declare the delimiter in the mapping.",
            1,
        )
    return max(counts, key=lambda sign: counts[sign])
