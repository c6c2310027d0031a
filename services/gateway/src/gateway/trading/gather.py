"""What a trading request is sized by, asked for all at once; and the order that comes of it."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from common.instruments import Instrument
from common.intents import PlaceOrder
from common.market import Ticker
from gateway.ports import Account, Connector
from gateway.risk.rules import Stake
from gateway.risk.stakes import stake_of, usd_rate
from gateway.trading.intents import Stamp, market_of, place_order
from gateway.trading.wishes import OrderWish


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol for everybody alike: its rules, its prices, and what its quote asset is worth in dollars."""

    instrument: Instrument
    ticker: Ticker | None
    usd_rate: Decimal | None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The symbol, and what the account has free."""

    listing: Listing
    free: Mapping[str, Decimal]


class Composed(msgspec.Struct, frozen=True, kw_only=True):
    """An order that would be sent, and what it risks."""

    intent: PlaceOrder
    stake: Stake | None


async def listing_of(connector: Connector, symbol: str) -> Listing:
    """The symbol as it stands. Raises Refused for an unknown one, Unavailable."""
    instrument = await connector.instrument(symbol)
    tickers, rate = await asyncio.gather(connector.tickers([symbol]), usd_rate(connector, instrument.quote))
    return Listing(instrument=instrument, ticker=next(iter(tickers), None), usd_rate=rate)


async def free_of(connector: Connector, account_id: str) -> Mapping[str, Decimal]:
    """What the account has free. Raises Refused, Unavailable."""
    return {balance.asset: balance.free for balance in await connector.balances(account_id)}


async def gathered(connector: Connector, account: Account, symbol: str) -> Seen:
    """The account's view of a symbol. Raises Refused for an unknown one, Unavailable."""
    await connector.instrument(symbol)  # Of a symbol that does not exist nothing else needs to be known.
    listing, free = await asyncio.gather(listing_of(connector, symbol), free_of(connector, account.account_id))
    return Seen(listing=listing, free=free)


def composed(wish: OrderWish, stamp: Stamp, listing: Listing, free: Mapping[str, Decimal]) -> Composed:
    """The order that a wish calls for. Raises Refused."""
    intent = place_order(wish, stamp, listing.instrument, market_of(listing.ticker, wish.symbol), free)
    return Composed(intent=intent, stake=stake_of(intent, listing.usd_rate))
