"""Our system as a competitor: keys stored in the vault, entries ordered on the intents topic."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import aiohttp

from benchmarks.bots.config import Account
from benchmarks.competitors import NotResting, in_turn, until_resting
from benchmarks.hops import Hops, gauge, hops
from benchmarks.paper import Entry, Paper
from benchmarks.trade import ENTRY_PX, ENTRY_QTY, LISTS_PER_FILL, LOT, STOP, SYMBOL, TAKE_PROFITS
from common import ids
from common.bus.brokers import BusSettings
from common.bus.publisher import Publisher
from common.bus.topics import all_topics
from common.exchanges import CAPABILITIES, Exchange
from common.exits import ExitLevel, ExitPlan, PriceTarget
from common.instruments import Instrument
from common.intents import PlaceOrder
from common.orders import OrderType, Side, TimeInForce
from common.runtime.stack import Stack
from common.service.auth import ServiceAuth
from gateway.trading.service import intent_message

MEASURED: Final = ("binance-connector", "order-engine")
"""The services on the path from fill to order."""

_LIVE_WITHIN_S: Final = 60.0
_LIVE_EACH_S: Final = 0.2
"""For each account beyond that: its stream is opened, and what it may have missed is read."""
_VALID_MS: Final = 600_000
_AT_ONCE: Final = 20
_PAUSE_S: Final = 0.2
"""A burst of a thousand intents would still be worked off when the measurement begins."""
_SOURCE: Final = "benchmark"
_USER: Final = "benchmark"

_INSTRUMENT: Final = Instrument(
    exchange=Exchange.BINANCE,
    symbol=SYMBOL,
    exchange_symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    tick_size=Decimal("0.01"),
    lot_size=LOT,
    min_qty=LOT,
    min_notional=Decimal(5),
    max_algo_orders=1_000_000,  # As the paper exchange is told (ROOMY).
    oco_allowed=True,
)
_PLAN: Final = ExitPlan(
    levels=tuple(
        ExitLevel(
            take_profit=PriceTarget(px=px), stop_loss=PriceTarget(px=STOP), share=Decimal(1) / Decimal(LISTS_PER_FILL)
        )
        for px in TAKE_PROFITS
    )
)


class Ours:
    """Connector, broker, engine and database, as `make up` runs them."""

    name = "ours"

    def __init__(self, stack: Stack, paper: Paper, accounts: Sequence[Account]) -> None:
        self.accounts = accounts
        self._stack, self._paper = stack, paper
        self._account_ids: dict[int, str] = {}

    async def start(self) -> None:
        """Store every account's key in the vault and wait until the connector listens to all. Raises NotResting."""
        auth = ServiceAuth("gateway", self._stack.secrets.service_keys["gateway"])
        vault = f"{self._stack.urls['credentials-vault']}/accounts"
        async with aiohttp.ClientSession(raise_for_status=True) as http:
            for account in self.accounts:
                body = {
                    "user_id": _USER, "exchange": Exchange.BINANCE, "label": str(account.uid),
                    "api_key": account.api_key, "secret": account.secret,
                }  # fmt: skip
                async with http.post(vault, json=body, headers=auth.header("credentials-vault")) as answer:
                    self._account_ids[account.uid] = (await answer.json())["account_id"]
        await self._until_live()

    async def _until_live(self) -> None:
        deadline = time.monotonic() + _LIVE_WITHIN_S + _LIVE_EACH_S * len(self.accounts)
        connector = self._stack.urls["binance-connector"]
        while (live := await gauge(connector, "cgt_accounts_live")) < len(self.accounts):
            if time.monotonic() > deadline:
                raise NotResting(f"{live:g} of {len(self.accounts)} accounts have a live stream.")
            await asyncio.sleep(0.2)

    async def place(self, count: int) -> list[Entry]:
        """See Competitor. The gateway is passed by, because thousands of entries are only the setting of the scene."""
        settings = BusSettings(kafka_bootstrap=self._stack.bootstrap, broker=self._stack.options.broker)
        ordered = [(account, self._intent(account)) for account in in_turn(self.accounts, count)]
        async with Publisher(settings, all_topics(CAPABILITIES), _SOURCE) as publisher:
            for first in range(0, count, _AT_ONCE):
                await publisher.publish([intent_message(intent) for _, intent in ordered[first : first + _AT_ONCE]])
                await asyncio.sleep(_PAUSE_S)
        entries = [
            Entry(account.uid, ids.bracket_id(intent.account_id, intent.intent_id)) for account, intent in ordered
        ]
        await until_resting(self._paper, self.accounts, entries)
        return entries

    def processes(self) -> Mapping[int, str]:
        """See Competitor."""
        return {self._stack.pid(name): name for name in self._stack.urls}

    async def hops(self) -> Hops:
        """See Competitor."""
        return await hops({name: self._stack.urls[name] for name in MEASURED})

    def _intent(self, account: Account) -> PlaceOrder:
        now_ms = time.time_ns() // 1_000_000
        return PlaceOrder(
            intent_id=ids.new_id(),
            user_id=_USER,
            account_id=self._account_ids[account.uid],
            exchange=Exchange.BINANCE,
            symbol=SYMBOL,
            ts_init_ms=now_ms,
            valid_until_ms=now_ms + _VALID_MS,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            qty=ENTRY_QTY,
            price=ENTRY_PX,
            time_in_force=TimeInForce.GTC,
            plan=_PLAN,
            instrument=_INSTRUMENT,
            reference_px=ENTRY_PX,
        )
