"""A submission as it stands, and the reasons for which one is not applied, as they are stored.

Owns the row's value; how rows come about is left to `inbox`, what becomes of them to `applying`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from services.ingest.adapters.tables import SubmissionRow
from shared.errors import FieldError, Problem

_ENCODER = msgspec.json.Encoder()
NAMES = tuple(SubmissionRow.model_fields)
COLUMNS = ",".join(NAMES)


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission as it stands; see the table for what each column means."""

    adapter: str
    form: str
    identity: str
    seq: int
    digest: str
    position: str
    remote: str
    state: str
    reason: str | None
    visit_id: str | None
    excluded: str | None
    deleted: int
    forced: int
    held_until: int
    first_at: int
    version: int
    scan: int


def rows_of(submissions: Iterable[Submission]) -> list[tuple[Any, ...]]:
    """Submissions as rows, in the order of `COLUMNS`."""
    return [tuple(getattr(one, name) for name in NAMES) for one in submissions]


def reason_of(problem: Problem) -> str:
    """Why something was not applied, as it is stored: a list of pointers, codes and sentences."""
    errors = problem.errors or (FieldError("", problem.code, problem.detail),)
    return _ENCODER.encode([error.document() for error in errors]).decode()
