"""What only the Bitget face has under control: passphrases, the two kinds of account, and its switches."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from paper_exchange.bitget import render, strategies, uta_render
from paper_exchange.bitget.keys import ApiKey, new_key_name, new_secret
from paper_exchange.bitget.notes import note_of
from paper_exchange.bitget.server import BitgetServer
from paper_exchange.control import read
from paper_exchange.control.face import FaceControl, Json
from paper_exchange.control.read import BadRequest, Fields
from paper_exchange.core.ledger import Account

PERMISSIONS = frozenset({"read", "trade"})


class BitgetControl(FaceControl):
    """Acts on the Bitget face."""

    name = "bitget"
    account_fields = frozenset({"label", "balances", "api_key", "secret", "passphrase", "kind", "permissions"})

    def __init__(self, server: BitgetServer) -> None:
        super().__init__(server, server.venue.switches)
        self._venue, self._end_account = server.venue, server.end_account

    def _admit(self, fields: Fields, balances: Mapping[str, Decimal]) -> Json:
        """A Classic account unless `kind` says `uta`."""
        api_key = read.read_text(fields, "api_key") or new_key_name()
        if self._venue.keys.uid_of(api_key) is not None:
            raise BadRequest("api_key", "belongs to another account", "choose another", 409)
        kind = read.read_text(fields, "kind") or "classic"
        if kind not in {"classic", "uta"}:
            raise BadRequest("kind", "must be classic or uta", 'send "kind": "classic"')
        key = ApiKey(
            api_key, 0, read.read_text(fields, "secret") or new_secret(),
            read.read_text(fields, "passphrase") or new_secret()[:16], "uta" if kind == "uta" else "classic",
            _permissions(fields.get("permissions")),
        )  # fmt: skip
        key.uid = self._venue.next_uid()
        self._exchange.open_account(key.uid, balances, self._server.now_ms())
        self._venue.keys.add(key)
        return {
            "uid": key.uid, "api_key": key.api_key, "secret": key.secret, "passphrase": key.passphrase,
            "kind": key.kind,
        }  # fmt: skip

    def _history(self, account: Account) -> Json:
        triggers = list(self._venue.exchange.triggers.get(account.uid, {}).values())
        is_uta = self._venue.keys.kind_of(account.uid) == "uta"
        orders = list(account.orders.values())
        return {
            "orders": [(uta_render.order_row if is_uta else render.history_row)(order) for order in orders],
            "plans": [render.plan_row(t) for t in triggers if note_of(t).kind != "strategy"],
            "strategies": [
                strategies.row(t.group.members)
                for t in triggers
                if note_of(t).kind == "strategy" and t is t.group.members[0]
            ],
            "children": {str(t.order_id): str(t.order.order_id) for t in triggers if t.order is not None},
            "trades": [
                (uta_render.fill_row if is_uta else render.fill_row)(order, fill)
                for order in orders
                for fill in order.fills
            ],
        }

    def _revoke(self, uid: int) -> int:
        count = self._venue.keys.revoke(uid)
        self._end_account(uid)
        return count


def _permissions(value: Any) -> frozenset[str]:
    if value is None:
        return PERMISSIONS
    if not isinstance(value, list) or not PERMISSIONS.issuperset(map(str, value)):
        raise BadRequest("permissions", "must be a list of read and trade", 'send "permissions": ["read"]')
    return frozenset(map(str, value))
