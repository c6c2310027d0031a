"""Names of orders. Orders carry `t-` and our id; price orders only a number of their own, from a space of its own.

To us a price order and the order it becomes are one order, and its exchange id is that of the price order, written
`po-1500000001`, so that it can never be taken for an order's.
"""

import re
from typing import Final

from common.errors import Refused

TEXT: Final = "t-"
PRICE_ORDER: Final = "po-"
_LEGAL: Final = re.compile(r"[0-9A-Za-z_.-]{1,28}").fullmatch


def text_of(client_order_id: str) -> str:
    """The `text` of an order with this id of ours. Raises Refused for what Gate.io would not take."""
    if _LEGAL(client_order_id) is None:
        raise Refused(
            code="bad_order",
            title="Gate.io would refuse this order",
            field="client_order_id",
            rule="1 to 28 of letters, digits, _, - and .",
            fix="choose an id of this alphabet",
        )
    return TEXT + client_order_id


def client_id_of(text: str) -> str | None:
    """Our id in a `text`; None for the words that the server writes itself (web, apiv4, 101)."""
    return text[len(TEXT) :] if text.startswith(TEXT) and len(text) > len(TEXT) else None


def exchange_id_of(price_order_id: int | str) -> str:
    """How we write the id of a price order."""
    return f"{PRICE_ORDER}{price_order_id}"


def price_order_of(exchange_order_id: str | None) -> str | None:
    """The number of a price order in an exchange id of ours; None where it is an order's."""
    if exchange_order_id is None or not exchange_order_id.startswith(PRICE_ORDER):
        return None
    return exchange_order_id.removeprefix(PRICE_ORDER)
