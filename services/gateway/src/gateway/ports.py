"""What the gateway asks of others: the vault, the connectors, the order-engine's ledger, and its own store."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from common.accounts import AccountChanged, AssetBalance
from common.exchanges import Exchange
from common.instruments import Instrument
from common.intents import IntentBase
from common.market import Candle, Depth, PublicTrade, Ticker
from common.orders import OrderSnapshot
from gateway.risk.rules import Stake

COMMIT_MARGIN_MS: Final = 15_000
"""What the order-engine read in time is in its ledger this long after its validity at the latest: its statements time
out sooner. An order that the ledger does not know by then comes to nothing, whenever it is read."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

After = tuple[int | str, ...]
"""Where a page of a list ended: the key that its last element is sorted by."""


class Account(AccountChanged, frozen=True, kw_only=True, tag="account.changed"):
    """An account as the vault shows it to the gateway."""

    api_key_hint: str = ""
    account_kind: str | None = None
    """In the exchange's words."""
    created_ms: int = 0


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key on its way from the user to the vault; it is never kept here."""

    api_key: str
    secret: str
    passphrase: str | None = None

    def __repr__(self) -> str:
        return "Key(hidden)"

    __str__ = __repr__


class KeyCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What the exchange says of a key."""

    ok: bool
    can_trade: bool = False
    can_withdraw: bool | None = None
    """None where the exchange does not tell."""
    account_kind: str | None = None
    problem: str | None = None


class Transfer(msgspec.Struct, frozen=True, kw_only=True, rename={"from_wallet": "from", "to_wallet": "to"}):
    """Money to be moved between two wallets of one owner, in the words of the one exchange that has it (Gate.io)."""

    currency: str
    from_wallet: str
    to_wallet: str
    amount: Decimal
    currency_pair: str | None = None
    """The pair, where one wallet is a margin wallet."""
    settle: str | None = None
    """The settlement currency, where one wallet is of futures or delivery."""


class Vault(Protocol):
    """The credentials-vault. Every method raises Unavailable; those that name an account Refused (404)."""

    async def of_user(self, user_id: str) -> Sequence[Account]: ...

    async def of_exchange(self, exchange: Exchange) -> Sequence[Account]: ...

    async def get(self, account_id: str) -> Account | None: ...

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
    ) -> Account: ...

    async def change(self, account_id: str, changes: dict[str, Any], key: Key | None) -> Account: ...

    async def toggle(self, account_id: str) -> Account: ...

    async def delete(self, account_id: str, *, force: bool) -> Account:
        """Raises Refused (409) for the default of several, unless by force."""


class Connector(Protocol):
    """One exchange's connector, as far as it answers questions. Every method raises Unavailable."""

    async def instrument(self, symbol: str) -> Instrument:
        """Raises Refused for a symbol the exchange does not list."""

    async def instruments(self) -> Sequence[Instrument]:
        """Every symbol with its rules."""

    async def tickers(self, symbols: Sequence[str] | None) -> Sequence[Ticker]:
        """Best and last prices, of all symbols for None; a symbol that is not listed is left out."""

    async def candles(
        self, symbol: str, interval: str, limit: int, start_ms: int | None, end_ms: int | None
    ) -> Sequence[Candle]:
        """Oldest first. Raises Refused."""

    async def depth(self, symbol: str, limit: int) -> Depth:
        """The book's best levels. Raises Refused."""

    async def public_trades(self, symbol: str, limit: int) -> Sequence[PublicTrade]:
        """The latest trades. Raises Refused."""

    async def balances(self, account_id: str) -> Sequence[AssetBalance]: ...

    async def open_orders(self, account_id: str, symbol: str | None) -> Sequence[OrderSnapshot]: ...

    async def transfer(self, account_id: str, wish: Transfer) -> str | None:
        """Move money between the owner's own wallets; the exchange's id of it, where it has one. Raises Refused.

        It is not idempotent: Unavailable means that it may have happened.
        """

    async def check_key(self, key: Key) -> KeyCheck: ...


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `order_engine.orders_v1`."""

    id: int
    order_id: str | None
    client_order_id: str
    user_id: str
    account_id: str
    exchange: str
    symbol: str
    side: str
    type: str
    quantity: Decimal | None
    price: Decimal | None
    trigger_price: Decimal | None
    status: str
    executed_qty: Decimal
    avg_price: Decimal | None
    order_role: str
    pair: int | None
    order_group_id: str | None
    parent_order_id: str | None
    tp_levels: Any
    sl_price: Decimal | None
    residency: str | None
    residency_reason: str | None
    fees: dict[str, Decimal]
    filled_timestamp: datetime | None
    created_at: datetime
    updated_at: datetime


class BracketView(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `order_engine.brackets_v1`."""

    bracket_id: str
    intent_id: str
    user_id: str
    account_id: str
    exchange: str
    symbol: str
    state: str
    version: int
    entry_qty: Decimal
    entry_avg_px: Decimal | None
    held_qty: Decimal
    protected_qty: Decimal
    guarded_qty: Decimal
    unprotected_qty: Decimal
    dust_qty: Decimal
    exit_qty: Decimal
    exit_avg_px: Decimal | None
    fees: dict[str, Decimal]
    realised_pnl: Decimal | None
    created_at: datetime
    updated_at: datetime

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands among others: when it was opened, in microseconds as the database keeps it, and its id."""
        return (self.created_at - _EPOCH) // timedelta(microseconds=1), self.bracket_id


class IntentView(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `order_engine.intents_v1`."""

    intent_id: str
    user_id: str
    account_id: str
    bracket_id: str | None
    outcome: str
    code: str | None
    reason: str | None
    created_at: datetime


