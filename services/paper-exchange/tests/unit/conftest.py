"""A face without sockets, and a trader who signs."""

import hashlib
import hmac
import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from paper_exchange.binance.face import BinanceFace, RestRequest
from paper_exchange.binance.keys import ApiKey
from paper_exchange.binance.userdata import encode, owner
from paper_exchange.core.events import Event

NOW_MS = 1_795_341_600_000
FRAMES = Path(__file__).parent.parent / "frames"


class Desk:
    """One account on one face; time stands still unless a test moves `now_ms`."""

    def __init__(self, **balances: str) -> None:
        self.now_ms = NOW_MS
        self.face = BinanceFace(random.Random(1), NOW_MS)
        self.exchange = self.face.exchange
        self.uid = self.face.next_uid()
        self.key = ApiKey("k" * 64, self.uid, "s" * 64)
        self.face.keys.add(self.key)
        self.account = self.exchange.open_account(self.uid, {}, NOW_MS)
        for asset, qty in (balances or {"USDT": "10000", "BTC": "1"}).items():
            self.exchange.adjust(self.uid, asset, Decimal(qty), NOW_MS)
        self.facts: list[Event] = []
        self.events: list[dict[str, Any]] = []
        self.face.listeners.append(self.hear)

    def hear(self, event: Event) -> None:
        self.facts.append(event)
        if owner(event) == self.uid:
            self.events.append(json.loads(encode(event)))

    def signed(self, **params: Any) -> str:
        query = urlencode({"timestamp": self.now_ms} | params)
        return f"{query}&signature={hmac.new(self.key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()}"

    def raw(self, method: str, path: str, query: str = "", api_key: str | None = "k" * 64, body: str = "") -> Any:
        return self.face.rest(RestRequest(method, path, query, body, api_key), self.now_ms)

    def call(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        reply = self.raw(method, f"/api/v3/{path}", self.signed(**params))
        return reply.status, json.loads(reply.body)

    def public(self, path: str, **params: Any) -> Any:
        return json.loads(self.raw("GET", f"/api/v3/{path}", urlencode(params)).body)

    def buy(self, **params: Any) -> tuple[int, Any]:
        limit = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.005"}
        return self.call("POST", "order", **(limit | {"price": "97000"} | params))

    def oco(self, **params: Any) -> tuple[int, Any]:
        pair = {
            "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.005", "aboveType": "LIMIT_MAKER",
            "abovePrice": "101000", "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "96000", "belowPrice": "95900",
            "belowTimeInForce": "GTC",
        }  # fmt: skip
        return self.call("POST", "orderList/oco", **(pair | params))

    def otoco(self, kind: str = "otoco", **params: Any) -> tuple[int, Any]:
        bracket = {
            "symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "97000",
            "workingQuantity": "0.005", "workingTimeInForce": "GTC", "pendingSide": "SELL",
            "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "101000", "pendingBelowType": "STOP_LOSS_LIMIT",
            "pendingBelowStopPrice": "96000", "pendingBelowPrice": "95900", "pendingBelowTimeInForce": "GTC",
        }  # fmt: skip
        size = {} if kind == "opoco" else {"pendingQuantity": "0.00499"}
        return self.call("POST", f"orderList/{kind}", **(bracket | size | params))

    def move(self, px: str, *, gap: bool = False) -> None:
        self.exchange.move("BTCUSDT", Decimal(px), self.now_ms, gap=gap)

    def statuses(self) -> list[str]:
        return [order.status for order in self.account.orders.values()]

    def reports(self) -> list[tuple[str, str, str]]:
        """(type, execution type, status) of every executionReport so far; then forgets them."""
        told = [(e["o"], e["x"], e["X"]) for e in self.events if e["e"] == "executionReport"]
        self.events.clear()
        return told


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def a_desk() -> Callable[..., Desk]:
    return Desk


@pytest.fixture
def frame() -> Callable[[str], Any]:
    """A documented payload."""
    return lambda name: json.loads((FRAMES / f"{name}.json").read_text())
