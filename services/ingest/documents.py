"""The intake in OpenAPI: request bodies from the very structs that decode them, with examples.

Owns descriptions only; nothing here is consulted when a request comes in.
"""

from typing import Any

import msgspec

from services.ingest.registry.schemas import SchoolIn, TargetIn, UnitIn
from services.ingest.schemas import CorrectionIn, ReviewIn, VisitIn

Document = dict[str, Any]

VISIT_EXAMPLE: Document = {
    "visit_id": "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f",
    "school_code": "01001",
    "visited_at": "2018-03-05T09:40:00+05:00",
    "ended_at": "2018-03-05T10:25:00+05:00",
    "monitor_id": "M-0417",
    "status": "open",
    "students": {"boys": {"enrolled": 64, "present": 47}, "girls": {"enrolled": 51, "present": 39}},
    "teachers": {"male": {"posted": 3, "present": 2}, "female": {"posted": 2, "present": 1}},
    "rooms": {"available": 6, "usable": 5},
    "toilets": {"girls": {"available": 1, "usable": 1}},
    "oversight": {"official_visit_last_30_days": True, "visitor_post": "cluster_head"},
}
RECEIPT_EXAMPLE: Document = {
    "visit_id": "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f",
    "source": "pmc-tablets",
    "revision": 1,
    "status": "accepted",
    "flags": [{"code": "short_visit", "pointer": "/ended_at"}],
    "received_at": "2018-03-05T06:12:44.017212Z",
    "position": 4711,
}
BATCH_EXAMPLE: Document = {
    "accepted": 1,
    "replayed": 0,
    "quarantined": 0,
    "rejected": 1,
    "results": [
        {"index": 0, "visit_id": "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f", "status": "accepted"},
        {
            "index": 1,
            "visit_id": None,
            "status": "rejected",
            "problem": {"type": "/problems/missing", "status": 422},
        },
    ],
}
RECORD_EXAMPLE: Document = RECEIPT_EXAMPLE | {"form": VISIT_EXAMPLE}
HISTORY_EXAMPLE: Document = {
    "source": "pmc-tablets",
    "visit_id": "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f",
    "received_at": "2018-03-05T06:12:44.017212Z",
    "revisions": [
        {
            "revision": 1,
            "kind": "accepted",
            "recorded_at": "2018-03-05T06:12:44.019518Z",
            "form": VISIT_EXAMPLE,
        }
    ],
}
WAIT: Document = {
    "name": "wait",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": ["figures"]},
    "description": "Answer once the figures hold it, or after five seconds as `pending`.",
}
UNIT_EXAMPLE: Document = {
    "unit_id": "PK-BA-QTA",
    "name": "Quetta",
    "names": {"ur": "کوئٹہ"},
    "level": "district",
    "parent_id": "PK-BA-QDIV",
    "valid_from": "2018-01-01",
}
SCHOOL_EXAMPLE: Document = {
    "school_code": "01001",
    "name": "Government Primary School Killi Alamas",
    "unit_id": "CL-01",
    "level": "primary",
    "gender": "boys",
    "zone": "winter",
    "status": "open",
    "lat": 30.38,
    "lon": 67.72,
}
TARGET_EXAMPLE: Document = {
    "indicator": "student_attendance",
    "unit_id": "PK-BA",
    "from": "2018-01-01",
    "to": "2018-12-31",
    "baseline": 0.7,
    "target": 0.8,
}
_PROBLEM: Document = {
    "type": "/problems/present_exceeds_enrolled",
    "title": "Unprocessable Content",
    "status": 422,
    "detail": "More pupils are present than enrolled.",
    "instance": "/v1/visits",
    "retryable": False,
    "errors": [
        {
            "pointer": "/students/boys/present",
            "code": "present_exceeds_enrolled",
            "detail": "More pupils are present than enrolled.",
        }
    ],
}
_MEANINGS = {
    400: "The body is no JSON",
    401: "No valid key",
    403: "The key lacks the scope",
    404: "Unknown, or outside the key's units",
    409: "Another visit has this id",
    410: "The visit was withdrawn",
    412: "The visit is at another revision by now",
    413: "Too large",
    415: "Not JSON in UTF-8",
    422: "A rule or the schema is broken",
    428: "If-Match is missing",
}


def inlined(kind: Any) -> Document:
    """The JSON schema of a kind of body, self-contained."""
    schema = msgspec.json.schema(kind)
    parts = schema.pop("$defs", {})

    def resolved(node: Any) -> Any:
        if isinstance(node, dict):
            reference = node.get("$ref")
            if reference is not None:
                return resolved(parts[reference.rpartition("/")[2]])
            return {key: resolved(value) for key, value in node.items()}
        if isinstance(node, list):
            return [resolved(item) for item in node]
        return node

    document: Document = resolved(schema)
    return document


def body(kind: Any, example: Any, media: str = "application/json") -> Document:
    """A required request body."""
    content = {media: {"schema": inlined(kind), "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def visit_body() -> Document:
    """The body of a posted visit."""
    return body(VisitIn, VISIT_EXAMPLE)


def correction_body() -> Document:
    """The body of a corrected visit."""
    return body(CorrectionIn, VISIT_EXAMPLE)


def batch_body() -> Document:
    """The body of a batch, as an array or as lines."""
    document = body(list[VisitIn], [VISIT_EXAMPLE])
    line = msgspec.json.encode(VISIT_EXAMPLE).decode() + "\n"
    lines = {"schema": {"type": "string"}, "example": line}
    document["requestBody"]["content"]["application/x-ndjson"] = lines
    return document


def review_body() -> Document:
    """The body of a review."""
    return body(ReviewIn, {"decision": "exclude", "reason": "another school was visited"})


def units_body() -> Document:
    """The body of an upload of units."""
    return body(list[UnitIn], [UNIT_EXAMPLE])


def schools_body() -> Document:
    """The body of an upload of schools."""
    return body(list[SchoolIn], [SCHOOL_EXAMPLE])


def targets_body() -> Document:
    """The body of an upload of targets."""
    return body(list[TargetIn], [TARGET_EXAMPLE])


def answers(good: dict[int, tuple[str, Any]], *problems: int) -> dict[int | str, Document]:
    """Responses: examples of the good ones, problem documents for the others."""
    documents: dict[int | str, Document] = {
        status: {
            "description": text,
            "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
        }
        for status, (text, example) in good.items()
    }
    for status in sorted({401, 403, *problems}):
        example = _PROBLEM | {"status": status, "title": _MEANINGS[status]}
        if status != _PROBLEM["status"]:
            example = {key: value for key, value in example.items() if key != "errors"}
        content = {"application/problem+json": {"schema": {"type": "object"}, "example": example}}
        documents[status] = {"description": _MEANINGS[status], "content": content}
    return documents


def receipts(*statuses: int) -> dict[int, tuple[str, Any]]:
    """Good answers that are receipts."""
    words = {200: "Stored, or known already", 201: "Accepted", 202: "Accepted, in quarantine"}
    return {status: (words[status], RECEIPT_EXAMPLE) for status in statuses}
