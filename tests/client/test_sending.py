"""The client against a real server, over a network that drops and a server that is killed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from rtsm_client import (
    Client,
    Conflict,
    Invalid,
    NotSendable,
    Patience,
    Result,
    Stale,
    Unauthenticated,
    Unavailable,
    Unexpected,
    Unreachable,
    Visit,
    Withdrawn,
)
from tests.client.proxy import DroppingProxy
from tests.client.server import Server, visits


@pytest.fixture
def proxy(server: Server) -> Iterator[DroppingProxy]:
    opened = DroppingProxy(server.served.port)
    yield opened
    opened.close()


def client(url: str, server: Server, **more: Any) -> Client:
    more.setdefault("sleep", lambda seconds: None)
    return Client(url, server.key, timeout=10, **more)


def answering(*answers: httpx.Response) -> httpx.MockTransport:
    left = list(answers)
    return httpx.MockTransport(lambda request: left.pop(0))


def problem(status: int, **headers: str) -> httpx.Response:
    kind = {"content-type": "application/problem+json"}
    document = {"type": "/problems/busy", "status": status, "detail": "Busy.", "title": "Busy"}
    return httpx.Response(status, json=document, headers=kind | headers)


RECEIPT = {
    "visit_id": visits(1)[0]["visit_id"],
    "source": "test",
    "revision": 1,
    "status": "accepted",
    "flags": [],
    "received_at": "2018-03-05T04:40:00Z",
    "position": 1,
}


def test_every_visit_counts_once_over_connections_that_drop(
    server: Server, proxy: DroppingProxy
) -> None:
    """Cut in the middle of requests, before answers, within answers."""
    before = server.stored()
    sent = visits(2_000, start=10_000)
    proxy.plan.extend([-300, 0, 60, -60_000, 17, None, 0, -100_000, 200])
    with client(proxy.url, server, patience=Patience(tries=12)) as sender:
        done = sender.send_many(sent, parcel_lines=700)
    assert proxy.cut >= 5
    assert (done.total, done.rejected, done.quarantined) == (2_000, 0, 0)
    assert done.replayed > 0  # answers were lost after the commit
    assert server.stored() == before | {visit["visit_id"]: 1 for visit in sent}


def test_every_visit_counts_once_though_the_server_is_killed(server: Server) -> None:
    before = server.stored()
    sent = visits(3_000, start=20_000)
    kills = [700, 1_900]

    def kill(result: Result) -> None:
        if kills and result.index >= kills[0]:
            kills.pop(0)
            server.served.kill()

    restarted = []

    def restart(seconds: float) -> None:
        restarted.append(seconds)
        server.served.start()

    with client(server.url, server, sleep=restart) as sender:
        done = sender.send_many(sent, parcel_lines=400, on_result=kill)
    assert restarted
    assert (done.total, done.rejected) == (3_000, 0)
    assert server.stored() == before | {visit["visit_id"]: 1 for visit in sent}


def test_one_visit_whose_answer_is_lost_keeps_its_receipt(
    server: Server, proxy: DroppingProxy
) -> None:
    visit = visits(1, start=1)[0]
    proxy.plan.extend([0, 40])
    with client(proxy.url, server) as sender:
        first = sender.send(visit)
        assert proxy.cut == 2
        assert sender.send(visit) == first
        assert first.revision == 1
        with pytest.raises(Conflict):
            sender.send(visit | {"remarks": "another"})


def test_a_correction_is_safe_to_give_again(server: Server, proxy: DroppingProxy) -> None:
    visit = visits(1, start=2)[0]
    proxy.plan.extend([None])
    with client(proxy.url, server) as sender:
        sender.send(visit)
    better = visit | {"remarks": "counted again"}
    proxy.plan.extend([0])
    with client(proxy.url, server) as sender:
        corrected = sender.correct(visit["visit_id"], 1, better)
        assert proxy.cut == 1
        assert corrected.revision == 2
        assert sender.visit(visit["visit_id"]).form["remarks"] == "counted again"
        with pytest.raises(Stale):
            sender.correct(visit["visit_id"], 1, visit | {"remarks": "somebody else"})
    proxy.plan.extend([0])
    with client(proxy.url, server) as sender:
        assert sender.withdraw(visit["visit_id"], "twice on paper").status == "withdrawn"
        with pytest.raises(Withdrawn):
            sender.visit(visit["visit_id"])
        assert sender.correct(visit["visit_id"], 3, better).revision == 4


def test_what_is_refused_stops_nobody_else(server: Server) -> None:
    good, bad = visits(2, start=3)
    bad = bad | {"students": {"boys": {"enrolled": 5, "present": 6}}}
    with client(server.url, server) as sender:
        done = sender.send_many([bad, good, b'{"visit_id": nonsense'])
        assert (done.accepted, done.rejected) == (1, 2)
        assert [result.index for result in done.problems] == [0, 2]
        first = done.problems[0].problem
        assert isinstance(first, Invalid)
        assert first.errors[0].pointer == "/students/boys/present"
        with pytest.raises(Invalid) as refused:
            sender.send(bad)
    assert refused.value.errors[0].code == "present_exceeds_enrolled"


def test_a_wrong_key_is_told_at_once(server: Server) -> None:
    with (
        Client(server.url, "rtsm_000000000000_wrong", sleep=pytest.fail) as sender,
        pytest.raises(Unauthenticated),
    ):
        sender.send(visits(1)[0])


def test_the_servers_wish_to_wait_is_kept() -> None:
    waited: list[float] = []
    dates = {"date": "Mon, 05 Mar 2018 04:40:00 GMT"}
    transport = answering(
        problem(429, **{"retry-after": "7"}),
        problem(503, **{"retry-after": "Mon, 05 Mar 2018 04:40:20 GMT"} | dates),
        httpx.Response(502, text="bad gateway"),
        httpx.Response(200, json=RECEIPT),
    )
    with Client("http://x", "k", transport=transport, sleep=waited.append, chance=lambda: 0) as it:
        assert it.send(visits(1)[0]).position == 1
    assert waited == [7, 20, 1.0]


def test_patience_ends_with_the_last_trouble() -> None:
    transport = answering(*(problem(503, **{"retry-after": "1"}) for _ in range(3)))
    waited: list[float] = []
    patience = Patience(tries=3)
    with (
        Client("http://x", "k", transport=transport, sleep=waited.append, patience=patience) as it,
        pytest.raises(Unavailable) as given_up,
    ):
        it.send(visits(1)[0])
    assert given_up.value.retry_after == 1
    assert len(waited) == 2


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html>Please sign in to the guest network</html>"),
        httpx.Response(302, headers={"location": "http://guest.example/sign-in"}),
        httpx.Response(200, json={"ok": True}),
        httpx.Response(201, json=RECEIPT | {"visit_id": visits(1, start=9)[0]["visit_id"]}),
        httpx.Response(404, html="<html>no such site</html>"),
    ],
    ids=["sign-in page", "redirect", "other JSON", "another's receipt", "foreign 404"],
)
def test_an_answer_that_is_not_the_servers_is_not_believed(answer: httpx.Response) -> None:
    transport = httpx.MockTransport(lambda request: answer)
    patience = Patience(tries=1)
    with (
        Client("http://x", "k", transport=transport, patience=patience) as it,
        pytest.raises(Unexpected),
    ):
        it.send(visits(1)[0])


def test_an_answer_about_fewer_visits_is_not_believed() -> None:
    short = {"results": [{"index": 0, "visit_id": None, "status": "accepted"}]}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=short))
    patience = Patience(tries=1)
    with (
        Client("http://x", "k", transport=transport, patience=patience) as it,
        pytest.raises(Unexpected),
    ):
        it.send_many(visits(2))


def test_parcels_stay_below_the_servers_limit_and_shrink_for_a_proxys() -> None:
    sizes: list[int] = []

    def take(request: httpx.Request) -> httpx.Response:
        sizes.append(len(request.content))
        if len(request.content) > 10_000:
            return httpx.Response(413, html="<html>too large</html>")
        return httpx.Response(200, json={"results": _taken(request)})

    def take_all(request: httpx.Request) -> httpx.Response:
        sizes.append(len(request.content))
        return httpx.Response(200, json={"results": _taken(request)})

    sent = visits(300)
    with Client("http://x", "k", transport=httpx.MockTransport(take_all)) as it:
        assert it.send_many(sent, parcel_bytes=9_000).accepted == 300
        assert max(sizes) <= 9_000
        assert len(sizes) > 4
        with pytest.raises(ValueError, match="bytes"):
            it.send_many(sent, parcel_bytes=33 * 1024 * 1024)
    sizes.clear()
    with Client("http://x", "k", transport=httpx.MockTransport(take)) as it:
        assert it.send_many(sent).accepted == 300


def _taken(request: httpx.Request) -> list[dict[str, object]]:
    lines = request.content.splitlines()
    return [{"index": at, "visit_id": None, "status": "accepted"} for at in range(len(lines))]


def test_nothing_listens() -> None:
    with (
        Client("http://127.0.0.1:9", "k", patience=Patience(tries=2), sleep=lambda s: None) as it,
        pytest.raises(Unreachable),
    ):
        it.send(visits(1)[0])


@pytest.mark.parametrize(
    "wrong", [{"a": float("nan")}, {"a": object()}, b"", b"a\nb", {"a": "\ud800"}]
)
def test_what_cannot_be_a_line_is_refused_here(wrong: Any) -> None:
    with Client("http://x", "k") as it, pytest.raises(NotSendable):
        it.send(wrong)


def test_a_typed_visit_is_sendable(server: Server) -> None:
    visit: Visit = {
        "visit_id": visits(1, start=5)[0]["visit_id"],
        "school_code": "1001",
        "visited_at": "2018-03-06T09:40:00+05:00",
        "status": "open",
    }
    with client(server.url, server) as sender:
        assert sender.send(visit, wait_for_figures=True).figures == "applied"