class Ledger(Protocol):
    """The order-engine's published views."""

    async def brackets(
        self, account_ids: Sequence[str], symbol: str | None, limit: int, after: After | None = None
    ) -> Sequence[BracketView]:
        """The newest first; only what comes after this `place`, unless None."""

    async def open_brackets(self, account_id: str) -> Sequence[BracketView]:
        """Those that are not closed, the newest first."""

    async def orders_of(self, bracket_ids: Sequence[str]) -> Sequence[OrderView]:
        """The orders of these brackets, oldest first."""

    async def orders_by_client_id(self, account_id: str, client_order_ids: Sequence[str]) -> Sequence[OrderView]: ...

    async def orders_by_exchange_id(
        self, account_id: str, exchange_order_ids: Sequence[str]
    ) -> Sequence[OrderView]: ...

    async def held_orders(self, account_id: str, symbol: str | None) -> Sequence[OrderView]:
        """The exits that the engine holds for the account instead of the exchange, oldest first."""

    async def intent(self, intent_id: str) -> IntentView | None: ...

    async def knows(self, intent_ids: Sequence[str]) -> frozenset[str]:
        """Which of these intents have reached the ledger."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer as it is stored for the next request with the same Idempotency-Key."""

    status: int
    body: bytes

    @property
    def final(self) -> bool:
        """Whether nothing more can become of it; 202 is not."""
        return self.status != 202


class StoredIntent(msgspec.Struct, frozen=True, kw_only=True):
    """A trading request once it is an intent."""

    intent: IntentBase
    idempotency_key: str | None
    request_hash: str
    answer: Answer | None = None

    def void(self, now_ms: int) -> bool:
        """Whether no order can come of it any more, if a ledger that is asked after this moment does not know it."""
        return now_ms > self.intent.valid_until_ms + COMMIT_MARGIN_MS


class IntentStore(Protocol):
    """The gateway's own intents: written before they are published, kept until the engine has them."""

    async def add(self, stored: StoredIntent, stake: Stake | None = None) -> bool:
        """False when the user has used this Idempotency-Key before; then nothing is written.

        Raises Refused when what it stakes breaks a limit of its user, or the account has too much under way.
        """

    async def by_key(self, user_id: str, idempotency_key: str) -> StoredIntent | None: ...

    async def by_id(self, user_id: str, intent_id: str) -> StoredIntent | None: ...

    async def answered(self, intent_id: str, answer: Answer) -> None:
        """Keep the answer, unless a final one is kept already."""

    async def on_its_way(self, account_id: str, now_ms: int) -> int:
        """How many of the account's intents count still, have no final answer, and may not have reached the ledger."""

    async def unknown_to_the_ledger(self, before_ms: int, limit: int) -> Sequence[StoredIntent]:
        """Intents older than this that nobody is known to have read, oldest first."""

    async def handed_over(self, intent_ids: Sequence[str]) -> None:
        """The ledger has these, or no order can come of them any more: they need no more publishing."""
