"""What goes wrong, as a value: every refusal of every service is one `Problem` (RFC 9457).

Owns the shape of an error; turning it into an HTTP answer is left to `shared.web`.
A detail is written by us: what the caller sent is never echoed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field, named by an RFC 6901 pointer."""

    pointer: str
    code: str
    detail: str

    def document(self) -> dict[str, str]:
        """The wire form."""
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail}


class Problem(Exception):  # noqa: N818 - the RFC's own word
    """A refusal with its HTTP status, a stable code and a detail that a person can act on."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        retryable: bool | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.retryable = status in {429, 502, 503, 504} if retryable is None else retryable
        self.extra = extra

    def document(self, instance: str | None = None) -> dict[str, Any]:
        """The problem+json document; `instance` is the path that was asked for."""
        document: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "retryable": self.retryable,
        }
        if instance is not None:
            document["instance"] = instance
        if self.errors:
            document["errors"] = [error.document() for error in self.errors]
        return document | self.extra


def invalid(pointer: str, code: str, detail: str) -> Problem:
    """A 422 about one field."""
    return Problem(422, code, detail, errors=[FieldError(pointer, code, detail)])


def not_found(what: str) -> Problem:
    """A 404 that says the same whether a thing is absent or out of the caller's scope."""
    return Problem(404, "not_found", f"There is no such {what}, or it is outside your scope.")
