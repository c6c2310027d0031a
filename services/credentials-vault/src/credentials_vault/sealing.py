"""Secrets to sealed rows and back: envelope encryption in which a row opens only as the row it was sealed for.

A fresh data key seals each credential with AES-256-GCM; the data key itself is sealed ("wrapped") by a versioned master
key. The row's identity is the associated data of both, so that a row copied over another one does not open. Rotating
the master key re-wraps the data key and leaves the ciphertext as it is.
"""

import hashlib
import os
from collections.abc import Callable, Mapping

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.errors import CgtError
from common.exchanges import Exchange

KEY_BYTES = 32
NONCE_BYTES = 12
"""The nonce length GCM is made for (NIST SP 800-38D, section 5.2.1.1); it stands before each ciphertext."""

Random = Callable[[int], bytes]


class DoesNotOpen(CgtError):
    """A sealed row that is not what was sealed: changed, moved to another row, or under another key."""


class UnknownMasterKey(CgtError):
    """A row sealed under a master key version that is not loaded."""

    def __init__(self, version: int) -> None:
        super().__init__(f"master key version {version} is not loaded: add it to the vault's master keys")
        self.version = version


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What must never be readable anywhere but in the memory of who signs with it."""

    api_key: str
    secret: str
    passphrase: str | None = None

    def __repr__(self) -> str:
        return "Secrets(hidden)"

    __str__ = __repr__


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which row this is: a sealed row opens under this identity and no other."""

    user_id: str
    exchange: Exchange
    account_id: str
    key_version: int


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """What the database holds of a credential."""

    master_version: int
    wrapped_key: bytes
    ciphertext: bytes


class MasterKeys(msgspec.Struct, frozen=True):
    """The master keys by version: the newest seals, older ones still open."""

    by_version: Mapping[int, bytes]

    @property
    def newest(self) -> int:
        """The version that new rows are sealed with."""
        return max(self.by_version)

    def key(self, version: int) -> bytes:
        """The key of this version. Raises UnknownMasterKey."""
        try:
            return self.by_version[version]
        except KeyError:
            raise UnknownMasterKey(version) from None

    def __repr__(self) -> str:
        return f"MasterKeys(versions={sorted(self.by_version)})"

    __str__ = __repr__


def seal(secrets: Secrets, identity: Identity, keys: MasterKeys, random: Random = os.urandom) -> Sealed:
    """The secrets sealed for this row under the newest master key, with a data key of their own."""
    data_key = random(KEY_BYTES)
    return Sealed(
        master_version=keys.newest,
        wrapped_key=_wrap(data_key, identity, keys, random),
        ciphertext=_encrypt(data_key, msgspec.json.encode(secrets), _aad("secrets", identity), random),
    )


def open_sealed(sealed: Sealed, identity: Identity, keys: MasterKeys) -> Secrets:
    """The secrets of this row. Raises DoesNotOpen or UnknownMasterKey."""
    plaintext = _decrypt(_unwrap(sealed, identity, keys), sealed.ciphertext, _aad("secrets", identity))
    return msgspec.json.decode(plaintext, type=Secrets)


def rewrap(sealed: Sealed, identity: Identity, keys: MasterKeys, random: Random = os.urandom) -> Sealed:
    """The same row under the newest master key. Raises DoesNotOpen or UnknownMasterKey."""
    wrapped = _wrap(_unwrap(sealed, identity, keys), identity, keys, random)
    return msgspec.structs.replace(sealed, master_version=keys.newest, wrapped_key=wrapped)


def fingerprint(api_key: str) -> str:
    """A one-way mark of an API key (64 random characters on every exchange), to notice one that is stored already."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def hint(api_key: str) -> str:
    """The last four characters, by which a user recognises a key; nothing of a key too short to hide the rest."""
    return api_key[-4:] if len(api_key) >= 16 else ""


def _wrap(data_key: bytes, identity: Identity, keys: MasterKeys, random: Random) -> bytes:
    return _encrypt(keys.key(keys.newest), data_key, _aad(f"data key under {keys.newest}", identity), random)


def _unwrap(sealed: Sealed, identity: Identity, keys: MasterKeys) -> bytes:
    master = keys.key(sealed.master_version)
    return _decrypt(master, sealed.wrapped_key, _aad(f"data key under {sealed.master_version}", identity))


def _aad(purpose: str, identity: Identity) -> bytes:
    # A JSON list keeps its elements apart, so that no two identities can spell the same bytes.
    return msgspec.json.encode([purpose, *msgspec.structs.astuple(identity)])


def _encrypt(key: bytes, plaintext: bytes, aad: bytes, random: Random) -> bytes:
    nonce = random(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, aad)


def _decrypt(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    if len(sealed) <= NONCE_BYTES:
        raise DoesNotOpen("the sealed value is too short to be one")
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
    except InvalidTag:
        raise DoesNotOpen("the sealed value was changed, or belongs to another row") from None
