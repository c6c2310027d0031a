"""A Bitget without sockets, and a trader who signs."""

import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from paper_exchange.bitget import signing
from paper_exchange.bitget.face import RestRequest, answer
from paper_exchange.bitget.keys import ApiKey, Credentials
from paper_exchange.bitget.pushes import Push, Pushes, balances
from paper_exchange.bitget.venue import Venue
from paper_exchange.core.events import BalancesChanged, Event
from paper_exchange.reply import Reply

NOW_MS = 1_795_341_600_000
FRAMES = Path(__file__).parents[2] / "frames" / "bitget"


class Desk:
    """One account on one Bitget; time stands still unless a test moves `now_ms`."""

    def __init__(self, kind: Any = "classic", **held: str) -> None:
        self.now_ms = NOW_MS
        self.venue = Venue(random.Random(1), NOW_MS, limit_scale=1000)
        self.exchange, self.switches = self.venue.exchange, self.venue.switches
        self.key = ApiKey("bg_key", self.venue.next_uid(), "demo-secret", "demo-pass", kind)
        self.venue.keys.add(self.key)
        amounts = {coin: Decimal(qty) for coin, qty in (held or {"USDT": "10000", "BTC": "1"}).items()}
        self.account = self.exchange.open_account(self.key.uid, amounts, NOW_MS)
        self.rows = Pushes(self.exchange.markets, self.switches)
        self.pushed: list[Push] = []
        self.venue.listeners.append(self.hear)

    def hear(self, event: Event) -> None:
        is_uta = self.key.kind == "uta"
        if isinstance(event, BalancesChanged):
            self.pushed += balances(event, is_uta=is_uta)
        else:
            self.pushed += self.rows.of(event, is_uta=is_uta)

    def on(self, channel: str) -> list[Any]:
        """The rows pushed on a channel so far."""
        return [push.row for push in self.pushed if push.channel == channel]

    def raw(self, method: str, path: str, query: str = "", body: str = "", **wrong: str) -> Reply:
        timestamp = wrong.get("timestamp", str(self.now_ms))
        text = signing.prehash(timestamp, method, path, query, body)
        sign = wrong.get("sign", signing.sign(self.key.secret, text))
        key, passphrase = wrong.get("api_key", self.key.api_key), wrong.get("passphrase", self.key.passphrase)
        sent = Credentials(key, sign, timestamp, passphrase)
        return answer(self.venue, RestRequest(method, path, query, body, sent), self.now_ms)

    def get(self, path: str, **params: Any) -> Any:
        query = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
        return json.loads(self.raw("GET", f"/api/{path}", query).body)

    def post(self, path: str, body: Any = None, **fields: Any) -> Any:
        sent = fields if body is None else body
        return json.loads(self.raw("POST", f"/api/{path}", body=json.dumps(sent)).body)

    def trade(self, call: str, **fields: Any) -> Any:
        return self.post(f"v2/spot/trade/{call}", **fields)

    def ask(self, call: str, **params: Any) -> Any:
        return self.get(f"v2/spot/trade/{call}", **params)

    def buy(self, **fields: Any) -> Any:
        order = {"symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "force": "gtc", "price": "97000"}
        return self.trade("place-order", **(order | {"size": "0.005"} | fields))

    def plan(self, trigger_px: str, **fields: Any) -> Any:
        plan = {"symbol": "BTCUSDT", "side": "sell", "orderType": "market", "planType": "amount", "size": "0.01"}
        return self.trade(
            "place-plan-order", **(plan | {"triggerPrice": trigger_px, "triggerType": "fill_price"} | fields)
        )

    def move(self, px: str, *, gap: bool = False) -> None:
        self.exchange.move("BTCUSDT", Decimal(px), self.now_ms, gap=gap)

    def fill(self, order_id: str, qty: str | None = None) -> None:
        order = self.account.orders["BTCUSDT", int(order_id)]
        self.exchange.fill(order, None if qty is None else Decimal(qty), self.now_ms)
        self.venue.settle(self.now_ms)

    def free(self, coin: str) -> Decimal:
        return self.account.balance(coin).free

    def frozen(self, coin: str) -> Decimal:
        return self.account.balance(coin).locked


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def uta() -> Desk:
    return Desk("uta")


@pytest.fixture
def a_desk() -> Callable[..., Desk]:
    return Desk


@pytest.fixture
def frame() -> Callable[[str], Any]:
    """A documented payload."""
    return lambda name: json.loads((FRAMES / f"{name}.json").read_text())
