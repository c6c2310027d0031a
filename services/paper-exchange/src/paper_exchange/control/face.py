"""What the control API does to every face alike; a subclass knows the face's keys and how it prints orders."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from paper_exchange.control import read
from paper_exchange.control.read import BadRequest, Fields
from paper_exchange.core.ledger import Account
from paper_exchange.core.money import num
from paper_exchange.core.orders import Order
from paper_exchange.core.refusals import Refused
from paper_exchange.faults import Kind
from paper_exchange.serving import FaceServer

Json = dict[str, Any]
Post = tuple[str, frozenset[str], Callable[[Fields], Json]]
"""A call that only one face has: the end of its path, the fields of its body, and what it does."""
_FAULT_TEXTS = ("method", "path", "ws_method", "client_order_id_prefix", "event_type", "sockets", "label", "msg")
_FAULT_NUMBERS = ("uid", "count", "delay_ms", "status", "code", "retry_after_s")
FILL_FIELDS = frozenset({"uid", "symbol", "client_order_id", "order_id", "qty"})
FAULT_FIELDS = frozenset({"kind", "probability", *_FAULT_TEXTS, *_FAULT_NUMBERS})


class FaceControl(ABC):
    """Acts on one face through its server. `name` is the face's place in the paths, `switches` what can be switched."""

    name: ClassVar[str]
    account_fields: ClassVar[frozenset[str]]

    def __init__(self, server: FaceServer, switches: Any = None) -> None:
        self._server, self._exchange, self._switches = server, server.exchange, switches
        self._labels: dict[int, str] = {}

    # -- what a face adds -----------------------------------------------------------------------------------------

    @abstractmethod
    def _admit(self, fields: Fields, balances: Mapping[str, Decimal]) -> Json:
        """Open the account with a key; answers `uid` and what its owner must know. Raises: BadRequest."""

    @abstractmethod
    def _history(self, account: Account) -> Json:
        """The account's orders and trades as the face prints them."""

    @abstractmethod
    def _revoke(self, uid: int) -> int:
        """Revoke the account's keys and end its streams; answers how many keys there were."""

    def posts(self) -> Iterable[Post]:
        """Calls that only this face has."""
        return ()

    # -- accounts -------------------------------------------------------------------------------------------------

    def open_account(self, fields: Fields) -> Json:
        """A new account with a key."""
        balances = fields.get("balances") or {}
        if not isinstance(balances, dict):
            raise BadRequest("balances", "must be an object", 'send {"USDT": "10000"}')
        amounts = {asset: read.need_decimal(balances, asset) for asset in balances}
        if any(amount < 0 for amount in amounts.values()):
            raise BadRequest("balances", "must not be negative", 'send {"USDT": "10000"}')
        label = read.read_text(fields, "label") or ""
        answer = self._admit(fields, amounts)
        self._labels[answer["uid"]] = label
        return answer

    def account(self, uid: int) -> Account:
        """The account. Raises: 404."""
        account = self._exchange.ledger.accounts.get(uid)
        if account is None:
            raise BadRequest("uid", f"{uid} is no account here", "open one first", 404)
        return account

    def state(self, uid: int) -> Json:
        """Everything about an account: the tests' oracle."""
        account = self.account(uid)
        return {
            "uid": uid,
            "label": self._labels.get(uid, ""),
            "balances": {
                asset: {"free": num(balance.free), "locked": num(balance.locked)}
                for asset, balance in account.balances.items()
            },
            **self._history(account),
        }

    def deposit(self, uid: int, fields: Fields) -> Json:
        """Add to (or, negative, take from) the free balance."""
        self.account(uid)
        asset, qty = read.need_text(fields, "asset"), read.need_decimal(fields, "qty")
        self._exchange.adjust(uid, asset, qty, self._server.now_ms())
        balance = self.account(uid).balance(asset)
        return {"asset": asset, "free": num(balance.free), "locked": num(balance.locked)}

    def revoke_key(self, uid: int) -> Json:
        """The account's keys stop working, and its streams end."""
        self.account(uid)
        return {"revoked": self._revoke(uid)}

    # -- switches -------------------------------------------------------------------------------------------------

    def switches(self) -> Json:
        """How every switch stands."""
        return read.switch_positions(self._switches)

    def switch(self, fields: Fields) -> Json:
        """Put switches into other positions; answers how every one stands then."""
        read.set_switches(self._switches, fields)
        return self.switches()

    @property
    def switch_names(self) -> frozenset[str]:
        """What can be switched; nothing on a face without doubts."""
        return frozenset(self.switches())

    # -- market ---------------------------------------------------------------------------------------------------

    def move(self, fields: Fields) -> Json:
        """Move a market to a price."""
        symbol, px = read.need_text(fields, "symbol"), read.need_decimal(fields, "price")
        market = self._exchange.markets.get(symbol)
        if market is None:
            raise BadRequest("symbol", f"{symbol} is not traded here", f"use {', '.join(self._exchange.markets)}")
        gap = read.read_flag(fields, "gap")
        try:
            market.instrument.check_px(px)
        except Refused:
            grid = f"a multiple of {market.instrument.tick} from {market.instrument.min_px}"
            raise BadRequest("price", f"must be {grid}", f'send "price": "{market.mark}"') from None
        self._exchange.move(symbol, px, self._server.now_ms(), gap=gap)
        return {"symbol": symbol, "price": num(market.mark), "last": num(market.last)}

    def fill(self, fields: Fields) -> Json:
        """Fill a resting order, wholly or partly, at its limit price."""
        order, qty = self._find(fields), read.read_decimal(fields, "qty")
        if qty is not None and qty <= 0:
            raise BadRequest("qty", "must be above zero", 'send "qty": "0.001" or leave it out')
        filled = self._fill(order, qty)
        return {"order_id": order.order_id, "filled": num(filled), "status": order.status}

    def _fill(self, order: Order, qty: Decimal | None) -> Decimal:
        now_ms = self._server.now_ms()
        if not (order.is_open and order.is_working):
            raise BadRequest("order_id", f"the order is {order.status} and does not rest", "fill a resting order", 409)
        filled = self._exchange.fill(order, qty, now_ms)
        self._exchange.settle(now_ms)
        return filled

    async def fill_paced(self, fields: Fields) -> Json:
        """Fill many orders at a steady rate; answers when all are done."""
        listed, rate = fields.get("orders"), fields.get("per_second", 50)
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            raise BadRequest("orders", "must be a list of objects", 'send [{"uid": 1, "order_id": 2}]')
        if not isinstance(rate, int | float) or rate <= 0:
            raise BadRequest("per_second", "must be a number above zero", 'send "per_second": 50')
        orders, skipped = [self._find(item) for item in listed], 0
        start = time.monotonic()
        for index, order in enumerate(orders):
            await asyncio.sleep(max(0.0, start + index / rate - time.monotonic()))
            try:
                self._fill(order, None)
            except BadRequest:
                skipped += 1
        took_ms = int((time.monotonic() - start) * 1000)
        return {"filled": len(orders) - skipped, "skipped": skipped, "took_ms": took_ms}

    def _find(self, fields: Fields) -> Order:
        """An order by uid and id; `symbol` is needed only where ids repeat."""
        uid = read.read_int(fields, "uid")
        if uid is None:
            raise BadRequest("uid", "is missing", 'send "uid": 700000001')
        order_id, client_id = read.read_id(fields, "order_id"), read.read_text(fields, "client_order_id")
        if order_id is None and client_id is None:
            raise BadRequest("order_id", "or client_order_id is missing", 'send "client_order_id": "…"')
        symbol = read.read_text(fields, "symbol")
        found = [
            order
            for order in self._candidates(self.account(uid), order_id, client_id)
            if symbol in {None, order.symbol} and client_id in {None, order.client_order_id}
        ]
        live = [order for order in found if order.is_open] or found
        if not live:
            raise BadRequest("order_id", "no such order of this account", "look at GET accounts/{uid}", 404)
        if len(live) > 1:
            raise BadRequest("symbol", "several orders have this id", "say which symbol is meant", 409)
        return live[0]

    def _candidates(self, account: Account, order_id: int | None, client_id: str | None) -> list[Order]:
        symbols = self._exchange.markets
        if order_id is not None:
            return [order for s in symbols if (order := account.orders.get((s, order_id))) is not None]
        return [order for s in symbols if (order := account.by_client_id.get((s, client_id or ""))) is not None]

    # -- faults ---------------------------------------------------------------------------------------------------

    def arm(self, fields: Fields) -> Json:
        """Arm a fault; those of sockets strike at once."""
        name = read.need_text(fields, "kind")
        if name not in Kind.__members__.values():
            raise BadRequest("kind", f"{name} is no fault", f"use {', '.join(Kind)}")
        kind, delay_ms = Kind(name), read.read_int(fields, "delay_ms") or 0
        if kind is Kind.DROP_SOCKETS:
            return {"dropped": self._server.drop_sockets(read.read_text(fields, "sockets") or "all")}
        if kind is Kind.REFUSE_CONNECTIONS:
            self._server.refuse_connections(delay_ms)
            return {"refusing_ms": delay_ms}
        settings: Json = {name: read.read_text(fields, name) for name in _FAULT_TEXTS if name in fields}
        settings |= {name: read.read_int(fields, name) for name in _FAULT_NUMBERS if name in fields}
        settings["probability"] = read.read_share(fields, "probability")
        return self._server.faults.arm(kind, **settings).as_json()

    def faults(self) -> list[Json]:
        """The armed faults."""
        return [fault.as_json() for fault in self._server.faults.all()]

    def disarm(self, fault_id: int | None) -> Json:
        """Remove one fault, or all."""
        return {"removed": self._server.faults.disarm(fault_id)}

    def timings(self) -> Json:
        """Stamps since the last reset."""
        return self._server.timings.as_json()

    def reset_timings(self) -> Json:
        """Forget the stamps."""
        self._server.timings.reset()
        return {}
