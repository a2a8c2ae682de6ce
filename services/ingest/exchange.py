"""Answers and bodies of the intake's low-rate addresses.

Owns the small pieces that `routes`, `listing` and the register's routes share.
"""

import hashlib
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from fastapi import Request, Response

from services.ingest.bodies import JSON, ClientGone, head_of, whole
from shared.errors import Problem, not_found

_ENCODER = msgspec.json.Encoder()


def json_answer(document: Any, status: int = 200, **headers: str) -> Response:
    """A JSON answer encoded by msgspec."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(_ENCODER.encode(document), status, named, JSON)


async def json_body(request: Request, limit: int) -> bytes:
    """The request's JSON text, bounded; raises Problem 413 or 415, or 400 when it was cut off."""
    head = head_of(request.scope)
    head.media_type(JSON)
    head.bounded(limit)
    try:
        return await whole(request.receive, limit)
    except ClientGone:
        raise Problem(400, "cut_off", "The body was cut off.") from None


def visit_key(text: str) -> UUID:
    """The visit id of a path; raises Problem 404 when it is none."""
    try:
        return UUID(text)
    except ValueError:
        raise not_found("visit") from None


def next_link(request: Request, cursor: str) -> str:
    """The Link header of the next page."""
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    return f'<{request.url.path}?{urlencode([*asked, ("after", cursor)])}>; rel="next"'


def tagged(request: Request, answer: Response) -> Response:
    """The answer with an entity tag of its content, or 304 when the caller has just that.

    Whether another page follows is part of the content.
    """
    content = bytes(answer.body) + answer.headers.get("Link", "").encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    answer.headers["ETag"] = tag
    return answer
