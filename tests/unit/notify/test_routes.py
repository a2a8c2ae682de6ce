"""The calls: validation with pointers, versions, masked contacts, scopes, pages, the link."""

from typing import Any

import pytest

from shared.access import Principal
from tests.unit.notify.house import ADMIN, OFFICER, RULE, TODAY, House


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


@pytest.mark.parametrize(
    ("rule", "pointer", "code"),
    [
        (RULE | {"below": 70}, "/0/below", "less_than"),
        (RULE | {"below": True}, "/0/below", "float_type"),
        (RULE | {"below": "0.7"}, "/0/below", "float_type"),
        (RULE | {"above": 0.9}, "/0", "one_threshold"),
        (without(RULE, "below", "recover_above"), "/0", "one_threshold"),
        (RULE | {"recover_above": 0.6}, "/0", "wrong_recovery"),
        (RULE | {"recover_below": 0.6}, "/0", "wrong_recovery"),
        (RULE | {"target_path": True}, "/0", "target_path_not_available"),
        (RULE | {"window": "last-0-days"}, "/0/window", "invalid_period"),
        (RULE | {"confidence": 0.5}, "/0/confidence", "greater_than"),
        (RULE | {"min_visits": 0}, "/0/min_visits", "greater_than_equal"),
        (RULE | {"severity": "awful"}, "/0/severity", "literal_error"),
        (RULE | {"posts": []}, "/0/posts", "too_short"),
        (RULE | {"colour": "red"}, "/0/colour", "unknown_key"),
        (RULE | {"indicator": "nonsense"}, "/0/indicator", "unknown_indicator"),
        (RULE | {"indicator": "visits_made"}, "/0/indicator", "unknown_indicator"),
        (without(RULE, "rule_id"), "/0/rule_id", "missing"),
    ],
)
async def test_rules_are_refused_with_a_pointer(
    house: House, rule: dict[str, Any], pointer: str, code: str
) -> None:
    async with house.browser() as browser:
        answer = await browser.put("/v1/rules", json=[rule])
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert {(e["pointer"], e["code"]) for e in answer.json()["errors"]} == {(pointer, code)}
        assert (await browser.get("/v1/rules/teachers-low")).json()["versions"][-1]["version"] == 1


@pytest.mark.parametrize(
    ("officer", "pointer", "code"),
    [
        (OFFICER | {"phone": "03001234567"}, "/0/phone", "invalid_phone"),
        (OFFICER | {"phone": "+92•••••4567"}, "/0/phone", "invalid_phone"),
        (OFFICER | {"phone": "+1"}, "/0/phone", "invalid_phone"),
        (OFFICER | {"email": "a@b\r\nBcc: x@y"}, "/0/email", "invalid_email"),
        (OFFICER | {"email": "nobody"}, "/0/email", "invalid_email"),
        (OFFICER | {"email": None}, "/0", "no_address"),
        (OFFICER | {"channels": []}, "/0/channels", "too_short"),
        (OFFICER | {"channels": ["fax"]}, "/0/channels/0", "literal_error"),
        (OFFICER | {"name": "A\u202eB"}, "/0/name", "invalid_name"),
        (OFFICER | {"language": "xx"}, "/0/language", "literal_error"),
        (
            OFFICER | {"postings": [{"unit_id": "KAL", "from": "2018-02-30"}]},
            "/0/postings/0/from",
            "date_from_datetime_parsing",
        ),
        (
            OFFICER | {"postings": [{"unit_id": "KAL", "from": 1}]},
            "/0/postings/0/from",
            "invalid_date",
        ),
        (
            OFFICER | {"postings": [{"unit_id": "KAL", "from": "2018-02-02", "to": "2018-02-01"}]},
            "/0/postings/0",
            "reversed_posting",
        ),
    ],
)
async def test_officers_are_refused_with_a_pointer(
    house: House, officer: dict[str, Any], pointer: str, code: str
) -> None:
    async with house.browser() as browser:
        answer = await browser.put("/v1/officers", json=[officer])
        assert answer.status_code == 422
        assert {(e["pointer"], e["code"]) for e in answer.json()["errors"]} == {(pointer, code)}
        assert "•••" not in answer.text


