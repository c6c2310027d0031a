"""Small, honest facts: fills of one account in BTCUSDT on Binance, prices of fees, closings."""

from decimal import Decimal
from typing import Any

from common.exchanges import Exchange
from common.orders import OrderFilled, OrderStatus, Side
from common.portfolio import FeeValued, Holding, PriceSource, PriceUsed, SnapshotTaken, SymbolNamed
from portfolio.fills import Fill, fill_from
from portfolio.standing import Closing

NOW_MS = 1_795_341_600_000
ACCOUNT = "account-1"
BRACKET = "baaaaaaaaaaaaaaaa"
OTHER_BRACKET = "bbbbbbbbbbbbbbbbb"


def a_fill_fact(side: Side, qty: str, px: str, *, trade: int, fee: str | None = "0", **fields: Any) -> OrderFilled:
    """A fill as a connector tells it, `trade` seconds after the beginning; `bracket` names whose order it was."""
    bracket, leg = fields.pop("bracket", None), "e1" if side is Side.BUY else f"t{trade}"
    at_ms = fields.pop("at_ms", NOW_MS + 1_000 * trade)
    told: dict[str, Any] = {
        "account_id": ACCOUNT,
        "exchange": Exchange.BINANCE,
        "symbol": "BTCUSDT",
        "client_order_id": f"{bracket}-{leg}" if bracket else f"web_{trade}",
        "exchange_order_id": str(4_000 + trade),
        "side": side,
        "status": OrderStatus.FILLED,
        "last_qty": Decimal(qty),
        "last_px": Decimal(px),
        "trade_id": str(trade),
        "fee": None if fee is None else Decimal(fee),
        "fee_asset": None if fee is None else "USDT",
        "ts_event_ms": at_ms,
        "ts_init_ms": at_ms + 5,
    }
    return OrderFilled(**(told | fields))


def a_fill(side: Side, qty: str, px: str, *, trade: int, fee: str | None = "0", **fields: Any) -> Fill:
    """The same as the portfolio keeps it."""
    told_by = fields.pop("told_by", f"fact-{trade}")
    return fill_from(a_fill_fact(side, qty, px, trade=trade, fee=fee, **fields), told_by)


def a_buy(qty: str, px: str, **fields: Any) -> Fill:
    return a_fill(Side.BUY, qty, px, **fields)


def a_sale(qty: str, px: str, **fields: Any) -> Fill:
    return a_fill(Side.SELL, qty, px, **fields)


def a_name(base: str = "BTC", quote: str = "USDT", **fields: Any) -> SymbolNamed:
    """Which assets the symbol trades."""
    told: dict[str, Any] = {
        "account_id": ACCOUNT,
        "exchange": Exchange.BINANCE,
        "symbol": base + quote,
        "base": base,
        "quote": quote,
        "ts_event_ms": NOW_MS,
        "ts_init_ms": NOW_MS,
    }
    return SymbolNamed(**(told | fields))


def a_value(fill: Fill, px: str, *, said_ms: int = NOW_MS, quote: str = "USDT") -> FeeValued:
    """What one unit of the fill's fee was worth."""
    assert fill.fee_asset is not None
    used = PriceUsed(
        symbol=fill.fee_asset + quote, px=Decimal(px), ts_ms=fill.at_ms - 7, source=PriceSource.MINUTE_OPEN
    )
    return FeeValued(
        account_id=fill.account_id,
        exchange=fill.exchange,
        symbol=fill.symbol,
        trade_id=fill.trade_id,
        side=fill.side,
        fee_asset=fill.fee_asset,
        quote=quote,
        px=Decimal(px),
        prices=(used,),
        ts_event_ms=fill.at_ms,
        ts_init_ms=said_ms,
    )


def a_closing(entry: str, exit_: str, dust: str = "0", *, bracket: str = BRACKET, version: int = 9) -> Closing:
    """The engine is done with a bracket."""
    return Closing(
        account_id=ACCOUNT,
        exchange=Exchange.BINANCE,
        symbol="BTCUSDT",
        bracket_id=bracket,
        version=version,
        entry_qty=Decimal(entry),
        exit_qty=Decimal(exit_),
        dust_qty=Decimal(dust),
    )


def a_snapshot(**fields: Any) -> SnapshotTaken:
    """A day's holdings: a thousand dollars and a coin nobody prices."""
    told: dict[str, Any] = {
        "account_id": ACCOUNT,
        "exchange": Exchange.BINANCE,
        "day": "2026-11-22",
        "currency": "USDT",
        "holdings": (
            Holding(asset="ODD", qty=Decimal(7), px=None),
            Holding(asset="USDT", qty=Decimal(1_000), px=Decimal(1)),
        ),
        "equity": Decimal(1_000),
        "ts_event_ms": NOW_MS,
        "ts_init_ms": NOW_MS,
    }
    return SnapshotTaken(**(told | fields))
