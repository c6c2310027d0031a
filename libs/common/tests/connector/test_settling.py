"""Who asks first when an order may have been sent before: what protects goes before what does not."""

from typing import Any

import pytest

from common.clock import FixedClock
from common.connector.lookups import Absent
from common.connector.ports import OrderRef
from common.connector.settling import Settler
from common.exchanges import Exchange
from common.ids import Leg, bracket_id, client_order_id

NOW_MS = 1_795_341_600_000
BRACKET = bracket_id("a", "intent")


class Asked:
    """Lookups that find nothing, for good."""

    def __init__(self) -> None:
        self.refs: list[str | None] = []

    async def find(self, ref: OrderRef, *, proof: Any = None) -> Absent:
        self.refs.append(ref.client_order_id)
        return Absent("gone", proven=True)


@pytest.mark.parametrize(
    ("leg", "urgent"), [(Leg.ENTRY, False), (Leg.STOP_LOSS, True), (Leg.TAKE_PROFIT, True), (Leg.MARKET_EXIT, True)]
)
async def test_an_exit_that_may_have_been_sent_is_asked_about_with_the_urgency_of_exits(leg: Leg, urgent: bool) -> None:
    first: Any = Asked()
    then: Any = Asked()
    unused: Any = None
    settler = Settler(Exchange.MEXC, then, unused, unused, FixedClock(NOW_MS), proof_ms=0, urgent=first)
    name = client_order_id(BRACKET, leg, 0)
    ref = OrderRef(account_id="a", symbol="BTCUSDT", client_order_id=name)
    await settler.look_until_clear(ref, conclusive_ms=NOW_MS, since_ms=NOW_MS, may_go_on=lambda: None)
    assert (first.refs, then.refs) == (([name], []) if urgent else ([], [name]))
