"""Money moves once per key, whatever is repeated or lost."""

from typing import Any

import pytest

from common.errors import Unavailable
from common.exchanges import Exchange

PATH = "/gateio-account/wallet/transfers"
BODY = {"currency": "USDT", "from": "spot", "to": "futures", "amount": "10", "settle": "usdt"}


@pytest.fixture
async def gate(house: Any, user: Any) -> Any:
    return await user.trades_on(house, Exchange.GATEIO)


async def test_a_repeated_key_moves_once_and_is_answered_alike(gate: Any, user: Any) -> None:
    first = await user.ask("POST", PATH, BODY, Idempotency_Key="k")
    gate.free = {}  # What was moved is no longer there to be checked against.
    again = await user.ask("POST", PATH, BODY, Idempotency_Key="k")
    assert (first.status, first.body) == (again.status, again.body)
    assert first.body["data"]["tx_id"] == "1"
    assert len(gate.transfers) == 1
    other = await user.ask("POST", PATH, BODY | {"amount": "11"}, Idempotency_Key="k")
    assert (other.status, other.body["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_lost_answer_is_never_made_good_by_a_second_transfer(gate: Any, user: Any) -> None:
    moved = gate.transfer

    async def lost(account_id: str, wish: Any) -> Any:
        await moved(account_id, wish)
        raise Unavailable("the connector")

    gate.transfer = lost
    assert (await user.ask("POST", PATH, BODY, Idempotency_Key="k")).status == 503
    gate.transfer = moved
    again = await user.ask("POST", PATH, BODY, Idempotency_Key="k")
    assert (again.status, again.body["code"], again.body["outcome"]) == (409, "TRANSFER_UNKNOWN", "unknown")
    assert len(gate.transfers) == 1


async def test_what_was_refused_may_be_tried_again_under_its_key(gate: Any, user: Any) -> None:
    gate.free, held = {}, gate.free
    refused = await user.ask("POST", PATH, BODY, Idempotency_Key="k")
    assert refused.body["code"] == "INSUFFICIENT_BALANCE"
    gate.free = held
    assert (await user.ask("POST", PATH, BODY, Idempotency_Key="k")).status == 200


async def test_without_a_key_every_request_is_a_transfer_of_its_own(gate: Any, user: Any) -> None:
    for _ in range(2):
        assert (await user.ask("POST", PATH, BODY)).status == 200
    assert len(gate.transfers) == 2
