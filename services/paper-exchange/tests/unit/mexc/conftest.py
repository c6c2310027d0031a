"""A MEXC venue without sockets, on a clock that tests move, and a trader who signs."""

import base64
import heapq
import itertools
import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from google.protobuf.json_format import MessageToDict

from common.mexc_proto import decode
from paper_exchange.core.orders import Order
from paper_exchange.mexc import ids
from paper_exchange.mexc.face import RestRequest, answer
from paper_exchange.mexc.keys import ApiKey
from paper_exchange.mexc.pushes import Push
from paper_exchange.mexc.signing import payload, signature_of
from paper_exchange.mexc.venue import Venue

NOW_MS = 1_795_341_600_123
FRAMES = Path(__file__).parents[2] / "frames" / "mexc"
API_KEY, SECRET = "mx0vexample", "45d0b3c26f2644f19bfb98b07741b2f5"


class Desk:
    """One account on one venue; time stands still until `wait`."""

    def __init__(self, **balances: str) -> None:
        self.now_ms = NOW_MS
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._ages = itertools.count()
        self.venue = Venue(random.Random(1), random.Random(2), NOW_MS, self._later)
        self.exchange = self.venue.exchange
        amounts = {asset: Decimal(qty) for asset, qty in (balances or {"USDT": "10000", "MX": "1000"}).items()}
        self.account = self.venue.open_account(amounts, NOW_MS, pays_in_mx=False)
        self.key = ApiKey(API_KEY, self.account.uid, SECRET, created_ms=NOW_MS)
        self.venue.keys.add(self.key)
        self.pushes: list[Push] = []
        self.frames: list[dict[str, Any]] = []
        self.venue.on_push.append(self._hear)

    def _later(self, delay_ms: int, action: Callable[[int], None]) -> None:
        heapq.heappush(self._due, (self.now_ms + delay_ms, next(self._ages), action))

    def _hear(self, push: Push, now_ms: int) -> None:
        self.pushes.append(push)
        self.frames.append(MessageToDict(decode(push.encode(now_ms))))

    def wait(self, ms: int = 1000) -> None:
        """Let time pass, and what falls due in it happen."""
        end_ms = self.now_ms + ms
        while self._due and self._due[0][0] <= end_ms:
            self.now_ms, _, action = heapq.heappop(self._due)
            action(self.now_ms)
        self.now_ms = end_ms

    # -- REST -----------------------------------------------------------------------------------------------------

    def raw(self, method: str, path: str, query: str = "", body: str = "", **how: Any) -> tuple[int, Any]:
        asked = {"api_key": API_KEY, "content_type": "application/json"} | how
        reply = answer(self.venue, RestRequest(method, f"/api/v3/{path}", query, body, **asked), self.now_ms)
        return reply.status, json.loads(reply.body)

    def signed(self, **params: Any) -> str:
        query = urlencode(params | {"timestamp": self.now_ms}, quote_via=quote)
        return f"{query}&signature={signature_of(SECRET, payload(query, ''))}"

    def call(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        return self.raw(method, path, self.signed(**params))

    def public(self, path: str, **params: Any) -> Any:
        return self.raw("GET", path, urlencode(params))[1]

    def order(self, **params: Any) -> tuple[int, Any]:
        limit = {"symbol": "MXUSDT", "side": "SELL", "type": "LIMIT", "quantity": "20", "price": "3.9"}
        return self.call("POST", "order", **{name: v for name, v in (limit | params).items() if v is not None})

    def market(self, side: str = "SELL", **params: Any) -> tuple[int, Any]:
        return self.order(side=side, type="MARKET", price=None, **params)

    def shown(self, order_id: str) -> Any:
        return self.call("GET", "order", symbol="MXUSDT", orderId=order_id)[1]

    # -- the world outside ----------------------------------------------------------------------------------------

    def found(self, order_id: str, symbol: str = "MXUSDT") -> Order:
        return self.account.orders[symbol, ids.read_order_id(order_id)]

    def fill(self, order_id: str, qty: str | None = None) -> None:
        self.exchange.fill(self.found(order_id), None if qty is None else Decimal(qty), self.now_ms)
        self.exchange.settle(self.now_ms)

    def move(self, px: str, symbol: str = "MXUSDT") -> None:
        self.exchange.move(symbol, Decimal(px), self.now_ms)

    def free(self, asset: str) -> Decimal:
        return self.account.balance(asset).free

    def told(self) -> list[tuple[str, Any]]:
        """(kind, status or type) of every push so far; then forgets them."""
        rows: list[tuple[str, Any]] = [
            (push.kind, push.body.get("status") or push.body.get("type") or push.body.get("tradeId"))
            for push in self.pushes
        ]
        self.pushes.clear()
        self.frames.clear()
        return rows


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def a_desk() -> Callable[..., Desk]:
    return Desk


@pytest.fixture
def frame() -> Callable[[str], Any]:
    """A documented payload, decoded anew where it is binary."""

    def load(name: str) -> Any:
        sample = json.loads((FRAMES / f"{name}.json").read_text())
        if "protobuf_base64" in sample:
            return MessageToDict(decode(base64.b64decode(sample["protobuf_base64"])))
        return sample

    return load
