"""What is wrong with a cell or a row, as a value that a person can act on.

Owns the shape; where the cell stands (row, column) is known to whoever reads the file.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A stable code, what is wrong in words, and what to change; never the input itself."""

    code: str
    detail: str
    fix: str


class Faulty(Exception):  # noqa: N818 - carries a Fault, is no failure of the program
    """Ends the reading of one cell; only inside this package."""

    def __init__(self, code: str, detail: str, fix: str) -> None:
        super().__init__(code)
        self.fault = Fault(code, detail, fix)
