"""Which call answers which path, its weight, and what the key must be allowed to do (sections 5 and 6)."""

from collections.abc import Callable
from dataclasses import dataclass

from paper_exchange.mexc import account, public, trading
from paper_exchange.mexc.call import Run
from paper_exchange.mexc.params import Params

Weight = int | Callable[[Params], int]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation; `permission` is None on public ones."""

    run: Run
    permission: str | None = None
    weight: Weight = 1

    def weigh(self, params: Params) -> int:
        """The weight of this request."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def _or_all(one: int, every: int) -> Weight:
    return lambda params: one if params.text("symbol") else every


def _reads(run: Run, weight: int = 1) -> Route:
    return Route(run, "SPOT_ACCOUNT_READ", weight)


def _deals(run: Run, weight: int) -> Route:
    return Route(run, "SPOT_DEAL_READ", weight)


def _trades(run: Run) -> Route:
    return Route(run, "SPOT_DEAL_WRITE")


_V3: dict[str, dict[str, Route]] = {
    "ping": {"GET": Route(public.ping)},
    "time": {"GET": Route(public.time)},
    "defaultSymbols": {"GET": Route(public.default_symbols)},
    "symbol/offline": {"GET": Route(public.offline, weight=10)},
    "exchangeInfo": {"GET": Route(public.exchange_info, weight=10)},
    "depth": {"GET": Route(public.depth)},
    "trades": {"GET": Route(public.trades, weight=5)},
    "aggTrades": {"GET": Route(public.agg_trades)},
    "klines": {"GET": Route(public.klines)},
    "avgPrice": {"GET": Route(public.average_px)},
    "ticker/24hr": {"GET": Route(public.ticker_24hr, weight=_or_all(1, 40))},
    "ticker/price": {"GET": Route(public.ticker_price, weight=_or_all(1, 2))},
    "ticker/bookTicker": {"GET": Route(public.ticker_book)},
    "order": {"POST": _trades(trading.place), "GET": _deals(account.order, 2), "DELETE": _trades(trading.cancel)},
    "order/test": {"POST": _trades(trading.test)},
    "order/all": {"DELETE": _trades(trading.cancel_all)},
    "batchOrders": {"POST": _trades(trading.place_batch)},
    "openOrders": {"GET": _deals(account.open_orders, 3), "DELETE": _trades(trading.cancel_open)},
    "allOrders": {"GET": _deals(account.all_orders, 10)},
    "myTrades": {"GET": _deals(account.my_trades, 10)},
    "account": {"GET": _reads(account.account, 10)},
    "tradeFee": {"GET": _reads(account.trade_fee, 20)},
    "mxDeduct/enable": {"GET": _reads(account.mx_deduct), "POST": _reads(account.set_mx_deduct)},
    "selfSymbols": {"GET": _reads(account.self_symbols)},
    "kyc/status": {"GET": _reads(account.kyc)},
    "uid": {"GET": _reads(account.uid)},
    "apiKeyInfo": {"GET": _reads(account.key_info)},
    "capital/config/getall": {"GET": _reads(public.coins, 10)},
    "userDataStream": {
        "POST": _reads(account.open_listen_key),
        "GET": _reads(account.list_listen_keys),
        "PUT": _reads(account.extend_listen_key),
        "DELETE": _reads(account.close_listen_key),
    },
}
REST: dict[str, dict[str, Route]] = {f"/api/v3/{path}": methods for path, methods in _V3.items()}
# Clients that load every market ask for futures too; they are told that there are none.
REST["/api/v1/contract/detail"] = {"GET": Route(public.no_contracts)}
