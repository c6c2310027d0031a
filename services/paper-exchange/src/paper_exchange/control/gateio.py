"""What only the Gate.io face has under control: rights of keys, GT, unified accounts, and its switches."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from paper_exchange.control import read
from paper_exchange.control.face import FaceControl, Json
from paper_exchange.control.read import BadRequest, Fields
from paper_exchange.core.ledger import Account
from paper_exchange.gateio import render
from paper_exchange.gateio.keys import PRODUCTS, ApiKey, Right, new_token
from paper_exchange.gateio.server import GateServer

_RIGHTS: dict[str, Right] = {"none": "none", "read": "read", "write": "write"}


class GateControl(FaceControl):
    """Acts on the Gate.io face."""

    name = "gateio"
    account_fields = frozenset(
        {"label", "balances", "api_key", "secret", "rights", "addresses", "pays_with_gt", "unified"}
    )

    def __init__(self, server: GateServer) -> None:
        super().__init__(server, server.venue.switches)
        self._venue, self._end_account = server.venue, server.end_account

    def _admit(self, fields: Fields, balances: Mapping[str, Decimal]) -> Json:
        """A classic account with a key that may read and write, unless told otherwise."""
        api_key = read.read_text(fields, "api_key") or new_token(32)
        if self._venue.keys.uid_of(api_key) is not None:
            raise BadRequest("api_key", "belongs to another account", "choose another", 409)
        rights, addresses = _rights(fields.get("rights")), _addresses(fields.get("addresses"))
        secret = read.read_text(fields, "secret") or new_token(64)
        account = self._venue.open_account(
            balances, self._server.now_ms(), discount=read.read_flag(fields, "pays_with_gt"),
            unified=read.read_flag(fields, "unified"),
        )  # fmt: skip
        self._venue.keys.add(ApiKey(api_key, account.uid, secret, rights, addresses))
        return {"uid": account.uid, "api_key": api_key, "secret": secret}

    def _history(self, account: Account) -> Json:
        orders = list(account.orders.values())
        triggers = self._venue.exchange.triggers.get(account.uid, {}).values()
        return {
            "orders": [render.order(self._venue, order) for order in orders],
            "price_orders": [render.price_order(self._venue, trigger) for trigger in triggers],
            "trades": [render.my_trade(self._venue, order, fill) for order in orders for fill in order.fills],
        }

    def _revoke(self, uid: int) -> int:
        count = self._venue.keys.revoke(uid)
        self._end_account(uid)
        return count


def _rights(value: Any) -> dict[str, Right]:
    rights: dict[str, Right] = dict.fromkeys(PRODUCTS, "write")
    if value is None:
        return rights
    known = isinstance(value, dict) and set(value) <= set(PRODUCTS) and set(map(str, value.values())) <= set(_RIGHTS)
    if not known:
        raise BadRequest("rights", "must map spot and wallet to none, read or write", 'send {"spot": "read"}')
    return rights | {name: _RIGHTS[str(right)] for name, right in value.items()}


def _addresses(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRequest("addresses", "must be a list of strings", 'send ["127.0.0.1"]')
    return frozenset(value)
