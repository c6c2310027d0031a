"""What a signal looks like on the wire, and the wish that each of its recipients has. Pure."""

from typing import Final

from pydantic import Field

from common.exchanges import Exchange
from gateway.signals.model import Signal
from gateway.trading.refusals import invalid
from gateway.trading.requests import OrderWords, exchange_named
from gateway.trading.wishes import OrderWish

LONGEST_S: Final = 600


class SignalBody(OrderWords):
    """POST /exchanges/signals: an order as for place-order, for every active account."""

    exchange: str | None = Field(default=None, description="BINANCE, BITGET, GATEIO or MEXC; or name several.")
    exchanges: list[str] | None = Field(default=None, min_length=1, max_length=len(Exchange))
    valid_for_seconds: int | None = Field(
        default=None,
        alias="validForSeconds",
        ge=1,
        le=LONGEST_S,
        description="Accounts that have no order by then are skipped.",
    )

    def named_exchanges(self, in_query: str | None) -> tuple[Exchange, ...]:
        """The exchanges it is meant for, each once. Raises Refused."""
        if self.exchanges is None:
            return (exchange_named(in_query, self.exchange),)
        if in_query or self.exchange:
            raise invalid("exchange", "exchange and exchanges say the same thing.", "Give one of them.")
        return tuple(dict.fromkeys(exchange_named(name) for name in self.exchanges))


def wish_of(signal: Signal) -> OrderWish:
    """The order that every recipient gets, each in its own size."""
    body = SignalBody.model_validate_json(signal.body)
    return body.wished(credential_id=None, signal_id=signal.signal_id)
