"""What an import tells people: a line of the loss report, and the refusal of a whole file.

Owns the shapes; sentences about single cells come from `cleaning`, about rules from `fixes`.
"""

from dataclasses import dataclass

from services.ingest.cleaning.faults import Fault

REFUSED = "row_refused"
LEFT_OUT = "cell_left_out"
NOTED = "noted"


@dataclass(frozen=True, slots=True)
class Loss:
    """A line of the loss report: file row (as a spreadsheet counts), column, fault and effect."""

    row: int
    column: str | None
    fault: Fault
    effect: str = REFUSED


class FileRefused(Exception):  # noqa: N818 - a kind with a fate
    """The file cannot be read as a table; nothing of it is taken. `row` is where, if known."""

    def __init__(self, code: str, detail: str, fix: str, row: int = 0) -> None:
        super().__init__(detail)
        self.loss = Loss(row, None, Fault(code, detail, fix))
