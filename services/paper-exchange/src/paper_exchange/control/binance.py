"""What only the Binance face has under control: its kinds of keys and its way of printing."""

from collections.abc import Mapping
from decimal import Decimal

from paper_exchange.binance import render
from paper_exchange.binance.keys import ApiKey, new_token, read_public_key
from paper_exchange.binance.server import BinanceServer
from paper_exchange.control import read
from paper_exchange.control.face import FaceControl, Json
from paper_exchange.control.read import BadRequest, Fields
from paper_exchange.core.ledger import Account


class BinanceControl(FaceControl):
    """Acts on the Binance face."""

    name = "binance"
    account_fields = frozenset(
        {"label", "balances", "key_type", "public_key", "api_key", "secret", "bnb_burn", "permissions", "can_withdraw"}
    )  # fmt: skip

    def __init__(self, server: BinanceServer) -> None:
        super().__init__(server)
        self._face, self._wsapi = server.face, server.wsapi

    def _admit(self, fields: Fields, balances: Mapping[str, Decimal]) -> Json:
        """HMAC unless a public key says otherwise."""
        key, discount = self._read_key(fields), read.read_flag(fields, "bnb_burn")
        key.uid = self._face.next_uid()
        self._exchange.open_account(key.uid, balances, self._server.now_ms(), discount=discount)
        self._face.keys.add(key)
        return {"uid": key.uid, "api_key": key.api_key, "secret": key.secret or None}

    def _read_key(self, fields: Fields) -> ApiKey:
        kind = read.read_text(fields, "key_type") or ("ed25519" if fields.get("public_key") else "hmac")
        if kind not in {"hmac", "ed25519"}:
            raise BadRequest("key_type", "must be hmac or ed25519", 'send "key_type": "hmac"')
        key = ApiKey(read.read_text(fields, "api_key") or new_token(), 0, created_ms=self._server.now_ms())
        key.can_withdraw = read.read_flag(fields, "can_withdraw")
        if "permissions" in fields:
            key.permissions = frozenset(map(str, fields["permissions"]))
        if self._face.keys.uid_of(key.api_key) is not None:
            raise BadRequest("api_key", "belongs to another account", "choose another", 409)
        if kind == "hmac":
            key.secret = read.read_text(fields, "secret") or new_token()
            return key
        try:
            key.public_key = read_public_key(read.need_text(fields, "public_key"))
        except ValueError as error:
            raise BadRequest("public_key", str(error), "send the PEM of an Ed25519 public key") from None
        return key

    def _history(self, account: Account) -> Json:
        orders = list(account.orders.values())
        return {
            "orders": [render.queried(order) for order in orders],
            "order_lists": [render.order_list(found) for found in account.lists.values()],
            "trades": [render.my_trade(order, fill) for order in orders for fill in order.fills],
        }

    def _revoke(self, uid: int) -> int:
        count = self._face.keys.revoke(uid)
        self._wsapi.end_account(uid, self._server.now_ms())
        return count
