"""What an order stakes, in dollars. Pure but for the one price that a quote asset without a dollar of its own needs."""

from decimal import Decimal

from common.instruments import ZERO
from common.intents import PlaceOrder
from common.orders import Side
from gateway.ports import Connector
from gateway.risk.rules import Stake
from gateway.trading.sizing import DOLLARS, ONE

DOLLAR_QUOTE = "USDT"


async def usd_rate(connector: Connector, quote: str) -> Decimal | None:
    """What a unit of a quote asset is worth in dollars; None where the exchange has no price. Raises Unavailable."""
    if quote in DOLLARS:
        return ONE
    tickers = await connector.tickers([quote + DOLLAR_QUOTE])
    return next((ticker.last_px for ticker in tickers), None)


def worth(intent: PlaceOrder) -> Decimal:
    """What an order moves, in its quote asset, by the price it was sized by."""
    return intent.quote_qty or (intent.qty or ZERO) * (intent.price or intent.reference_px)


def stake_of(intent: PlaceOrder, rate: Decimal | None) -> Stake | None:
    """What a buy adds to its user's risk; None for a sell, which takes risk away."""
    if intent.side is Side.SELL:
        return None
    usd = None if rate is None else worth(intent) * rate
    return Stake(user_id=intent.user_id, exchange=intent.exchange, usd=usd, usd_rate=rate)
