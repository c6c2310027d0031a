"""Keys are tried before they are stored, never shown again, and nobody else's."""

from decimal import Decimal
from typing import Any

import pytest

from gateway.ports import KeyCheck
from gateway.testing.builders import a_bracket_row


async def test_a_stored_key_is_shown_by_a_hint_and_never_again(house: Any, user: Any) -> None:
    credential_id = await user.store_key(label="main")
    listed = await user.ask("GET", "/api-credentials")
    assert listed.body["data"][0] | {"createdAt": 0, "updatedAt": 0} == {
        "id": credential_id,
        "exchange": "BINANCE",
        "label": "main",
        "apiKeyHint": "ader",
        "accountKind": "SPOT",
        "activeTrading": True,
        "isDefault": True,
        "keyVersion": 1,
        "createdAt": 0,
        "updatedAt": 0,
    }
    assert "the-secret-of-a-trader" not in listed.text
    assert house.vault.keys[credential_id].secret == "the-secret-of-a-trader"


@pytest.mark.parametrize(
    ("verdict", "status", "title"),
    [
        (KeyCheck(ok=False), 401, "Signature validation failed"),
        (KeyCheck(ok=True, can_trade=True, can_withdraw=True), 400, "API key can withdraw"),
        (KeyCheck(ok=True, can_trade=False), 400, "API key cannot trade"),
        (KeyCheck(ok=False, can_trade=False, can_withdraw=True, account_kind="SPOT"), 400, "API key can withdraw"),
    ],
)
async def test_an_unfit_key_is_refused_and_not_stored(
    house: Any, user: Any, verdict: KeyCheck, status: int, title: str
) -> None:
    house.connector.verdict = verdict
    keys = {"exchange": "BINANCE", "apiKey": "a-key", "secretKey": "a-secret-in-the-request"}
    reply = await user.ask("POST", "/api-credentials", keys)
    assert (reply.status, reply.body["title"], reply.body["field"]) == (status, title, "apiKey")
    assert "a-secret-in-the-request" not in reply.text
    assert not house.vault.accounts


async def test_a_key_is_paused_relabelled_replaced_and_deleted(house: Any, user: Any) -> None:
    credential_id = await user.store_key()
    toggled = await user.ask("PATCH", f"/api-credentials/{credential_id}/toggle")
    assert toggled.body["data"]["activeTrading"] is False
    change = {"label": "new", "apiKey": "another-key", "secretKey": "another-secret", "activeTrading": True}
    changed = (await user.ask("PATCH", f"/api-credentials/{credential_id}", change)).body["data"]
    assert (changed["label"], changed["activeTrading"], changed["keyVersion"]) == ("new", True, 2)
    deleted = await user.ask("DELETE", f"/api-credentials/{credential_id}")
    assert deleted.body["data"] == {"id": credential_id, "deleted": True}
    assert (await user.ask("GET", f"/api-credentials/{credential_id}")).status == 404


async def test_a_foreign_key_is_as_good_as_none(user: Any) -> None:
    credential_id = await user.store_key()
    await user.sign_in("other@example.com")
    for method, path in (("GET", ""), ("PATCH", ""), ("PATCH", "/toggle"), ("DELETE", "")):
        reply = await user.ask(method, f"/api-credentials/{credential_id}{path}", {} if method == "PATCH" else None)
        assert (reply.status, reply.body["title"]) == (404, "Credentials not found")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"exchange": "NYSE"}, "UNKNOWN_EXCHANGE"),
        ({"exchange": "MEXC"}, "EXCHANGE_NOT_SERVED"),
        ({"exchange": ""}, "EXCHANGE_REQUIRED"),
        ({"apiKey": ""}, "INVALID_FIELD"),
        ({"surprise": 1}, "UNKNOWN_FIELD"),
        ({"label": "a\u0000b"}, "INVALID_FIELD"),
    ],
)
async def test_a_body_that_breaks_a_rule_is_refused(house: Any, user: Any, change: Any, code: str) -> None:
    keys = {"exchange": "BINANCE", "apiKey": "a-key", "secretKey": "a-secret"}
    reply = await user.ask("POST", "/api-credentials", keys | change)
    assert (reply.status, reply.body["code"], reply.body["field"]) == (400, code, next(iter(change)))
    assert not house.vault.accounts


async def test_half_a_new_key_is_refused(user: Any) -> None:
    credential_id = await user.store_key()
    reply = await user.ask("PATCH", f"/api-credentials/{credential_id}", {"apiKey": "only-this"})
    assert reply.status == 400
    assert "only-this" not in reply.text


def a_trade(house: Any, account_id: str, **changes: Any) -> None:
    house.ledger.bracket_rows.append(a_bracket_row(account_id=account_id, **changes))


LEAVING = [
    ("DELETE", "", None),
    ("PATCH", "/toggle", None),
    ("PATCH", "", {"activeTrading": False}),
]


