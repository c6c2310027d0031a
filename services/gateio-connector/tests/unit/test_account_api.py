"""Transfers: said as the exchange wants them, refused where it would refuse them, never repeated."""

from typing import Any

import pytest
from pydantic import ValidationError

from common.connector.ports import Rejected, Reply, Unknown
from common.errors import Refused
from gateio_connector.account_api import Transfer, TransferDone, transfer

WISH = {"currency": "USDT", "from": "spot", "to": "futures", "amount": "10.5", "settle": "usdt"}


def test_a_transfer_is_said_in_the_exchanges_words() -> None:
    request = transfer(Transfer.model_validate(WISH)).request
    assert (request.method, request.path, request.read) == ("POST", "/wallet/transfers", False)
    assert request.body == {"currency": "USDT", "from": "spot", "to": "futures", "amount": "10.5", "settle": "usdt"}


@pytest.mark.parametrize(
    ("body", "meaning"),
    [(b'{"tx_id": 59636381286}', TransferDone("59636381286")), (b"", TransferDone(None)), (b"{}", TransferDone(None))],
)
def test_a_transfer_may_have_no_number(body: bytes, meaning: TransferDone) -> None:
    assert transfer(Transfer.model_validate(WISH)).read(Reply(status=200, body=body), 0) == meaning


def test_a_failure_is_a_refusal_only_where_a_label_proves_it() -> None:
    call = transfer(Transfer.model_validate(WISH))
    refused = call.read(Reply(status=400, body=b'{"label": "BALANCE_NOT_ENOUGH", "message": "no"}'), 0)
    assert isinstance(refused, Rejected)
    assert isinstance(call.read(Reply(status=500, body=b'{"label": "INTERNAL"}'), 0), Unknown)


@pytest.mark.parametrize(
    ("changes", "field"), [({"to": "spot"}, "to"), ({"to": "margin"}, "currency_pair"), ({"settle": None}, "settle")]
)
def test_what_the_exchange_would_refuse_is_not_sent(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        transfer(Transfer.model_validate(WISH | changes))
    assert refused.value.field == field


@pytest.mark.parametrize("changes", [{"amount": "0"}, {"amount": "0.123456789"}, {"from": "moon"}, {"extra": "1"}])
def test_a_wish_out_of_shape_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Transfer.model_validate(WISH | changes)
