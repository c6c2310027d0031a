"""Fakes that work: what the gateway depends on, kept in memory, with switches for what goes wrong."""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from common.accounts import AccountState, AssetBalance
from common.bus.messages import Outgoing
from common.codec import decode_union
from common.errors import Unavailable
from common.exchanges import Exchange
from common.ids import new_id
from common.instruments import Instrument
from common.intents import OrderIntent
from common.market import Candle, Depth, PublicTrade, Ticker
from common.orders import OrderSnapshot, Side
from gateway.accounts import not_found
from gateway.ports import (
    Account,
    After,
    Answer,
    BracketView,
    IntentView,
    Key,
    KeyCheck,
    OrderView,
    StoredIntent,
    Transfer,
)
from gateway.risk.rules import Stake
from gateway.testing.builders import an_instrument
from gateway.trading.refusals import invalid

NOW_MS = 1_795_341_600_000


class MemoryVault:
    """Accounts without their keys; `keys` is what it was given, for tests to look at."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.keys: dict[str, Key] = {}

    async def of_user(self, user_id: str) -> Sequence[Account]:
        return [account for account in self.accounts.values() if account.user_id == user_id]

    async def of_exchange(self, exchange: Exchange) -> Sequence[Account]:
        return [account for account in self.accounts.values() if account.exchange is exchange]

    async def get(self, account_id: str) -> Account | None:
        return self.accounts.get(account_id)

    async def add(
        self,
        user_id: str,
        exchange: Exchange,
        key: Key,
        *,
        label: str,
        is_default: bool,
        active: bool,
        account_kind: str | None,
    ) -> Account:
        peers = [each for each in await self.of_user(user_id) if each.exchange is exchange]
        if label and any(each.label == label for each in peers):
            raise invalid("label", "Each has its own label.", "Choose another label.", code="LABEL_TAKEN")
        account = Account(
            account_id=new_id(),
            user_id=user_id,
            exchange=exchange,
            label=label,
            state=AccountState.ACTIVE if active else AccountState.PAUSED,
            is_default=is_default or not any(each.is_default for each in peers),
            key_version=1,
            ts_init_ms=NOW_MS,
            api_key_hint=key.api_key[-4:],
            account_kind=account_kind,
            created_ms=NOW_MS,
        )
        if account.is_default:
            self._step_down(peers)
        self.accounts[account.account_id], self.keys[account.account_id] = account, key
        return account

    async def change(self, account_id: str, changes: dict[str, Any], key: Key | None) -> Account:
        fields = {name: value for name, value in changes.items() if name in {"label", "is_default"}}
        if "active" in changes:
            fields["state"] = AccountState.ACTIVE if changes["active"] else AccountState.PAUSED
        if key is not None:
            self.keys[account_id] = key
            fields["key_version"] = self._known(account_id).key_version + 1
            fields["account_kind"] = changes.get("account_kind")
        if changes.get("is_default"):
            self._step_down(self._peers(account_id))
        self.accounts[account_id] = msgspec.structs.replace(self._known(account_id), **fields)
        return self.accounts[account_id]

    async def toggle(self, account_id: str) -> Account:
        active = self._known(account_id).state is not AccountState.ACTIVE
        return await self.change(account_id, {"active": active}, None)

    async def delete(self, account_id: str, *, force: bool) -> Account:
        if self._known(account_id).is_default and self._peers(account_id) and not force:
            raise invalid("isDefault", "One is the default.", "Make another one the default.", code="DEFAULT_NEEDED")
        return self.accounts.pop(account_id)

    def _peers(self, account_id: str) -> list[Account]:
        mine = self._known(account_id)
        rows = [row for row in self.accounts.values() if row.account_id != account_id]
        return [row for row in rows if (row.user_id, row.exchange) == (mine.user_id, mine.exchange)]

    def _step_down(self, accounts: Sequence[Account]) -> None:
        for account in accounts:
            self.accounts[account.account_id] = msgspec.structs.replace(account, is_default=False)

    def _known(self, account_id: str) -> Account:
        if account_id not in self.accounts:
            raise not_found()
        return self.accounts[account_id]


class FakeConnector:
    """One exchange with one symbol."""

    def __init__(self, instrument: Instrument | None = None) -> None:
        self.listed = instrument or an_instrument()
        self.last_px = Decimal(100_000)
        self.free = {"USDT": Decimal(1000), "BTC": Decimal("0.5")}
        self.orders: list[OrderSnapshot] = []
        self.verdict = KeyCheck(ok=True, can_trade=True, can_withdraw=False, account_kind="SPOT")
        self.away = False
        self.asked: dict[str, Any] = {}
        self.transfers: list[Transfer] = []

    def change(self, **rules: Any) -> None:
        """Let the symbol have other rules."""
        self.listed = msgspec.structs.replace(self.listed, **rules)

    async def instrument(self, symbol: str) -> Instrument:
        self._there()
        if symbol != self.listed.symbol:
            raise invalid("symbol", f"No symbol {symbol!r}.", "Write BTCUSDT.", code="UNKNOWN_SYMBOL")
        return self.listed

    async def instruments(self) -> Sequence[Instrument]:
        self._there()
        return [self.listed]

    async def tickers(self, symbols: Sequence[str] | None) -> Sequence[Ticker]:
        self._there()
        ticker = Ticker(**self._of_market(), last_px=self.last_px, bid_px=self.last_px, ask_px=self.last_px)
        return [ticker] if symbols is None or self.listed.symbol in symbols else []

    async def candles(
        self, symbol: str, interval: str, limit: int, start_ms: int | None, end_ms: int | None
    ) -> Sequence[Candle]:
        self._there()
        self.asked = {"interval": interval, "limit": limit, "start_ms": start_ms, "end_ms": end_ms}
        return [
            Candle(
                **self._of_market(),
                interval=interval,
                open_ms=NOW_MS,
                close_ms=NOW_MS + 59_999,
                open_px=self.last_px,
                high_px=self.last_px,
                low_px=self.last_px,
                close_px=self.last_px,
                volume=Decimal(1),
                quote_volume=self.last_px,
                closed=False,
            )
        ]

    async def depth(self, symbol: str, limit: int) -> Depth:
        self._there()
        level = ((self.last_px, Decimal(1)),)
        return Depth(**self._of_market(), last_id=7, bids=level, asks=level)

    async def public_trades(self, symbol: str, limit: int) -> Sequence[PublicTrade]:
        self._there()
        return [PublicTrade(**self._of_market(), trade_id="1", px=self.last_px, qty=Decimal(1), taker_side=Side.BUY)]

    async def balances(self, account_id: str) -> Sequence[AssetBalance]:
        self._there()
        return [AssetBalance(asset=asset, free=free, locked=Decimal(0)) for asset, free in self.free.items()]

    async def open_orders(self, account_id: str, symbol: str | None) -> Sequence[OrderSnapshot]:
        self._there()
        return [order for order in self.orders if symbol in {None, order.symbol}]

    async def transfer(self, account_id: str, wish: Transfer) -> str | None:
        self._there()
        self.transfers.append(wish)
        return str(len(self.transfers))

    async def check_key(self, key: Key) -> KeyCheck:
        self._there()
        return self.verdict

    def _of_market(self) -> dict[str, Any]:
        about = {"exchange": self.listed.exchange, "symbol": self.listed.symbol}
        return about | {"ts_event_ms": NOW_MS, "ts_init_ms": NOW_MS}

    def _there(self) -> None:
        if self.away:
            raise Unavailable(f"{self.listed.exchange.value}-connector")


class MemoryLedger:
    """What the order-engine would publish."""

    def __init__(self) -> None:
        self.bracket_rows: list[BracketView] = []
        self.order_rows: list[OrderView] = []
        self.intents: dict[str, IntentView] = {}

    async def brackets(
        self, account_ids: Sequence[str], symbol: str | None, limit: int, after: After | None = None
    ) -> Sequence[BracketView]:
        found = [b for b in self.bracket_rows if b.account_id in account_ids and symbol in {None, b.symbol}]
        found = [b for b in found if after is None or b.place < after]
        return sorted(found, key=lambda b: b.place, reverse=True)[:limit]

    async def open_brackets(self, account_id: str) -> Sequence[BracketView]:
        return [b for b in await self.brackets([account_id], None, 500) if b.state != "CLOSED"]

    async def orders_of(self, bracket_ids: Sequence[str]) -> Sequence[OrderView]:
        return [order for order in self.order_rows if order.order_group_id in bracket_ids]

    async def orders_by_client_id(self, account_id: str, client_order_ids: Sequence[str]) -> Sequence[OrderView]:
        return [o for o in self.order_rows if o.account_id == account_id and o.client_order_id in client_order_ids]

    async def orders_by_exchange_id(self, account_id: str, exchange_order_ids: Sequence[str]) -> Sequence[OrderView]:
        return [o for o in self.order_rows if o.account_id == account_id and o.order_id in exchange_order_ids]

    async def held_orders(self, account_id: str, symbol: str | None) -> Sequence[OrderView]:
        held = [o for o in self.order_rows if o.account_id == account_id and symbol in {None, o.symbol}]
        return [order for order in held if order.residency == "engine" and order.status == "NEW"]

    async def intent(self, intent_id: str) -> IntentView | None:
        return self.intents.get(intent_id)

    async def knows(self, intent_ids: Sequence[str]) -> frozenset[str]:
        return frozenset(intent_ids) & frozenset(self.intents)


class MemoryIntents:
    """Intents and the answers to their requests."""

    def __init__(self) -> None:
        self.rows: dict[str, StoredIntent] = {}
        self.guard: Callable[[Stake, int], Awaitable[None]] | None = None
        self._handed_over: set[str] = set()

    async def add(self, stored: StoredIntent, stake: Stake | None = None) -> bool:
        key = stored.idempotency_key
        if key is not None and await self.by_key(stored.intent.user_id, key) is not None:
            return False
        if self.guard is not None and stake is not None:
            await self.guard(stake, stored.intent.ts_init_ms)
        self.rows[stored.intent.intent_id] = stored
        return True

    async def by_key(self, user_id: str, idempotency_key: str) -> StoredIntent | None:
        rows = self.rows.values()
        return next((r for r in rows if (r.intent.user_id, r.idempotency_key) == (user_id, idempotency_key)), None)

    async def by_id(self, user_id: str, intent_id: str) -> StoredIntent | None:
        row = self.rows.get(intent_id)
        return row if row is not None and row.intent.user_id == user_id else None

    async def answered(self, intent_id: str, answer: Answer) -> None:
        row = self.rows[intent_id]
        if row.answer is None or not row.answer.final:
            self.rows[intent_id] = msgspec.structs.replace(row, answer=answer)

    async def on_its_way(self, account_id: str, now_ms: int) -> int:
        rows = [row for intent_id, row in self.rows.items() if intent_id not in self._handed_over]
        rows = [row for row in rows if row.intent.account_id == account_id and row.intent.valid_until_ms > now_ms]
        return len([row for row in rows if row.answer is None or not row.answer.final])

    async def unknown_to_the_ledger(self, before_ms: int, limit: int) -> Sequence[StoredIntent]:
        rows = (row for intent_id, row in self.rows.items() if intent_id not in self._handed_over)
        return [row for row in rows if row.intent.ts_init_ms < before_ms][:limit]

    async def handed_over(self, intent_ids: Sequence[str]) -> None:
        self._handed_over.update(intent_ids)


class MemoryBus:
    """Keeps what is published, and lets `engine` react to each intent as the rest of the house would."""

    def __init__(self, engine: Callable[[Any], None] = lambda _: None) -> None:
        self.engine = engine
        self.published: list[Outgoing] = []
        self.away = False

    @property
    def intents(self) -> list[Any]:
        """The published intents."""
        return [decode_union(message.value or b"", OrderIntent) for message in self.published]

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        if self.away:
            raise Unavailable("the broker")
        self.published += messages
        for message in messages:
            self.engine(decode_union(message.value or b"", OrderIntent))
