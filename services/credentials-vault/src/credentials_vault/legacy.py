"""The first system's credentials (AES-256-CBC, PKCS7, one key and one IV for all), opened for import.

That format is not authenticated: a changed value may open as rubbish. It is read once and never written.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Literal

import msgspec
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from common.errors import CgtError, MissingSetting
from common.exchanges import Exchange
from credentials_vault.sealing import KEY_BYTES, Secrets

IV_BYTES = 16
BLOCK_BITS = 128


class BadLegacyValue(CgtError):
    """A value that does not open as the first system's format."""


class LegacyKey(msgspec.Struct, frozen=True):
    """CREDENTIAL_ENCRYPTION_KEY and CREDENTIAL_IV_KEY, as bytes."""

    key: bytes
    iv: bytes

    def __repr__(self) -> str:
        return "LegacyKey(hidden)"

    __str__ = __repr__


class LegacyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an export of the first system's `api_credentials` table."""

    user_id: str
    exchange: str
    api_key_encrypted: str
    secret_key_encrypted: str
    passphrase_encrypted: str | None = None
    active_trading: bool = False
    label: str = "imported"

    @property
    def exchange_name(self) -> Exchange:
        """The exchange in our spelling. Raises BadLegacyValue."""
        try:
            return Exchange(self.exchange.lower().replace(".", "").replace("_", ""))
        except ValueError:
            raise BadLegacyValue(f"exchange {self.exchange!r} is none we know") from None


def key_from(environ: Mapping[str, str]) -> LegacyKey:
    """The key and IV by the names the first system gave them. Raises MissingSetting or BadLegacyValue."""
    values = []
    for name, length in (("CREDENTIAL_ENCRYPTION_KEY", KEY_BYTES), ("CREDENTIAL_IV_KEY", IV_BYTES)):
        if not environ.get(name):
            raise MissingSetting(name, f"give the {length} bytes that the first system encrypted with")
        values.append(environ[name].encode())
        if len(values[-1]) != length:
            raise BadLegacyValue(f"{name} has {len(values[-1])} bytes; it needs exactly {length}")
    return LegacyKey(*values)


def open_row(row: LegacyRow, key: LegacyKey, encoding: Literal["hex", "base64"]) -> Secrets:
    """The secrets of one exported row. Raises BadLegacyValue naming the column, never the value."""
    passphrase = row.passphrase_encrypted
    return Secrets(
        api_key=_opened("api_key_encrypted", row.api_key_encrypted, key, encoding),
        secret=_opened("secret_key_encrypted", row.secret_key_encrypted, key, encoding),
        passphrase=_opened("passphrase_encrypted", passphrase, key, encoding) if passphrase else None,
    )


def _opened(column: str, value: str, key: LegacyKey, encoding: Literal["hex", "base64"]) -> str:
    try:
        raw = bytes.fromhex(value) if encoding == "hex" else base64.b64decode(value, validate=True)
        decryptor = Cipher(algorithms.AES(key.key), modes.CBC(key.iv)).decryptor()
        unpadder = padding.PKCS7(BLOCK_BITS).unpadder()
        padded = decryptor.update(raw) + decryptor.finalize()
        return (unpadder.update(padded) + unpadder.finalize()).decode("ascii")
    except (ValueError, binascii.Error):
        raise BadLegacyValue(f"{column} does not open with this key, IV and {encoding} encoding") from None
