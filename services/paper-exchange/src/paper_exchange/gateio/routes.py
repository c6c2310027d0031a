"""Which call answers which path, who may use it, and against which limit it counts (sections 2 and 12)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paper_exchange.gateio import account, public, trading, triggers
from paper_exchange.gateio.call import Call
from paper_exchange.gateio.limits import Pool

PREFIX = "/api/v4"
NAME = "{name}"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `product` is what a key needs a right for, None where nobody signs."""

    run: Callable[[Call], Any]
    product: str | None = None
    pool: Pool = "public"
    writes: bool = False
    status: int = 200


def _read(run: Callable[[Call], Any], product: str = "spot") -> Route:
    return Route(run, product, "private")


def _write(run: Callable[[Call], Any], pool: Pool = "private", status: int = 200) -> Route:
    return Route(run, "spot", pool, writes=True, status=status)


_NOTHING = {"GET": Route(public.nothing)}

ROUTES: dict[str, dict[str, Route]] = {
    "/spot/time": {"GET": Route(public.time)},
    "/spot/currencies": {"GET": Route(public.currencies)},
    "/spot/currencies/{name}": {"GET": Route(public.currency)},
    "/spot/currency_pairs": {"GET": Route(public.pairs)},
    "/spot/currency_pairs/{name}": {"GET": Route(public.pair)},
    "/spot/tickers": {"GET": Route(public.tickers)},
    "/spot/order_book": {"GET": Route(public.order_book)},
    "/spot/trades": {"GET": Route(public.trades)},
    "/spot/candlesticks": {"GET": Route(public.candlesticks)},
    "/spot/accounts": {"GET": _read(account.accounts)},
    "/spot/fee": {"GET": _read(account.fee)},
    "/spot/batch_fee": {"GET": _read(account.batch_fee)},
    "/spot/my_trades": {"GET": _read(account.my_trades)},
    "/spot/open_orders": {"GET": _read(account.open_orders)},
    "/spot/orders": {
        "POST": _write(trading.place, "create", 201),
        "GET": _read(account.orders),
        "DELETE": _write(trading.cancel_all, "cancel"),
    },
    "/spot/orders/{name}": {
        "GET": _read(account.order),
        "DELETE": _write(trading.cancel, "cancel"),
        "PATCH": _write(trading.amend, "create"),
    },
    "/spot/batch_orders": {"POST": _write(trading.place_batch, "create")},
    "/spot/cancel_batch_orders": {"POST": _write(trading.cancel_batch, "cancel")},
    "/spot/amend_batch_orders": {"POST": _write(trading.amend_batch, "create")},
    "/spot/price_orders": {
        "POST": _write(triggers.place, status=201),
        "GET": _read(triggers.listing),
        "DELETE": _write(triggers.cancel_all),
    },
    "/spot/price_orders/{name}": {"GET": _read(triggers.get), "DELETE": _write(triggers.cancel)},
    "/account/detail": {"GET": _read(account.detail, "account")},
    "/unified/accounts": {"GET": _read(account.unified_accounts, "account")},
    "/wallet/fee": {"GET": _read(account.fee, "wallet")},
    "/wallet/total_balance": {"GET": _read(account.total_balance, "wallet")},
    "/wallet/transfers": {"POST": Route(account.transfer, "wallet", "transfer", writes=True)},
    "/margin/currency_pairs": _NOTHING,
    "/margin/uni/currency_pairs": _NOTHING,
    "/futures/usdt/contracts": _NOTHING,
    "/futures/btc/contracts": _NOTHING,
    "/delivery/usdt/contracts": _NOTHING,
    "/delivery/btc/contracts": _NOTHING,
    "/options/underlyings": _NOTHING,
}


def methods_of(path: str) -> tuple[dict[str, Route] | None, str, str]:
    """(routes by method or None, the path they are counted by, the last part of a path that has a name in it)."""
    if not path.startswith(PREFIX):
        return None, path, ""
    rest = path.removeprefix(PREFIX)
    if rest in ROUTES:
        return ROUTES[rest], rest, ""
    head, _, name = rest.rpartition("/")
    template = f"{head}/{NAME}"
    return ROUTES.get(template), template, name
