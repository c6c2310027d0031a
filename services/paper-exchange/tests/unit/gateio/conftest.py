"""A Gate.io without sockets, and a trader who signs."""

import hashlib
import hmac
import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlencode

import pytest

from paper_exchange.core.events import MarketTraded
from paper_exchange.gateio.face import GateFace, RestRequest
from paper_exchange.gateio.frames import pushes
from paper_exchange.gateio.keys import ApiKey
from paper_exchange.gateio.venue import Told, Venue
from paper_exchange.reply import Reply

NOW_MS = 1_795_341_600_000
FRAMES = Path(__file__).parents[2] / "frames" / "gateio"
BTC = "BTC_USDT"


class Desk:
    """One account on one venue; time stands still unless a test moves `now_ms`."""

    def __init__(self, *, discount: bool = False, unified: bool = False, **balances: str) -> None:
        self.now_ms = NOW_MS
        self.venue = Venue(random.Random(1), NOW_MS)
        self.face, self.exchange, self.switches = GateFace(self.venue), self.venue.exchange, self.venue.switches
        amounts = {name: Decimal(qty) for name, qty in (balances or {"USDT": "10000", "BTC": "1"}).items()}
        self.account = self.venue.open_account(amounts, NOW_MS, discount=discount, unified=unified)
        self.key = ApiKey("k" * 32, self.account.uid, "s" * 64)
        self.venue.keys.add(self.key)
        self.told: list[tuple[str, Any]] = []
        self.venue.listeners.append(self.hear)

    def hear(self, told: Told) -> None:
        if not isinstance(told, MarketTraded):
            self.told += [(push.channel, push.result) for push in pushes(self.venue, told)]

    def heard(self, channel: str) -> list[Any]:
        """What a channel has said so far; then forgets it. Channels of lists are told apart into their rows."""
        said = [result for name, result in self.told if name == channel]
        self.told = [(name, result) for name, result in self.told if name != channel]
        return [row for result in said for row in (result if isinstance(result, list) else [result])]

    def headers(self, method: str, path: str, query: str = "", body: bytes = b"") -> dict[str, str]:
        timestamp = str(self.now_ms // 1000)
        parts = (method, path, unquote_plus(query), hashlib.sha512(body).hexdigest(), timestamp)
        sign = hmac.new(self.key.secret.encode(), "\n".join(parts).encode(), hashlib.sha512).hexdigest()
        return {"key": self.key.api_key, "timestamp": timestamp, "sign": sign}

    def reply(self, method: str, path: str, body: Any = None, **query: Any) -> Reply:
        full, text = f"/api/v4/{path}", urlencode(query)
        raw = b"" if body is None else json.dumps(body).encode()
        return self.face.rest(RestRequest(method, full, text, raw, self.headers(method, full, text, raw)), self.now_ms)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        reply = self.reply(method, path, body, **query)
        return reply.status, json.loads(reply.body)

    def label(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str]:
        status, answer = self.call(method, path, body, **query)
        return status, answer["label"]

    def public(self, path: str, **query: Any) -> Any:
        return json.loads(self.face.rest(RestRequest("GET", f"/api/v4/{path}", urlencode(query)), self.now_ms).body)

    def order(self, **fields: Any) -> dict[str, Any]:
        limit = {"currency_pair": BTC, "type": "limit", "side": "buy", "amount": "0.01", "price": "97000"}
        return {name: value for name, value in (limit | fields).items() if value is not None}

    def place(self, **fields: Any) -> Any:
        status, answer = self.call("POST", "spot/orders", self.order(**fields))
        assert status == 201, answer
        return answer

    def refused(self, **fields: Any) -> tuple[int, str]:
        return self.label("POST", "spot/orders", self.order(**fields))

    def market(self, side: str, amount: str, **fields: Any) -> Any:
        return self.place(type="market", side=side, amount=amount, price=None, time_in_force="ioc", **fields)

    def price_order(
        self, trigger: str = "96000", rule: str = "<=", *, expiration: int | None = 3600, **put: Any
    ) -> dict[str, Any]:
        child = {
            "type": "limit", "side": "sell", "price": "95000", "amount": "0.01", "account": "normal",
            "time_in_force": "gtc",
        }  # fmt: skip
        terms: dict[str, Any] = {"price": trigger, "rule": rule}
        if expiration is not None:
            terms["expiration"] = expiration
        return {"market": BTC, "trigger": terms, "put": child | put}

    def arm(self, *args: Any, **fields: Any) -> str:
        """Arm a price order, two seconds after the last one."""
        self.now_ms += 2000
        status, answer = self.call("POST", "spot/price_orders", self.price_order(*args, **fields))
        assert status == 201, answer
        return str(answer["id_string"])

    def armed(self, name: str) -> Any:
        return self.call("GET", f"spot/price_orders/{name}")[1]

    def get(self, order_id: str) -> Any:
        return self.call("GET", f"spot/orders/{order_id}", currency_pair=BTC)[1]

    def move(self, px: str, *, gap: bool = False) -> None:
        self.venue.obey_switches()
        self.exchange.move("BTCUSDT", Decimal(px), self.now_ms, gap=gap)

    def free(self, asset: str) -> Decimal:
        return self.account.balance(asset).free

    def locked(self, asset: str) -> Decimal:
        return self.account.balance(asset).locked


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def a_desk() -> type[Desk]:
    return Desk


@pytest.fixture
def sample() -> Any:
    """A documented payload."""
    return lambda name: json.loads((FRAMES / f"{name}.json").read_text())
