"""Bitget holds to what every exchange's dialect promises."""

import pytest

from bitget_connector.dialect import BitgetDialect
from common.connector.ports import Dialect, Reply
from common.testing.connector_contract import DialectContract


class TestBitgetDialect(DialectContract):
    nothing_there = Reply(status=200, body=b'{"code":"00000","msg":"success","data":[]}')
    absences = frozenset[bytes]()
    before_opening = nothing_there
    """The balances of a Classic account that holds nothing: they show its family."""

    @pytest.fixture
    def dialect(self) -> Dialect:
        return BitgetDialect(public_url="ws://127.0.0.1:1/v2/ws/public", private_url="ws://127.0.0.1:1/v2/ws/private")
