"""Where the master keys come from: a port with two adapters, the environment and a file; a KMS would be a third."""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from common.errors import CgtError, MissingSetting
from credentials_vault.sealing import KEY_BYTES, MasterKeys

MASTER_KEYS = "CGT_VAULT_MASTER_KEYS"
MASTER_KEYS_FILE = "CGT_VAULT_MASTER_KEYS_FILE"


class BadMasterKeys(CgtError):
    """Master keys that cannot be read; the message never shows one."""


class MasterKeyProvider(Protocol):
    """Gives the master keys when the vault starts."""

    def load(self) -> MasterKeys: ...


class EnvironmentKeys:
    """CGT_VAULT_MASTER_KEYS: a JSON object of version to base64 of 32 bytes."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def load(self) -> MasterKeys:
        return parse(self._environ[MASTER_KEYS])


class FileKeys:
    """The same JSON object in a file, as orchestrators mount secrets."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> MasterKeys:
        return parse(self._path.read_text())


def provider(environ: Mapping[str, str]) -> MasterKeyProvider:
    """The provider the environment names. Raises MissingSetting: master keys have no default."""
    if environ.get(MASTER_KEYS_FILE):
        return FileKeys(Path(environ[MASTER_KEYS_FILE]))
    if environ.get(MASTER_KEYS):
        return EnvironmentKeys(environ)
    fix = f'set it to a JSON object like {{"1": "<base64 of 32 random bytes>"}}, or {MASTER_KEYS_FILE} to its path'
    raise MissingSetting(MASTER_KEYS, fix)


def parse(text: str) -> MasterKeys:
    """The keys of a JSON object of version to base64. Raises BadMasterKeys."""
    try:
        versions = msgspec.json.decode(text, type=dict[int, str])
        keys = {version: base64.b64decode(value, validate=True) for version, value in versions.items()}
    except (msgspec.MsgspecError, binascii.Error):
        raise BadMasterKeys("master keys must be a JSON object of integer version to base64") from None
    if not keys:
        raise BadMasterKeys("at least one master key is needed")
    for version, key in keys.items():
        if len(key) != KEY_BYTES:
            raise BadMasterKeys(f"master key {version} has {len(key)} bytes; AES-256 needs {KEY_BYTES}")
    return MasterKeys(keys)