@pytest.mark.parametrize(("method", "path", "body"), LEAVING)
async def test_a_key_that_guards_open_trades_leaves_only_by_force_and_says_what_it_leaves(
    house: Any, user: Any, method: str, path: str, body: Any
) -> None:
    credential_id = await user.store_key()
    a_trade(house, credential_id, held_qty=Decimal(3), protected_qty=Decimal(1), guarded_qty=Decimal(2))
    a_trade(house, credential_id, state="CLOSED")
    refused = await user.ask(method, f"/api-credentials/{credential_id}{path}", body)
    assert (refused.status, refused.body["code"]) == (409, "TRADES_OPEN")
    assert "BTCUSDT (PROTECTED, 3 held)" in refused.body["rule"]
    assert house.vault.accounts[credential_id].state == "active"
    forced = await user.ask(method, f"/api-credentials/{credential_id}{path}?force=true", body)
    assert forced.status == 200
    left = forced.body["data"]["leftBehind"]
    assert left["happens"] in refused.body["fix"]
    (trade,) = left["trades"]
    assert (trade["quantity"], trade["protectedQty"], trade["unprotectedQty"]) == ("3", "1", "2")


async def test_a_key_whose_order_has_no_answer_yet_is_not_deleted_under_it(house: Any, user: Any) -> None:
    credential_id = await user.store_key()
    house.bus.engine = lambda _: None
    assert (await user.buy()).status == 202
    refused = await user.ask("DELETE", f"/api-credentials/{credential_id}")
    assert (refused.status, refused.body["code"]) == (409, "ORDERS_UNDER_WAY")
    await house.intents.handed_over(list(house.intents.rows))
    assert (await user.ask("DELETE", f"/api-credentials/{credential_id}")).status == 200


async def test_a_paused_key_wakes_up_and_a_label_changes_whatever_is_open(house: Any, user: Any) -> None:
    credential_id = await user.store_key(activeTrading=False)
    a_trade(house, credential_id)
    woken = await user.ask("PATCH", f"/api-credentials/{credential_id}/toggle")
    assert (woken.body["data"]["activeTrading"], "leftBehind" in woken.body["data"]) == (True, False)
    assert (await user.ask("PATCH", f"/api-credentials/{credential_id}", {"label": "new"})).status == 200


async def test_a_new_key_is_tried_before_it_takes_over(house: Any, user: Any) -> None:
    credential_id = await user.store_key()
    house.connector.verdict = KeyCheck(ok=True, can_trade=True, can_withdraw=True)
    change = {"apiKey": "another-key", "secretKey": "another-secret"}
    refused = await user.ask("PATCH", f"/api-credentials/{credential_id}", change)
    assert (refused.status, refused.body["code"]) == (400, "KEY_CAN_WITHDRAW")
    assert house.vault.keys[credential_id].api_key == "the-api-key-of-a-trader"
    house.connector.verdict = KeyCheck(ok=True, can_trade=True, account_kind="MARGIN")
    changed = await user.ask("PATCH", f"/api-credentials/{credential_id}", change)
    assert (changed.body["data"]["accountKind"], changed.body["data"]["keyVersion"]) == ("MARGIN", 2)


@pytest.mark.parametrize("told", [False, None])
async def test_the_answer_says_whether_the_exchange_told_that_the_key_cannot_withdraw(
    house: Any, user: Any, told: bool | None
) -> None:
    house.connector.verdict = KeyCheck(ok=True, can_trade=True, can_withdraw=told, account_kind="SPOT")
    keys = {"exchange": "BINANCE", "apiKey": "a-key", "secretKey": "a-secret"}
    stored = await user.ask("POST", "/api-credentials", keys)
    assert stored.body["data"]["keyCheck"] == {"canTrade": True, "canWithdraw": told}


async def test_why_a_key_cannot_trade_is_told_in_the_exchanges_words(house: Any, user: Any) -> None:
    problem = "the key belongs to a unified account: switch the account to classic mode"
    house.connector.verdict = KeyCheck(ok=False, account_kind="UNIFIED", problem=problem)
    keys = {"exchange": "BINANCE", "apiKey": "a-key", "secretKey": "a-secret"}
    reply = await user.ask("POST", "/api-credentials", keys)
    assert (reply.status, reply.body["code"]) == (400, "KEY_CANNOT_TRADE")
    assert reply.body["rule"] == "The key belongs to a unified account: switch the account to classic mode."


async def test_an_order_goes_to_the_key_it_names_by_id_or_label_or_else_to_the_default(user: Any) -> None:
    first, second = await user.store_key(label="main"), await user.store_key(label="second", apiKey="another-key")
    for named, meant in ((None, first), (second, second), ("second", second), ("main", first)):
        placed = await user.buy(credentialId=named)
        assert (placed.status, placed.body["data"]["credentialId"]) == (200, meant), named
    assert (await user.buy(credentialId="third")).status == 404
    assert (await user.buy(credentialId="")).status == 404
    await user.ask("PATCH", f"/api-credentials/{second}", {"isDefault": True})
    assert (await user.buy()).body["data"]["credentialId"] == second


async def test_without_a_default_an_order_has_to_name_its_key(user: Any) -> None:
    first, second = await user.store_key(), await user.store_key(apiKey="another-key")
    refused = await user.ask("DELETE", f"/api-credentials/{first}")
    assert (refused.status, refused.body["code"]) == (400, "DEFAULT_NEEDED")
    assert (await user.ask("DELETE", f"/api-credentials/{first}?force=true")).status == 200
    ambiguous = await user.buy()
    assert (ambiguous.status, ambiguous.body["code"]) == (409, "CREDENTIAL_AMBIGUOUS")
    assert (await user.buy(credentialId=second)).status == 200
