"""Master keys come from the environment or a file; the first system's values open with its key and IV."""

import base64
import json
from pathlib import Path
from typing import Any, Literal

import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from common.errors import MissingSetting
from common.exchanges import Exchange
from credentials_vault.keys import BadMasterKeys, parse, provider
from credentials_vault.legacy import BadLegacyValue, LegacyKey, LegacyRow, key_from, open_row

ONE = json.dumps({"1": base64.b64encode(b"k" * 32).decode()})
LEGACY = LegacyKey(b"0123456789abcdef0123456789abcdef", b"fedcba9876543210")


def encrypted(text: str, encoding: str = "hex") -> str:
    """As the first system's AES-256-CBC wrote it."""
    padder = padding.PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(LEGACY.key), modes.CBC(LEGACY.iv)).encryptor()
    raw = encryptor.update(padded) + encryptor.finalize()
    return raw.hex() if encoding == "hex" else base64.b64encode(raw).decode()


def a_row(**changes: str) -> LegacyRow:
    fields: dict[str, Any] = {
        "user_id": "u",
        "exchange": "BINANCE",
        "api_key_encrypted": encrypted("key"),
        "secret_key_encrypted": encrypted("secret"),
    }
    return LegacyRow(**(fields | changes))


def test_master_keys_are_read_from_the_environment() -> None:
    assert provider({"CGT_VAULT_MASTER_KEYS": ONE}).load().newest == 1


def test_master_keys_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(ONE)
    assert provider({"CGT_VAULT_MASTER_KEYS_FILE": str(path)}).load().key(1) == b"k" * 32


def test_the_vault_does_not_start_without_master_keys() -> None:
    with pytest.raises(MissingSetting, match="CGT_VAULT_MASTER_KEYS"):
        provider({})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"one": "a"}', '{"1": "!"}', '{"1": "c2hvcnQ="}'])
def test_master_keys_that_cannot_be_used_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(BadMasterKeys) as refused:
        parse(text)
    assert "c2hvcnQ" not in str(refused.value)


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_the_first_systems_values_open(encoding: Literal["hex", "base64"]) -> None:
    row = a_row(api_key_encrypted=encrypted("key", encoding), secret_key_encrypted=encrypted("secret", encoding))
    opened = open_row(row, LEGACY, encoding)
    assert (opened.api_key, opened.secret, opened.passphrase) == ("key", "secret", None)


@pytest.mark.parametrize(("name", "exchange"), [("BINANCE", Exchange.BINANCE), ("GATE.IO", Exchange.GATEIO)])
def test_an_exchange_is_read_in_the_first_systems_spelling(name: str, exchange: Exchange) -> None:
    assert a_row(exchange=name).exchange_name is exchange


@given(st.text(max_size=80))
def test_a_value_that_is_not_of_that_format_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(BadLegacyValue) as refused:
        open_row(a_row(api_key_encrypted="zz" + value), LEGACY, "hex")
    assert str(refused.value) == "api_key_encrypted does not open with this key, IV and hex encoding"


def test_a_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(BadLegacyValue, match="exactly 16"):
        key_from({"CREDENTIAL_ENCRYPTION_KEY": "k" * 32, "CREDENTIAL_IV_KEY": "short"})
