"""Keys are tried before they are stored, never shown again, and nobody else's."""

from typing import Any

import pytest

from gateway.ports import KeyCheck


async def test_a_stored_key_is_shown_by_a_hint_and_never_again(house: Any, user: Any) -> None:
    credential_id = await user.store_key(label="main")
    listed = await user.ask("GET", "/api-credentials")
    assert listed.body["data"][0] | {"createdAt": 0, "updatedAt": 0} == {
        "id": credential_id,
        "exchange": "BINANCE",
        "label": "main",
        "apiKeyHint": "ader",
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
