"""A transfer between the wallets of one owner, held back where it would take away what open trades must sell. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from pydantic import Field

from common.accounts import AssetBalance
from common.instruments import ZERO
from gateway.ports import BracketView, Transfer
from gateway.trading.refusals import insufficient, invalid
from gateway.trading.requests import Body, Number, OrderId

DECIMALS: Final = 8


class Wallet(StrEnum):
    SPOT = "spot"
    MARGIN = "margin"
    FUTURES = "futures"
    DELIVERY = "delivery"
    OPTIONS = "options"


class TransferBody(Body):
    """POST /gateio-account/wallet/transfers, in Gate.io's words (reference, section 5)."""

    currency: str = Field(pattern=r"^[A-Za-z0-9]{1,20}$")
    from_: Wallet = Field(alias="from")
    to: Wallet
    amount: Number
    currency_pair: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9]{1,20}_[A-Za-z0-9]{1,20}$", description="Of a margin wallet: BTC_USDT."
    )
    settle: str | None = Field(
        default=None, pattern=r"^[A-Za-z]{2,10}$", description="Of a futures or delivery wallet: usdt."
    )
    credential_id: OrderId | None = Field(default=None, alias="credentialId")

    @property
    def wish(self) -> Transfer:
        """The transfer it asks for. Raises Refused."""
        if (self.from_ is Wallet.SPOT) is (self.to is Wallet.SPOT):
            raise invalid("to", "One of the two wallets is spot, and the other is not.", "Name spot once.")
        if self.amount <= 0:
            raise invalid("amount", "An amount is above 0.", "Name a positive amount.")
        if self.amount != round(self.amount, DECIMALS):
            rule = f"An amount has at most {DECIMALS} decimals."
            raise invalid("amount", rule, "Round it.", code="PRECISION_TOO_FINE")
        for wallet, (field, value) in self._needs.items():
            if wallet in {self.from_, self.to} and value is None:
                raise invalid(field, f"A transfer with the {wallet} wallet names its {field}.", f"Add {field}.")
        return Transfer(
            currency=self.currency.upper(),
            from_wallet=self.from_,
            to_wallet=self.to,
            amount=self.amount,
            currency_pair=self.currency_pair.upper() if self.currency_pair else None,
            settle=self.settle.lower() if self.settle else None,
        )

    @property
    def _needs(self) -> MappingProxyType[Wallet, tuple[str, str | None]]:
        settle = ("settle", self.settle)
        pair = ("currency_pair", self.currency_pair)
        return MappingProxyType({Wallet.MARGIN: pair, Wallet.FUTURES: settle, Wallet.DELIVERY: settle})


def check_leaves_protection(
    wish: Transfer, balances: Sequence[AssetBalance], brackets: Sequence[BracketView], pairs: Sequence[str]
) -> None:
    """Refuse to take out of the spot wallet what is not free, or what the exits of open trades are to sell.

    Waiting triggers may leave the balance free, so what is free alone would not tell. `pairs` are the symbols whose
    base is the asset.
    """
    if wish.from_wallet != Wallet.SPOT:
        return
    found = next((each for each in balances if each.asset == wish.currency), None)
    free, total = (found.free, found.free + found.locked) if found else (ZERO, ZERO)
    held = sum((b.held_qty for b in brackets if b.symbol in pairs and b.state != "CLOSED"), ZERO)
    spare = max(min(free, total - held), ZERO)
    if wish.amount > spare:
        raise insufficient("amount", wish.currency, wish.amount, spare)
