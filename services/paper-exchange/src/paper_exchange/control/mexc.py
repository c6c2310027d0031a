"""What only the MEXC face has under control: how symbols stand, and the end of listen keys."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from paper_exchange.control import read
from paper_exchange.control.face import FaceControl, Json, Post
from paper_exchange.control.read import BadRequest, Fields
from paper_exchange.core.ledger import Account
from paper_exchange.core.orders import Order
from paper_exchange.mexc import ids, render
from paper_exchange.mexc.catalog import State
from paper_exchange.mexc.keys import PERMISSIONS, ApiKey
from paper_exchange.mexc.server import MexcServer


class MexcControl(FaceControl):
    """Acts on the MEXC face."""

    name = "mexc"
    account_fields = frozenset({"label", "balances", "api_key", "secret", "mx_deduct", "permissions", "symbols"})

    def __init__(self, server: MexcServer) -> None:
        super().__init__(server, server.venue.switches)
        self._venue = server.venue

    def _admit(self, fields: Fields, balances: Mapping[str, Decimal]) -> Json:
        key, pays_in_mx = self._read_key(fields), read.read_flag(fields, "mx_deduct")
        key.uid = self._venue.open_account(balances, self._server.now_ms(), pays_in_mx=pays_in_mx).uid
        self._venue.keys.add(key)
        return {"uid": key.uid, "api_key": key.api_key, "secret": key.secret}

    def _read_key(self, fields: Fields) -> ApiKey:
        api_key = read.read_text(fields, "api_key") or ids.new_api_key()
        if self._venue.keys.uid_of(api_key) is not None:
            raise BadRequest("api_key", "belongs to another account", "choose another", 409)
        key = ApiKey(api_key, 0, read.read_text(fields, "secret") or ids.new_secret())
        key.created_ms = self._server.now_ms()
        if "permissions" in fields:
            key.permissions = _names(fields, "permissions", PERMISSIONS)
        if "symbols" in fields:
            key.symbols = _names(fields, "symbols", self._venue.states)
        return key

    def _history(self, account: Account) -> Json:
        orders = list(account.orders.values())
        return {
            "orders": [render.queried(order) for order in orders],
            "trades": [render.my_trade(order, fill) for order in orders for fill in order.fills],
        }

    def _revoke(self, uid: int) -> int:
        self._venue.listen_keys.expire(uid)
        return self._venue.keys.revoke(uid)

    def _find(self, fields: Fields) -> Order:
        """By the id that MEXC prints, or by the number in it."""
        text = fields.get("order_id")
        if isinstance(text, str) and not text.isdigit():
            fields = {**fields, "order_id": ids.read_order_id(text)}
        return super()._find(fields)

    def posts(self) -> Iterable[Post]:
        """Symbols may be suspended, and listen keys be lost."""
        return (
            ("symbols", frozenset({"symbol", "state"}), self.set_state),
            ("listen-keys/expire", frozenset({"uid"}), self.expire_listen_keys),
        )

    def set_state(self, fields: Fields) -> Json:
        """Let a symbol stand as `state` says; answers how all of them stand."""
        symbol, state = read.need_text(fields, "symbol"), read.need_text(fields, "state")
        if symbol not in self._venue.states:
            raise BadRequest("symbol", f"{symbol} is not traded here", f"use {', '.join(self._venue.states)}")
        if state not in State.__members__.values():
            raise BadRequest("state", f"{state} is none", f"use {', '.join(State)}")
        self._venue.states[symbol] = State(state)
        return dict(self._venue.states)

    def expire_listen_keys(self, fields: Fields) -> Json:
        """End the account's listen keys at once; its sockets fall silent, or are cut (`listen_key_expiry`)."""
        uid = read.read_int(fields, "uid")
        if uid is None:
            raise BadRequest("uid", "is missing", 'send "uid": 730000001')
        return {"expired": self._venue.listen_keys.expire(self.account(uid).uid)}


def _names(fields: Fields, name: str, known: Iterable[str]) -> frozenset[str]:
    value, legal = fields[name], frozenset(known)
    if not isinstance(value, list) or not legal.issuperset(map(str, value)):
        raise BadRequest(name, f"must be a list of {', '.join(sorted(legal))}", f'send "{name}": ["{min(legal)}"]')
    return frozenset(value)
