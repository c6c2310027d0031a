"""What is sealed opens as the same row only, whatever is changed, swapped or rotated."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.exchanges import Exchange
from credentials_vault.sealing import (
    DoesNotOpen,
    Identity,
    MasterKeys,
    Sealed,
    Secrets,
    UnknownMasterKey,
    hint,
    open_sealed,
    rewrap,
    seal,
)

OLD = MasterKeys({1: b"1" * 32})
BOTH = MasterKeys({1: b"1" * 32, 2: b"2" * 32})
NEW = MasterKeys({2: b"2" * 32})

texts = st.text(max_size=100)
secrets_ = st.builds(Secrets, api_key=texts, secret=texts, passphrase=st.none() | texts)
identities = st.builds(
    Identity,
    user_id=texts,
    exchange=st.sampled_from(Exchange),
    account_id=texts,
    key_version=st.integers(min_value=1, max_value=10**6),
)


@given(secrets_, identities)
def test_what_is_sealed_opens_as_it_was(secrets: Secrets, identity: Identity) -> None:
    assert open_sealed(seal(secrets, identity, OLD), identity, OLD) == secrets


@given(secrets_, identities, identities)
def test_a_row_swapped_for_another_never_opens(secrets: Secrets, ours: Identity, other: Identity) -> None:
    sealed = seal(secrets, ours, OLD)
    if ours != other:
        with pytest.raises(DoesNotOpen):
            open_sealed(sealed, other, OLD)


@given(secrets_, identities, st.sampled_from(["wrapped_key", "ciphertext"]), st.data())
def test_a_row_with_one_changed_bit_never_opens(
    secrets: Secrets, identity: Identity, column: str, data: st.DataObject
) -> None:
    sealed = seal(secrets, identity, OLD)
    raw = bytearray(getattr(sealed, column))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DoesNotOpen):
        open_sealed(msgspec.structs.replace(sealed, **{column: bytes(raw)}), identity, OLD)


@given(secrets_, identities, st.integers(0, 40))
def test_a_row_cut_short_never_opens(secrets: Secrets, identity: Identity, length: int) -> None:
    sealed = seal(secrets, identity, OLD)
    with pytest.raises(DoesNotOpen):
        open_sealed(msgspec.structs.replace(sealed, ciphertext=sealed.ciphertext[:length]), identity, OLD)


def test_the_wrapped_key_of_one_row_does_not_open_the_ciphertext_of_another(identity: Identity) -> None:
    first = seal(Secrets(api_key="a", secret="b"), identity, OLD)
    second = seal(Secrets(api_key="c", secret="d"), identity, OLD)
    crossed = Sealed(master_version=1, wrapped_key=first.wrapped_key, ciphertext=second.ciphertext)
    with pytest.raises(DoesNotOpen):
        open_sealed(crossed, identity, OLD)


def test_a_rewrapped_row_opens_under_the_new_master_key_alone(identity: Identity) -> None:
    secrets = Secrets(api_key="a", secret="b", passphrase="c")
    old = seal(secrets, identity, OLD)
    new = rewrap(old, identity, BOTH)
    assert open_sealed(new, identity, NEW) == secrets
    assert new.ciphertext == old.ciphertext
    with pytest.raises(UnknownMasterKey):
        open_sealed(old, identity, NEW)


def test_the_newest_master_key_seals_and_older_ones_still_open(identity: Identity) -> None:
    old = seal(Secrets(api_key="a", secret="b"), identity, OLD)
    assert seal(Secrets(api_key="a", secret="b"), identity, BOTH).master_version == 2
    assert open_sealed(old, identity, BOTH).api_key == "a"


def test_the_same_secrets_never_seal_to_the_same_bytes(identity: Identity) -> None:
    secrets = Secrets(api_key="a", secret="b")
    assert seal(secrets, identity, OLD).ciphertext != seal(secrets, identity, OLD).ciphertext


def test_nothing_that_is_printed_shows_a_secret() -> None:
    shown = repr(Secrets(api_key="plain-key", secret="plain-secret")) + repr(OLD)
    assert "plain" not in shown
    assert "111" not in shown


def test_a_hint_shows_four_characters_of_a_long_key_and_none_of_a_short_one() -> None:
    assert hint("abcdefghijklmnop") == "mnop"
    assert hint("short") == ""


@pytest.fixture
def identity() -> Identity:
    return Identity(user_id="u", exchange=Exchange.BINANCE, account_id="a", key_version=1)
