"""Forms that people post, and in whose name a page asks other services.

Owns the protection of posted forms: the cookie is SameSite=Strict, the browser's own word about
where the form came from is heeded, and a token that only this site's pages know must come along.
"""

import hashlib
import hmac
from urllib.parse import parse_qs

from fastapi import Request

from shared.errors import Problem
from shared.security import SESSION_COOKIE

# Two thousand letters of Urdu are twelve thousand bytes in a form.
MOST_BYTES = 32 * 1024
TOKEN_FIELD = "form_token"  # noqa: S105 - the name of a field


def form_token(request: Request) -> str:
    """What a page puts into its forms: derived from the session, useless without it."""
    session = request.cookies.get(SESSION_COOKIE, "")
    return hmac.new(session.encode(), b"form", hashlib.sha256).hexdigest()[:40]


def refuse_foreign(request: Request) -> None:
    """Raise Problem 403 when the browser says that another site posted this."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise foreign_form()


def refuse_forged(request: Request, fields: dict[str, str]) -> None:
    """Raise Problem 403 unless a form posted with a cookie carries its page's token.

    A key in the Authorization header is never sent by a browser on its own: no token is needed.
    """
    if request.headers.get("authorization") is not None:
        return
    if not hmac.compare_digest(fields.get(TOKEN_FIELD, ""), form_token(request)):
        raise foreign_form()


def foreign_form() -> Problem:
    """The one refusal of a form that this site's pages did not make."""
    return Problem(403, "foreign_form", "This form was not sent from this site.")


async def read_form(
    request: Request, *, token: bool = True, most: int = MOST_BYTES
) -> dict[str, str]:
    """The fields of a small form, trimmed; of one name the last.

    Raises Problem 413 beyond `most` bytes, 403 when this site's pages did not make it.
    """
    refuse_foreign(request)
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise Problem(413, "too_large", "The form is too large.")
    try:
        fields = parse_qs(body.decode("utf-8", errors="replace"), max_num_fields=40)
    except ValueError:
        raise Problem(400, "bad_form", "The form has too many fields.") from None
    read = {name: values[-1].strip() for name, values in fields.items()}
    if token:
        refuse_forged(request, read)
    return read


def credential(request: Request) -> dict[str, str]:
    """The headers by which the caller of a page is known to other services."""
    key = request.headers.get("authorization")
    if key is not None:
        return {"Authorization": key}
    return {"Cookie": f"{SESSION_COOKIE}={request.cookies.get(SESSION_COOKIE, '')}"}
