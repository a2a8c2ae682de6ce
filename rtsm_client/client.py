"""The client: one visit, many visits, corrections and withdrawals, each safe to give again.

Owns paths, headers and what is believed of an answer. Packing is left to `parcels`, trying again to
`exchange`, keeping visits while there is no network to `spool`.
"""

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx

from rtsm_client.answers import (
    Progress,
    Receipt,
    Record,
    Result,
    Summary,
    receipt_of,
    record_of,
    results_of,
)
from rtsm_client.errors import Passing, TooLarge, Unexpected
from rtsm_client.exchange import Call, Exchange, Waiting
from rtsm_client.parcels import PARCEL_BYTES, PARCEL_LINES, Parcels, Sendable, line_of
from rtsm_client.patience import Patience

_JSON = {"Content-Type": "application/json"}
_NDJSON = {"Content-Type": "application/x-ndjson", "Accept": "application/json"}


class Client:
    """Sends visits to one RTSM server with one key; close it, or use it in a `with`.

    `timeout` is in seconds and for each wait for the network, not for a whole call. `source` names
    another source than the key's own, for admin keys.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        source: str | None = None,
        patience: Patience | None = None,
        timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}", "User-Agent": "rtsm-client/1"},
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            follow_redirects=False,
            transport=transport,
        )
        self._source = {} if source is None else {"source": source}
        self._exchange = Exchange(self._http, patience or Patience(), sleep, chance)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self, visit: Sendable, *, wait_for_figures: bool = False, waiting: Waiting | None = None
    ) -> Receipt:
        """Send one visit until there is an answer; the same visit again gets the same receipt.

        Raises Refused of some kind, NotSendable, or Unreachable, Unavailable or Unexpected when
        patience has ended.
        """
        params = self._source | ({"wait": "figures"} if wait_for_figures else {})
        call = Call("POST", "/v1/visits", line_of(visit), _JSON, params)
        receipt = receipt_of(self._exchange.patiently(call, waiting))
        sent = _id_in(visit)
        if sent is not None and sent != receipt.visit_id:
            raise Unexpected("The receipt is about another visit.")
        return receipt

    def send_many(
        self,
        visits: Iterable[Sendable],
        *,
        progress: Callable[[Progress], None] | None = None,
        on_result: Callable[[Result], None] | None = None,
        parcel_bytes: int = PARCEL_BYTES,
        parcel_lines: int = PARCEL_LINES,
    ) -> Summary:
        """Send visits in parcels, each until it is answered; memory holds one parcel.

        A visit that is refused stops nobody else: it is told by `on_result`, counted, and among
        the summary's problems. Raises as `send` does when no parcel goes through any more; all that
        was told to `on_result` has been answered, and sending everything again is harmless.
        """
        done = Summary()
        sent = 0

        def told(trouble: str | None = None, seconds: float = 0.0) -> None:
            if progress is not None:
                progress(Progress(done, sent, trouble, seconds))

        parcels = Parcels((line_of(visit) for visit in visits), parcel_bytes, parcel_lines)
        for lines, document in self._answered(parcels, lambda t, s: told(str(t), s)):
            for result in results_of(document, done.total, len(lines)):
                done.add(result)
                if on_result is not None:
                    on_result(result)
            sent += sum(len(line) + 1 for line in lines)
            told()
        return done

    def _answered(
        self, parcels: Parcels, waiting: Waiting
    ) -> Iterator[tuple[list[bytes], Mapping[str, Any]]]:
        """Each parcel with its answer; after a failure the next try is with half of it."""
        spell = self._exchange.spell(waiting)
        while lines := parcels.parcel():
            content = b"".join(line + b"\n" for line in lines)
            call = Call("POST", "/v1/visits/batch", content, _NDJSON, self._source)
            try:
                document = self._exchange.once(call)
                results_of(document, 0, len(lines))
            except TooLarge:
                if not parcels.smaller(len(lines)):
                    raise
                continue
            except Passing as trouble:
                parcels.smaller(len(lines))
                spell.wait(trouble)
                continue
            yield lines, document
            parcels.delivered(len(lines))
            spell = self._exchange.spell(waiting)

    def correct(self, visit_id: str | UUID, revision: int, form: Sendable) -> Receipt:
        """Replace the form of a visit that stands at `revision`; restores a withdrawn one.

        Raises Stale when somebody changed it meanwhile; giving the same correction again is safe.
        """
        headers = _JSON | {"If-Match": f'"{revision}"'}
        call = Call(
            "PUT", f"/v1/visits/{UUID(str(visit_id))}", line_of(form), headers, self._source
        )
        return receipt_of(self._exchange.patiently(call))

    def withdraw(
        self, visit_id: str | UUID, reason: str | None = None, *, revision: int | None = None
    ) -> Receipt:
        """Withdraw a visit: it counts no more, its history stays. Again changes nothing.

        With `revision`, only when it stands there; raises Stale otherwise.
        """
        headers = {} if revision is None else {"If-Match": f'"{revision}"'}
        params = self._source | ({} if reason is None else {"reason": reason})
        call = Call("DELETE", f"/v1/visits/{UUID(str(visit_id))}", None, headers, params)
        return receipt_of(self._exchange.patiently(call))

    def visit(self, visit_id: str | UUID) -> Record:
        """The latest revision of a visit; raises NotFound, or Withdrawn."""
        call = Call("GET", f"/v1/visits/{UUID(str(visit_id))}", params=self._source)
        return record_of(self._exchange.patiently(call))


def _id_in(visit: Sendable) -> str | None:
    """The id that a visit carries, as the server writes it; None when it carries none."""
    try:
        form = json.loads(visit) if isinstance(visit, bytes) else visit
        return str(UUID(str(form["visit_id"])))
    except (ValueError, KeyError, TypeError):
        return None
