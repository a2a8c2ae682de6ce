"""The spool's files: framed lines, appended and synchronised, and the position beside them.

Owns bytes on disk. A line is framed by its checksum, so that an end torn by a crash is known; it
was never acknowledged to anybody, and is cut off.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

_NAME = re.compile(r"(\d{8})\.spool")
_SUM = 9
"""Eight hexadecimal digits and a space before each line."""


def framed(line: bytes) -> bytes:
    """A line with its checksum before it and its end after it."""
    return b"%08x %s\n" % (crc32(line), line)


@dataclass
class Segment:
    """One file of the spool; `size` counts the bytes that are safe."""

    number: int
    path: Path
    size: int

    def append(self, content: bytes) -> None:
        """Append and synchronise, or leave the file as it was; raises OSError."""
        handle = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            # What a failed attempt may have left beyond the safe bytes goes first.
            os.ftruncate(handle, self.size)
            os.lseek(handle, self.size, os.SEEK_SET)
            _write(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        self.size += len(content)

    def mend(self) -> None:
        """Cut off an end that a crash tore: whatever follows the last complete line."""
        content = self.path.read_bytes()
        end = content.rfind(b"\n") + 1
        if end < len(content):
            with self.path.open("r+b") as file:
                file.truncate(end)
                os.fsync(file.fileno())
        self.size = end

    def read(self, offset: int, most_lines: int, most_bytes: int) -> list[tuple[bytes, int]]:
        """Lines from an offset on with the offset after each; damaged ones are put aside."""
        found: list[tuple[bytes, int]] = []
        taken = 0
        with self.path.open("rb") as file:
            file.seek(offset)
            while len(found) < most_lines and offset < self.size:
                raw = file.readline()
                offset += len(raw)
                line = _checked(raw)
                if line is None:
                    self._put_aside(raw)
                    continue
                taken += len(line) + 1
                if found and taken > most_bytes:
                    break
                found.append((line, offset))
        return found

    def count(self, offset: int = 0) -> int:
        """Complete lines from an offset on."""
        with self.path.open("rb") as file:
            file.seek(offset)
            return sum(1 for _ in file)

    def _put_aside(self, raw: bytes) -> None:
        """Keep a line whose checksum is wrong: it cannot be sent, nor be forgotten."""
        append_synced(self.path.with_name("damaged"), raw)


def _checked(raw: bytes) -> bytes | None:
    line = raw[_SUM:-1]
    return line if raw[: _SUM - 1] == b"%08x" % crc32(line) else None


def found(folder: Path) -> list[Segment]:
    """The segments of a folder in order."""
    numbered = [(int(m[1]), path) for path in folder.iterdir() if (m := _NAME.fullmatch(path.name))]
    return [Segment(number, path, path.stat().st_size) for number, path in sorted(numbered)]


def begun(folder: Path, number: int) -> Segment:
    """A new, empty segment whose name survives a crash; raises OSError."""
    path = folder / f"{number:08}.spool"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    sync_folder(folder)
    return Segment(number, path, path.stat().st_size)


def read_position(path: Path) -> tuple[int, int]:
    """Segment and offset of what was delivered; (0, 0) where none can be read."""
    try:
        number, offset = path.read_bytes().split()
        return (int(number), int(offset))
    except (FileNotFoundError, ValueError):
        # Without a position everything is sent again, which is harmless.
        return (0, 0)


def write_position(path: Path, number: int, offset: int) -> None:
    """Replace the position as a whole, so that a crash leaves the old or the new."""
    new = path.with_name(f"{path.name}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _write(handle, b"%d %d\n" % (number, offset))
        os.fsync(handle)
    finally:
        os.close(handle)
    new.replace(path)
    sync_folder(path.parent)


def append_synced(path: Path, content: bytes) -> None:
    """Append to a file that is made when missing, and synchronise both."""
    fresh = not path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        _write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    if fresh:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Synchronise a folder, so that names made in it are kept."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(handle: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]
