"""API keys: who they speak for, how they sign, and what they may do."""

import secrets
import string
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from paper_exchange.binance import signing
from paper_exchange.binance.errors import bad_key, bad_key_format
from paper_exchange.keyring import Keys

_ALPHABET = string.ascii_letters + string.digits
KEY_LENGTH = 64


@dataclass(slots=True)
class ApiKey:
    """One key of one account; it has a secret (HMAC) or a public key (Ed25519)."""

    api_key: str
    uid: int
    secret: str = field(default="", repr=False)
    public_key: Ed25519PublicKey | None = None
    permissions: frozenset[str] = frozenset({"SPOT"})
    can_withdraw: bool = False
    created_ms: int = 0
    is_revoked: bool = False

    @property
    def can_log_on(self) -> bool:
        """`session.logon` is for Ed25519 keys only (section 7.3)."""
        return self.public_key is not None

    def fits(self, payload: bytes, signature: str) -> bool:
        """Whether this key made `signature` over `payload`."""
        if self.public_key is not None:
            return signing.ed25519_fits(self.public_key, payload, signature)
        return signing.hmac_fits(self.secret, payload, signature)


def new_token() -> str:
    """Sixty-four random letters and digits, as Binance's keys and secrets are."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))


def read_public_key(pem: str) -> Ed25519PublicKey:
    """The Ed25519 key in a PEM text. Raises: ValueError when it is something else."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("public_key must be an Ed25519 key in PEM")
    return key


class KeyRing(Keys[ApiKey]):
    """Every key of the exchange."""

    def find(self, api_key: str | None) -> ApiKey:
        """The usable key with this name. Raises: -2014 when it is no key at all, -2015 when nobody has it."""
        if not api_key or not api_key.isascii() or not api_key.isalnum():
            raise bad_key_format()
        key = self.usable(api_key)
        if key is None:
            raise bad_key()
        return key
