"""API keys: who they speak for and what they may do."""

import secrets
from dataclasses import dataclass, field
from typing import Literal

from paper_exchange.gateio.errors import ApiError, bad_key
from paper_exchange.keyring import Keys

Right = Literal["none", "read", "write"]
PRODUCTS = ("spot", "wallet")


@dataclass(slots=True)
class ApiKey:
    """One key of one account; `rights` are per product, `addresses` empty means from anywhere."""

    api_key: str
    uid: int
    secret: str = field(repr=False)
    rights: dict[str, Right] = field(default_factory=lambda: dict.fromkeys(PRODUCTS, "write"))
    addresses: frozenset[str] = frozenset()
    is_revoked: bool = False

    def check_right(self, product: str, *, writes: bool) -> None:
        """Refuse what the key may not do. Raises: FORBIDDEN, READ_ONLY."""
        right = self.rights.get(product, "none")
        if right == "none":
            raise ApiError("FORBIDDEN", f"API key does not have {product} permission")
        if writes and right == "read":
            raise ApiError("READ_ONLY", "API key is read-only")


def new_token(length: int) -> str:
    """Random hexadecimal digits, as keys (32) and secrets (64) are."""
    return secrets.token_hex(length // 2)


class KeyRing(Keys[ApiKey]):
    """Every key of the exchange."""

    def find(self, api_key: str, address: str) -> ApiKey:
        """The usable key with this name. Raises: INVALID_KEY, IP_FORBIDDEN."""
        key = self.usable(api_key)
        if key is None:
            raise bad_key()
        if key.addresses and address not in key.addresses:
            raise ApiError("IP_FORBIDDEN", "Request IP is not in the whitelist")
        return key
