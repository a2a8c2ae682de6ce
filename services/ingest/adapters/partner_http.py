"""Asking a partner's server: bounded in time and size, without redirects, told in our words.

Owns the limits that keep one partner's trouble its own. What is asked is left to `kobo` and `odk`.
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from services.ingest.adapters.declared import Adapter
from services.ingest.adapters.schemas import LoginIn

PAGE_BYTES = 16 * 1024 * 1024
PHOTO_BYTES = 32 * 1024 * 1024
_CONNECT_SECONDS = 5.0
_SILENT_SECONDS = 20.0
_ANSWER_SECONDS = 60.0
_LONGEST_WAIT = 3600


class PartnerError(Exception):
    """A partner's server did not answer well; `status` is its answer's, 0 when there was none."""

    def __init__(self, code: str, detail: str, status: int = 0, wait: int | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.wait = wait


class PartnerServer:
    """One partner's server; close it with `aclose`. `patience` is seconds for a whole answer."""

    def __init__(self, adapter: Adapter, patience: float = _ANSWER_SECONDS) -> None:
        self._patience = patience
        self._client = httpx.AsyncClient(
            base_url=(adapter.config.url or "").rstrip("/"),
            headers={"Accept-Encoding": "identity", "User-Agent": "RTSM"}
            | _authorization(adapter.config.kind, adapter.login),
            timeout=httpx.Timeout(min(_SILENT_SECONDS, patience), connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=4),
            follow_redirects=False,
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def page(self, path: str, params: Mapping[str, str] | None = None) -> bytes:
        """The body of an answer; raises PartnerError."""
        parts = []
        async with self._asked(path, params) as answer:
            async for piece in _pieces(answer, PAGE_BYTES):
                parts.append(piece)  # noqa: PERF401 - the limit must hold while it grows
        return b"".join(parts)

    async def digest(self, path: str) -> str:
        """The SHA-256 of a file, which is not kept; raises PartnerError."""
        found = hashlib.sha256()
        async with self._asked(path, None) as answer:
            async for piece in _pieces(answer, PHOTO_BYTES):
                found.update(piece)
        return found.hexdigest()

    @asynccontextmanager
    async def _asked(
        self, path: str, params: Mapping[str, str] | None
    ) -> AsyncIterator[httpx.Response]:
        try:
            async with (
                asyncio.timeout(self._patience),
                self._client.stream("GET", path, params=params) as answer,
            ):
                _check(answer)
                yield answer
        except TimeoutError:
            raise PartnerError("partner_slow", "The server did not answer in time.") from None
        except httpx.TimeoutException:
            raise PartnerError("partner_slow", "The server did not answer in time.") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError):
            detail = "The server cannot be reached or broke off."
            raise PartnerError("partner_unreachable", detail) from None


async def _pieces(answer: httpx.Response, most: int) -> AsyncIterator[bytes]:
    size = 0
    async for piece in answer.aiter_raw():
        size += len(piece)
        if size > most:
            raise PartnerError("partner_too_large", f"The answer is larger than {most} bytes.")
        yield piece


def _check(answer: httpx.Response) -> None:
    status = answer.status_code
    if status == 200:
        if answer.headers.get("content-encoding", "identity") != "identity":
            detail = "The answer is compressed although that was not asked for."
            raise PartnerError("partner_encoded", detail, status)
        return
    if status in {401, 403}:
        raise PartnerError("partner_refuses", "The server refuses the login.", status)
    if 300 <= status < 400:
        detail = "The server sends us elsewhere; declare its final address."
        raise PartnerError("partner_redirects", detail, status)
    raise PartnerError(
        "partner_error", f"The server answered {status}.", status, _retry_after(answer)
    )


def _retry_after(answer: httpx.Response) -> int | None:
    text = answer.headers.get("retry-after", "")
    return min(int(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else None


def _authorization(kind: str, login: LoginIn | None) -> dict[str, str]:
    if login is None:
        return {}
    if login.token is not None:
        return {"Authorization": f"{'Token' if kind == 'kobo' else 'Bearer'} {login.token}"}
    pair = f"{login.username}:{login.password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
