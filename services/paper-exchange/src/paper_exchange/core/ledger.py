"""Who owns what: free and locked balances, fees, and the house on the other side of every synthetic trade."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from paper_exchange.core.events import BalancesChanged
from paper_exchange.core.money import ZERO, down, up
from paper_exchange.core.orders import Order, OrderList
from paper_exchange.core.refusals import Reason, Refused


@dataclass(slots=True)
class Balance:
    """What an account has of one asset."""

    free: Decimal = ZERO
    locked: Decimal = ZERO


@dataclass(slots=True, eq=False)
class Account:
    """One trader: balances, orders by symbol and id, lists, and fee settings (rates are fractions)."""

    uid: int
    pays_with_discount_asset: bool = False
    maker_rate: Decimal = Decimal("0.001")
    taker_rate: Decimal = Decimal("0.001")
    balances: dict[str, Balance] = field(default_factory=dict)
    orders: dict[tuple[str, int], Order] = field(default_factory=dict)
    open_orders: dict[tuple[str, int], Order] = field(default_factory=dict)
    by_client_id: dict[tuple[str, str], Order] = field(default_factory=dict)
    lists: dict[int, OrderList] = field(default_factory=dict)
    open_lists: dict[int, OrderList] = field(default_factory=dict)
    list_by_client_id: dict[str, OrderList] = field(default_factory=dict)
    updated_ms: int = 0

    def balance(self, asset: str) -> Balance:
        """The balance of `asset`, made empty when first asked for."""
        found = self.balances.get(asset)
        if found is None:
            found = self.balances[asset] = Balance()
        return found


class Ledger:
    """Moves money; nothing else does. The sum over accounts and house of each asset changes only by `adjust`."""

    def __init__(self, value_in: Callable[[Decimal, str, str], Decimal], discount_asset: str, discount: Decimal):
        self._value_in = value_in
        self._discount_asset, self._discount = discount_asset, discount
        self.accounts: dict[int, Account] = {}
        self.house: dict[str, Decimal] = {}

    def adjust(self, account: Account, asset: str, delta: Decimal) -> None:
        """Deposit or withdraw; never below what is free."""
        balance = account.balance(asset)
        if balance.free + delta < 0:
            raise Refused(Reason.INSUFFICIENT_BALANCE)
        balance.free += delta

    def relock(self, order: Order, asset: str, *, with_fee: bool = False) -> None:
        """Lock what `order` needs now, or release what it no longer needs. An OCO pair shares one lock.

        `with_fee` locks the dearer of the two fees on top.

        Raises: Refused(INSUFFICIENT_BALANCE), with nothing changed.
        """
        needed, holder = order.needs(), order.order_list
        if with_fee:
            account = self.accounts[order.uid]
            needed += up(needed * max(account.maker_rate, account.taker_rate))
        if holder is not None and order in holder.pair:
            # Only one leg of the pair can ever fill, so the dearer of the two is enough for both.
            shared = max(needed, max((leg.locked for leg in holder.pair if leg is not order), default=ZERO))
            self.hold(order.uid, asset, shared - holder.locked)
            holder.locked, order.locked = shared, needed
        else:
            self.hold(order.uid, asset, needed - order.locked)
            order.locked = needed

    def hold(self, uid: int, asset: str, delta: Decimal) -> None:
        """Lock `delta` of the free balance, or (negative) release it. Raises: Refused(INSUFFICIENT_BALANCE)."""
        if delta == 0:
            return
        balance = self.accounts[uid].balance(asset)
        if balance.free < delta:
            raise Refused(Reason.INSUFFICIENT_BALANCE)
        balance.free -= delta
        balance.locked += delta

    def exchange(self, account: Account, paid: tuple[str, Decimal], received: tuple[str, Decimal]) -> None:
        """Take `paid` from the free balance and add `received` to it."""
        account.balance(paid[0]).free -= paid[1]
        account.balance(received[0]).free += received[1]

    def absorb(self, paid: tuple[str, Decimal], received: tuple[str, Decimal]) -> None:
        """The house takes the other side of a trade that no user took."""
        self.house[paid[0]] = self.house.get(paid[0], ZERO) + paid[1]
        self.house[received[0]] = self.house.get(received[0], ZERO) - received[1]

    def charge(self, account: Account, asset: str, received: Decimal, *, is_maker: bool) -> tuple[Decimal, str]:
        """Take the fee on `received` of `asset`; answers (fee, asset it was paid in).

        In the discount asset when the account asks for it and holds enough, else in `asset`.
        """
        fee = down(received * (account.maker_rate if is_maker else account.taker_rate))
        if account.pays_with_discount_asset:
            discounted = down(self._value_in(fee, asset, self._discount_asset) * self._discount)
            if account.balance(self._discount_asset).free >= discounted:
                fee, asset = discounted, self._discount_asset
        account.balance(asset).free -= fee
        self.house[asset] = self.house.get(asset, ZERO) + fee
        return fee, asset

    def snapshot(self, account: Account, assets: Iterable[str], now_ms: int) -> BalancesChanged:
        """The fact that these balances may have changed."""
        account.updated_ms = now_ms
        rows = []
        for asset in dict.fromkeys(assets):
            balance = account.balance(asset)
            rows.append((asset, balance.free, balance.locked))
        return BalancesChanged(account.uid, now_ms, tuple(rows))
