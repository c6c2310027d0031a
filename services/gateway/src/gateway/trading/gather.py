"""What a trading request is sized by, asked for all at once."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from common.instruments import Instrument
from common.market import Ticker
from gateway.ports import Account, Connector


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The rules, the prices and what is free."""

    instrument: Instrument
    ticker: Ticker | None
    free: Mapping[str, Decimal]


async def gathered(connector: Connector, account: Account, symbol: str) -> Seen:
    """The account's view of a symbol. Raises Refused for an unknown one, Unavailable."""
    instrument = await connector.instrument(symbol)
    tickers, balances = await asyncio.gather(connector.tickers([symbol]), connector.balances(account.account_id))
    return Seen(
        instrument=instrument,
        ticker=next(iter(tickers), None),
        free={balance.asset: balance.free for balance in balances},
    )
