"""What an account's books on the exchange prove: nothing was placed or sold twice, and nothing was forgotten."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tests.e2e.conftest import Books

ZERO: Final = Decimal(0)
_CLIENT_IDS: Final = {
    "binance": (("orders", "clientOrderId"),),
    "bitget": (("orders", "clientOid"), ("plans", "clientOid")),
    "gateio": (("orders", "text"),),
    "mexc": (("orders", "clientOrderId"),),
}
"""Where each exchange keeps the ids that are chosen for it. Gate.io's triggers have none."""
_NOT_OURS: Final = "apiv4"
"""What Gate.io writes where nobody chose an id, as on the orders that its triggers place."""


@dataclass(frozen=True)
class Market:
    """Where a seat trades: the price at rest, the levels of its exits, and what is too little to be sold."""

    symbol: str
    base: str
    qty: str
    at: int
    targets: tuple[int, int]
    stop: int
    dust: Decimal

    @property
    def beyond_targets(self) -> str:
        """A price at which both targets sell."""
        return str(self.targets[-1] + self.at // 200)

    @property
    def beyond_stop(self) -> str:
        """A price at which the stops sell."""
        return str(self.stop - self.at // 100)


BTC: Final = Market("BTCUSDT", "BTC", "0.01", 100_000, (104_000, 106_000), 95_000, Decimal("0.00006"))
ETH: Final = Market("ETHUSDT", "ETH", "0.04", 3_500, (3_640, 3_710), 3_325, Decimal("0.0014"))


class View(Books):
    """An account in one market; `before` is what earlier trades left because it was too little to be sold."""

    def __init__(self, exchange: str, raw: Any, market: Market, before: Decimal = ZERO) -> None:
        super().__init__(exchange, raw)
        self.market, self.before = market, before

    @property
    def held(self) -> Decimal:
        """What this trade has brought and not sold."""
        balance = self.raw["balances"].get(self.market.base, {"free": "0", "locked": "0"})
        return Decimal(balance["free"]) + Decimal(balance["locked"]) - self.before

    @property
    def stopped(self) -> Decimal:
        """What sells when the price falls; on MEXC, where the engine holds the stops, what rests at the targets."""
        below = [qty for px, qty in self.waiting if self.exchange == "mexc" or px < self.market.at]
        return sum(below, ZERO)

    @property
    def protected(self) -> bool:
        """Whether exits cover what is held but for dust, and no more than that."""
        return self.held > self.market.dust and 0 <= self.held - self.stopped < self.market.dust

    @property
    def flat(self) -> bool:
        """Whether nothing but dust is held and nothing waits to sell."""
        return self.held < self.market.dust and not self.waiting

    def traded(self) -> dict[str, Decimal]:
        """The quantity of all trades by side."""
        sums = {"BUY": ZERO, "SELL": ZERO}
        for side, qty in self.trades:
            sums[side] += qty
        return sums


def doubled(view: View, intents: int, ledger: Mapping[str, Decimal]) -> list[str]:
    """What happened more often than it was wanted (P2, P3); to be asked when the account has come to rest."""
    found = [f"the id {each} has {times} orders" for each, times in _ids(view).items() if times > 1]
    if view.entries > intents:
        found.append(f"{view.entries} entries of {intents} intents")
    traded = view.traded()
    if traded["SELL"] > traded["BUY"]:
        found.append(f"{traded['SELL']} sold of {traded['BUY']} bought")
    if view.stopped > view.held:
        found.append(f"stops for {view.stopped} on {view.held}")
    return found + [f"{side}: {ledger[side]} in the ledger" for side in traded if ledger[side] > traded[side]]


def lost(view: View, ledger: Mapping[str, Decimal]) -> list[str]:
    """What traded and our ledger does not know (P4)."""
    return [
        f"{side}: {qty} traded, {ledger[side]} in the ledger"
        for side, qty in view.traded().items()
        if ledger[side] < qty
    ]


def _ids(view: View) -> Counter[str]:
    return sum((_named(view.raw[kind], name) for kind, name in _CLIENT_IDS[view.exchange]), Counter())


def _named(rows: Sequence[Mapping[str, Any]], name: str) -> Counter[str]:
    return Counter(str(row[name]) for row in rows if row[name] not in {"", _NOT_OURS})