async def test_rules_are_versioned_and_equal_ones_are_not_new(house: House) -> None:
    async with house.browser() as browser:
        same = await browser.put("/v1/rules", json=[RULE])
        assert same.json()["rules"][0]["version"] == 1
        changed = await browser.put("/v1/rules", json=[RULE | {"min_visits": 10}])
        assert changed.json()["rules"][0]["version"] == 2
        twice = await browser.put("/v1/rules", json=[RULE, RULE])
        assert twice.json()["type"] == "/problems/duplicate_id"
        shown = (await browser.get("/v1/rules/teachers-low")).json()
        assert [version["min_visits"] for version in shown["versions"]] == [8, 10]
        assert (await browser.get("/v1/rules/other")).status_code == 404
        (rule,) = (await browser.get("/v1/rules")).json()["rules"]
        assert (rule["recover_above"], rule["confidence"], rule["min_schools"]) == (0.73, 0.95, 5)


async def test_default_recovery_is_three_points_away(house: House) -> None:
    async with house.browser() as browser:
        low = without(RULE, "recover_above") | {"below": 0.7}
        answer = await browser.put("/v1/rules", json=[low])
        assert answer.json()["rules"][0]["recover_above"] == 0.73
        high = without(RULE, "below", "recover_above") | {"above": 0.2}
        answer = await browser.put("/v1/rules", json=[high])
        assert answer.json()["rules"][0]["recover_below"] == 0.17


async def test_rules_can_be_stored_while_indicators_is_away(house: House) -> None:
    house.figures.away = True
    async with house.browser() as browser:
        answer = await browser.put("/v1/rules", json=[RULE | {"min_visits": 12}])
        assert answer.status_code == 200


async def test_contacts_only_with_their_scope(house: House) -> None:
    async with house.browser() as browser:
        (full,) = (await browser.get("/v1/officers")).json()["officers"]
        assert (full["phone"], full["email"]) == ("+923001234567", "deo.kalat@example.org")
        assert full["postings"] == [{"unit_id": "KAL", "from": "2018-01-01", "to": None}]
        house.principal = Principal("k", "reader", "reader", frozenset({"alerts:read"}))
        (masked,) = (await browser.get("/v1/officers")).json()["officers"]
        assert masked["phone"] == "+92•••••4567"
        assert "kalat" not in masked["email"]
        house.principal = Principal("k", "writer", "writer", frozenset({"officers:write"}))
        answer = await browser.put("/v1/officers", json=[OFFICER])
        assert "+923001234567" not in answer.text


async def test_units_of_a_key_bound_what_it_sees(house: House) -> None:
    await house.firing()
    alert = await house.one_alert()
    scopes = frozenset({"alerts:read", "alerts:write", "officers:write", "rules:write"})
    async with house.browser() as browser:
        for units, status, count in (({"MAS"}, 404, 0), ({"KAL"}, 200, 1), ({"PK-BA"}, 200, 1)):
            house.principal = Principal("k", "p", "p", scopes, frozenset(units))
            assert (await browser.get(f"/v1/alerts/{alert['alert_id']}")).status_code == status
            assert len((await browser.get("/v1/alerts")).json()["alerts"]) == count
            assert len((await browser.get("/v1/messages")).json()["messages"]) == 2 * count
            assert len((await browser.get("/v1/officers")).json()["officers"]) == count
            answer = await browser.post(f"/v1/alerts/{alert['alert_id']}/ack")
            assert answer.status_code == status
            assert (await browser.put("/v1/officers", json=[OFFICER])).status_code == status
            assert (await browser.put("/v1/rules", json=[RULE])).status_code == 403


async def test_each_call_needs_its_scope(house: House) -> None:
    house.principal = Principal("k", "p", "p", frozenset({"cards:read"}))
    async with house.browser() as browser:
        for method, path in (
            ("GET", "/v1/rules"),
            ("PUT", "/v1/rules"),
            ("GET", "/v1/officers"),
            ("PUT", "/v1/officers"),
            ("GET", "/v1/alerts"),
            ("POST", "/v1/alerts/x/ack"),
            ("GET", "/v1/messages"),
            ("POST", "/v1/messages/x/requeue"),
        ):
            body: list[object] | None = [] if method == "PUT" else None
            assert (await browser.request(method, path, json=body)).status_code == 403


async def test_alerts_by_state_and_unit_and_page(house: House) -> None:
    async with house.browser() as browser:
        for unit in ("KAL", "MAS"):
            house.figures.post(unit, TODAY, 5, count=20)
        await house.round("KAL", "MAS")

        async def count(query: str) -> int:
            return len((await browser.get(f"/v1/alerts?{query}")).json()["alerts"])

        assert await count("state=pending") == 2
        assert await count("state=firing,pending&unit=PK-BA") == 2
        assert await count("unit=MAS") == 1
        assert await count("state=firing") == 0
        first = await browser.get("/v1/alerts?limit=1&state=pending")
        follow = first.links["next"]["url"]
        second = await browser.get(follow)
        seen = {page.json()["alerts"][0]["unit_id"] for page in (first, second)}
        assert seen == {"KAL", "MAS"}
        third = await browser.get(second.links["next"]["url"])
        assert third.json() == {"alerts": []}
        assert (await browser.get("/v1/alerts?cursor=!!")).status_code == 422


