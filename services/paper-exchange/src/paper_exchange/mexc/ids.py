"""Ids as MEXC writes them: `C02__505979017439002624115` for an order, `505979017439002624X1` for a trade."""

import hashlib
import re
import secrets

_ORDER = re.compile(r"C02__([0-9]{1,18})115")
FIRST = 505979017439002600


def order_id(number: int) -> str:
    """The text of an order id."""
    return f"C02__{number}115"


def read_order_id(text: str) -> int:
    """The number in an order id; 0, which no order has, when the text is something else."""
    match = _ORDER.fullmatch(text)
    return int(match[1]) if match is not None else 0


def trade_id(number: int) -> str:
    """The text of a trade id, the same in REST and in pushes."""
    return f"{number}X1"


def listed_id(name: str) -> str:
    """The thirty-two hexadecimal digits by which pushes call an asset or a symbol."""
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def new_api_key() -> str:
    """An access key, as MEXC's begin."""
    return f"mx0v{secrets.token_hex(7)}"


def new_secret() -> str:
    """Thirty-two hexadecimal digits."""
    return secrets.token_hex(16)


def new_listen_key() -> str:
    """Sixty-four hexadecimal digits."""
    return secrets.token_hex(32)
