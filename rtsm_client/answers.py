"""What the server answers, as values, read strictly: an answer of another shape is not believed.

Owns the reading of receipts, batch answers, records and problems. Fields the server adds are left
out rather than refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rtsm_client.errors import FieldError, Refused, Unexpected, refusal

COUNTS = ("accepted", "replayed", "quarantined", "rejected")
KEPT_PROBLEMS = 1_000


@dataclass(frozen=True, slots=True)
class Flag:
    """Something noticed about a visit that does not stop it; `pointer` names the field."""

    code: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server's word that a visit is stored under (source, visit_id) at a revision."""

    visit_id: str
    source: str
    revision: int
    status: str
    flags: tuple[Flag, ...]
    received_at: str
    position: int
    figures: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A stored visit: its latest revision and the form as it was sent."""

    visit_id: str
    source: str
    revision: int
    status: str
    form: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one visit of many; `index` counts from 0, `problem` says why not."""

    index: int
    visit_id: str | None
    status: str
    problem: Refused | None = None


@dataclass(slots=True)
class Summary:
    """How many visits had which fate, and the first thousand that were refused."""

    accepted: int = 0
    replayed: int = 0
    quarantined: int = 0
    rejected: int = 0
    problems: list[Result] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Visits that have an answer."""
        return self.accepted + self.replayed + self.quarantined + self.rejected

    def add(self, result: Result) -> None:
        """Count one result."""
        setattr(self, result.status, getattr(self, result.status) + 1)
        if result.problem is not None and len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(result)

    def join(self, other: "Summary") -> None:
        """Add another summary to this one."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.problems += other.problems[: KEPT_PROBLEMS - len(self.problems)]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sending is; while it waits for the network, `trouble` says why and how long."""

    summary: Summary
    sent_bytes: int
    trouble: str | None = None
    waiting_seconds: float = 0.0


def receipt_of(document: Any) -> Receipt:
    """Read a receipt; raises Unexpected."""
    try:
        return Receipt(
            visit_id=_text(document["visit_id"]),
            source=_text(document["source"]),
            revision=_number(document["revision"]),
            status=_text(document["status"]),
            flags=tuple(Flag(_text(f["code"]), _text(f["pointer"])) for f in document["flags"]),
            received_at=_text(document["received_at"]),
            position=_number(document["position"]),
            figures=document.get("figures"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Unexpected("The answer is no receipt.") from error


def record_of(document: Any) -> Record:
    """Read a stored visit; raises Unexpected."""
    try:
        return Record(
            visit_id=_text(document["visit_id"]),
            source=_text(document["source"]),
            revision=_number(document["revision"]),
            status=_text(document["status"]),
            form=dict(document["form"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unexpected("The answer is no visit.") from error


def results_of(document: Any, first: int, count: int) -> list[Result]:
    """Read the answers to `count` visits, numbered on from `first`; raises Unexpected.

    An answer that does not speak of every visit sent, in order, is not taken for any of them.
    """
    try:
        items = document["results"]
        if [item["index"] for item in items] != list(range(count)):
            raise Unexpected("The answer does not speak of every visit sent.")
        return [_result(item, first) for item in items]
    except (KeyError, TypeError) as error:
        raise Unexpected("The answer is no answer to a batch.") from error


def _result(item: Any, first: int) -> Result:
    status = item["status"]
    if status not in COUNTS:
        raise Unexpected("The answer names a fate this client does not know.")
    problem = problem_of(item["problem"]) if status == "rejected" else None
    return Result(first + item["index"], item["visit_id"], status, problem)


def problem_of(document: Any, status: int | None = None) -> Refused:
    """Read a problem document; `status` is the answer's own. Raises Unexpected."""
    try:
        code = _text(document["type"]).rpartition("/")[2]
        errors = tuple(
            FieldError(_text(e["pointer"]), _text(e["code"]), _text(e["detail"]))
            for e in document.get("errors", ())
        )
        said = _number(document["status"]) if status is None else status
        return refusal(said, code, str(document.get("detail", "")), errors)
    except (KeyError, TypeError, AttributeError) as error:
        raise Unexpected("The answer is no problem document.") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("not a whole number")
    return value