async def test_acknowledging_by_call(house: House) -> None:
    await house.firing()
    alert_id = (await house.one_alert())["alert_id"]
    async with house.browser() as browser:
        path = f"/v1/alerts/{alert_id}/ack"
        assert (await browser.post(path, json={"note": 1})).status_code == 422
        assert (await browser.post(path, json={"nota": "x"})).status_code == 422
        assert (await browser.post(path, content=b"x", headers={"content-type": "text/plain"})
                ).status_code == 415  # fmt: skip
        assert (await browser.post(path, content=b"{", headers={"content-type": "application/json"})
                ).status_code == 400  # fmt: skip
        answer = await browser.post(path, json={"note": "seen"})
        assert answer.json()["state"] == "acknowledged"
        assert (await browser.post("/v1/alerts/none/ack")).status_code == 404
    house.figures.post("MAS", TODAY, 5, count=20)
    await house.round("MAS")
    pending = (await house.alerts(state="pending"))[0]["alert_id"]
    async with house.browser() as browser:
        assert (await browser.post(f"/v1/alerts/{pending}/ack")).status_code == 409


async def test_the_mails_link_shows_a_page_and_only_its_button_acts(house: House) -> None:
    await house.firing()
    await house.send()
    (mail,) = house.recorder("email").sent
    link = next(word for word in mail.body.split() if "/v1/acks/" in word)
    path = link.removeprefix("https://rtsm.example")
    async with house.browser() as browser:
        house.principal = Principal("k", "nobody", "nobody", frozenset())
        page = await browser.get(path)
        assert page.status_code == 200
        assert "Kalat" in page.text
        assert '<form method="post">' in page.text
        house.principal = ADMIN
        assert (await house.one_alert())["state"] == "firing"
        done = await browser.post(path, data={"note": "I go there <b>today</b>"})
        assert "Thank you" in done.text
        alert = await house.one_alert()
        assert alert["state"] == "acknowledged"
        assert alert["history"][-1]["actor"] == "officer:deo-kalat"
        assert alert["history"][-1]["note"] == "I go there <b>today</b>"
        assert "no longer open" in (await browser.get(path)).text
        again = await browser.post(path)
        assert again.status_code == 200
        assert len((await house.one_alert())["history"]) == len(alert["history"])


async def test_forged_links_and_links_of_officers_who_left(house: House) -> None:
    await house.firing()
    alert_id = (await house.one_alert())["alert_id"]
    token = house.links.token(alert_id, "deo-kalat")
    other = house.links.token(alert_id, "nobody")
    async with house.browser() as browser:
        for bad in (token[:-2] + "xx", other, "x", token.split(".")[0], "é" * 300, token * 9):
            for method in ("GET", "POST"):
                assert (await browser.request(method, f"/v1/acks/{bad}")).status_code == 404
        left = OFFICER | {"postings": [{"unit_id": "MAS", "from": None, "to": None}]}
        await browser.put("/v1/officers", json=[left])
        assert (await browser.post(f"/v1/acks/{token}")).status_code == 404
    assert (await house.one_alert())["state"] == "firing"


async def test_receipts_by_get_and_post(house: House) -> None:
    await house.firing()
    await house.send()
    house.principal = Principal("k", "nobody", "nobody", frozenset())
    token = house.recorder("sms").sent[0].token
    async with house.browser() as browser:
        path = f"/v1/receipts/sms/{token}"
        assert (await browser.get(f"{path}?type=8&answer=ACK%2F")).text == "sent"
        assert (await browser.post(f"{path}?status=delivered")).text == "delivered"
        assert (await browser.get(f"{path}?type=8")).text == "delivered"
        assert (await browser.get(f"{path}?type=nonsense")).status_code == 200
        assert (await browser.get("/v1/receipts/sms/forged?type=1")).status_code == 404


async def test_mail_bodies_are_never_shown(house: House) -> None:
    await house.firing()
    await house.send()
    async with house.browser() as browser:
        text = (await browser.get("/v1/messages")).text + (await browser.get("/v1/alerts")).text
    assert "/v1/acks/" not in text
    assert "+92300" not in text
    assert "deo.kalat@" not in text
