"""A mapping tried on submissions: what visits would come of them, and what it leaves unread.

Owns the dry run; nothing is stored.
"""

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct

from services.ingest.adapters.applying import form_of, visit_id_of
from services.ingest.adapters.declared import Adapter
from services.ingest.adapters.mapping import check, mapped, refusal
from services.ingest.adapters.payloads import read_payload
from services.ingest.adapters.schemas import MappingIn
from services.ingest.drafts import Drafter
from shared.errors import Problem

Document = dict[str, Any]


class RehearsalIn(Struct, forbid_unknown_fields=True):
    """Submissions as the partner's server shows them, and a mapping that is not declared yet."""

    submissions: Annotated[list[Raw], Meta(min_length=1, max_length=200)]
    mapping: MappingIn | None = None


def rehearse(adapter: Adapter, form: str, given: RehearsalIn, drafter: Drafter) -> Document:
    """What would become of each submission; raises Problem 404, or 422 for the mapping."""
    if given.mapping is not None:
        check(given.mapping, "/mapping")
    mapping = given.mapping or adapter.mapping(form)
    unmapped: set[str] = set()
    absent: list[set[str]] = []
    results = []
    for index, row in enumerate(given.submissions):
        result: Document = {"index": index, "submission": None, "visit": None, "errors": []}
        try:
            payload = read_payload(adapter.config.kind, bytes(row))
            result["submission"] = payload.root
            read = mapped(mapping, payload.answers or {})
            unmapped |= set(read.unmapped)
            absent.append(set(read.absent))
            result["visit"] = read.form
            if read.errors:
                raise refusal(read.errors)
            raw = form_of(visit_id_of(payload.root), payload, read, [])
            drafter.posted(raw, adapter.principal)
        except Problem as problem:
            errors = [error.document() for error in problem.errors]
            result["errors"] = errors or [
                {"pointer": "", "code": problem.code, "detail": problem.detail}
            ]
        results.append(result)
    never = set.intersection(*absent) if absent else set()
    return {
        "form": form,
        "good": sum(not result["errors"] for result in results),
        "bad": sum(bool(result["errors"]) for result in results),
        "unmapped": sorted(unmapped),
        "never_answered": sorted(never),
        "submissions": results,
    }
