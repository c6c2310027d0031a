"""Gate.io holds to what every exchange's dialect promises."""

from pathlib import Path

import pytest

from common.connector.ports import Dialect, ExchangeInfo, Reply
from common.testing.connector_contract import DialectContract
from gateio_connector.dialect import GateioDialect

PAIRS = Path(__file__).parent.parent / "frames" / "rest.currency_pairs.json"


class TestGateio(DialectContract):
    @pytest.fixture
    def dialect(self) -> Dialect:
        dialect = GateioDialect(ws_url="ws://127.0.0.1:7003/ws/v4/")
        info = dialect.fetch_instruments().read(Reply(status=200, body=PAIRS.read_bytes()), 0)
        assert isinstance(info, ExchangeInfo)
        return dialect
