"""Each exchange gets the legs it can place, and its own rules are kept before anything is sent."""

from decimal import Decimal
from typing import Any

import pytest

from common.accounts import AssetBalance
from common.errors import Refused
from common.exchanges import CAPABILITIES, Exchange
from common.exits import ExitPlan, exits_for
from common.orders import OrderType, Side
from gateway.testing.builders import a_bracket_row, a_market, an_instrument_of
from gateway.trading.levels import stop_loss, take_profit
from gateway.trading.mexc import MexcOrder
from gateway.trading.oco import OcoLeg, oco_plan
from gateway.trading.plans import Wanted, pair_budget, plan_for, preview
from gateway.trading.rules import check_client_order_id, check_order_type, check_tradable
from gateway.trading.transfers import TransferBody, check_leaves_protection

D = Decimal
ENTRY = D(100_000)
LIMIT_STOP, MARKET_STOP = OrderType.STOP_LOSS_LIMIT, OrderType.STOP_LOSS


def planned(exchange: Exchange, **wanted: Any) -> ExitPlan:
    return plan_for(Wanted(**wanted), an_instrument_of(exchange), entry_px=ENTRY, market=a_market(spread="0"))


@pytest.mark.parametrize(
    ("exchange", "take_profit_type", "stop_type", "levels"),
    [
        (Exchange.BINANCE, OrderType.LIMIT_MAKER, MARKET_STOP, (None, "104000", "95000", None)),
        (Exchange.BITGET, OrderType.TAKE_PROFIT, MARKET_STOP, (None, "105000", "95000", None)),
        (Exchange.GATEIO, OrderType.TAKE_PROFIT_LIMIT, LIMIT_STOP, ("105000", "103950", "95000", "94050")),
        (Exchange.MEXC, OrderType.LIMIT, MARKET_STOP, (None, "105000", "95000", None)),
    ],
)
def test_without_a_word_each_exchange_gets_its_own_legs(
    exchange: Exchange, take_profit_type: OrderType, stop_type: OrderType, levels: tuple[str | None, ...]
) -> None:
    plan, instrument = planned(exchange), an_instrument_of(exchange)
    first, second = exits_for(plan, instrument, received=D("0.01"), avg_px=ENTRY).slices
    assert (plan.take_profit_type, plan.stop_loss_type) == (take_profit_type, stop_type)
    shown = (first.take_profit_trigger_px, first.take_profit_px, first.stop_loss_px, first.stop_limit_px)
    assert shown == tuple(None if px is None else D(px) for px in levels)
    assert first.qty == second.qty == D("0.005")


def test_the_limits_of_gates_legs_sell_at_once_when_their_trigger_fires() -> None:
    plan = planned(Exchange.GATEIO, take_profits=(take_profit(105000, "tp"),), stop_loss=stop_loss(95000, "sl"))
    (slice_,) = exits_for(plan, an_instrument_of(Exchange.GATEIO), received=D("0.01"), avg_px=ENTRY).slices
    assert slice_.take_profit_trigger_px == 105000 > slice_.take_profit_px == 103950
    assert slice_.stop_loss_px == 95000
    assert slice_.stop_limit_px == 94050


@pytest.mark.parametrize(
    ("exchange", "stop_type", "limit"),
    [
        (Exchange.BINANCE, LIMIT_STOP, "94525"),
        (Exchange.BITGET, LIMIT_STOP, "94525"),
        (Exchange.BITGET, MARKET_STOP, None),
        (Exchange.GATEIO, LIMIT_STOP, "94050"),
        (Exchange.MEXC, MARKET_STOP, None),
    ],
)
def test_a_stop_style_the_exchange_has_is_planned(exchange: Exchange, stop_type: OrderType, limit: str | None) -> None:
    level = planned(exchange, stop_type=stop_type).levels[0]
    assert (None if level.stop_limit is None else level.stop_limit.at(ENTRY)) == (None if limit is None else D(limit))


@pytest.mark.parametrize(("exchange", "stop_type"), [(Exchange.GATEIO, MARKET_STOP), (Exchange.MEXC, LIMIT_STOP)])
def test_a_stop_style_the_exchange_has_not_is_refused_with_those_it_has(
    exchange: Exchange, stop_type: OrderType
) -> None:
    with pytest.raises(Refused) as refused:
        planned(exchange, stop_type=stop_type)
    assert refused.value.field == "stopType"
    assert all(kind in refused.value.rule for kind in CAPABILITIES[exchange].stop_loss_types)


@pytest.mark.parametrize("exchange", [Exchange.BITGET, Exchange.GATEIO, Exchange.MEXC])
def test_where_no_budget_of_waiting_orders_is_known_none_is_assumed(exchange: Exchange) -> None:
    levels = tuple(take_profit(f"{n}%", "tp") for n in range(1, 11))
    plan, instrument = planned(exchange, take_profits=levels), an_instrument_of(exchange)
    assert pair_budget(plan, instrument) is None
    assert len(preview(plan, instrument, qty=D(1), entry_px=ENTRY, field="quantity").slices) == 10


@pytest.mark.parametrize(
    ("exchange", "qty", "slices"),
    [
        (Exchange.BITGET, "0.00003", 2),
        (Exchange.BITGET, "0.000015", 1),
        (Exchange.BITGET, "0.00001", 0),
        (Exchange.GATEIO, "0.00009", 2),
        (Exchange.GATEIO, "0.00005", 1),
        (Exchange.GATEIO, "0.00003", 0),
        (Exchange.MEXC, "0.00003", 2),
        (Exchange.MEXC, "0.00001", 0),
    ],
)
def test_every_leg_meets_the_minimum_of_its_exchange_at_its_own_price(
    exchange: Exchange, qty: str, slices: int
) -> None:
    plan, instrument = planned(exchange), an_instrument_of(exchange)
    if slices:
        exits = preview(plan, instrument, qty=D(qty), entry_px=ENTRY, field="quantity")
        assert len(exits.slices) == slices
        lowest = [each.stop_limit_px or each.stop_loss_px for each in exits.slices]
        assert all(each.qty * px >= instrument.min_notional for each, px in zip(exits.slices, lowest, strict=True))
    else:
        with pytest.raises(Refused) as refused:
            preview(plan, instrument, qty=D(qty), entry_px=ENTRY, field="quantity")
        assert refused.value.code == "ORDER_VALUE_TOO_LOW"


def legs(above: OrderType, below: OrderType) -> tuple[OcoLeg, OcoLeg]:
    prices: dict[OrderType, dict[str, Any]] = {
        OrderType.LIMIT: {"price": D(110000)},
        OrderType.LIMIT_MAKER: {"price": D(110000)},
        OrderType.TAKE_PROFIT: {"stop_price": D(110000)},
        OrderType.TAKE_PROFIT_LIMIT: {"stop_price": D(110000), "price": D(99000)},
        OrderType.STOP_LOSS: {"stop_price": D(90000)},
        OrderType.STOP_LOSS_LIMIT: {"stop_price": D(90000), "price": D(89000)},
        OrderType.MARKET: {},
    }
    return OcoLeg(order_type=above, **prices[above]), OcoLeg(order_type=below, **prices[below])


@pytest.mark.parametrize("exchange", [Exchange.BITGET, Exchange.GATEIO, Exchange.MEXC])
def test_an_oco_takes_exactly_the_legs_of_the_capability_table(exchange: Exchange) -> None:
    known = CAPABILITIES[exchange]
    for above in set(OrderType) - {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}:
        for below in (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT):
            pair, instrument = legs(above, below), an_instrument_of(exchange)
            if above in known.take_profit_types and below in known.stop_loss_types:
                plan = oco_plan(*pair, instrument, a_market(spread="0"))
                assert (plan.take_profit_type, plan.stop_loss_type) == (above, below)
            else:
                with pytest.raises(Refused) as refused:
                    oco_plan(*pair, instrument, a_market(spread="0"))
                assert refused.value.field in {"aboveType", "belowType"}


@pytest.mark.parametrize("exchange", Exchange)
def test_a_symbol_that_is_closed_or_closed_to_the_api_is_refused(exchange: Exchange) -> None:
    with pytest.raises(Refused) as refused:
        check_tradable(an_instrument_of(exchange, tradable=False))
    assert (refused.value.code, refused.value.field) == ("MARKET_CLOSED", "symbol")


def test_a_kind_of_order_the_symbol_does_not_take_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        check_order_type(an_instrument_of(Exchange.MEXC, order_types=(OrderType.LIMIT,)), OrderType.MARKET)
    assert (refused.value.code, refused.value.field) == ("ORDER_TYPE_NOT_TAKEN", "type")
    check_order_type(an_instrument_of(Exchange.GATEIO), OrderType.MARKET)


@pytest.mark.parametrize(
    ("exchange", "good", "bad"),
    [
        (Exchange.BINANCE, "a-Z_9" * 7, "x" * 37),
        (Exchange.BITGET, "a-Z_9", "x" * 33),
        (Exchange.BITGET, "x" * 32, "with.dot"),
        (Exchange.GATEIO, "with.dot_and-dash", "x" * 29),
        (Exchange.GATEIO, "x" * 28, "with space"),
        (Exchange.MEXC, "x" * 32, "ünïcode"),
        (Exchange.MEXC, "A-b_1", ""),
    ],
)
def test_a_client_order_id_keeps_the_alphabet_and_length_of_its_exchange(
    exchange: Exchange, good: str, bad: str
) -> None:
    check_client_order_id(exchange, good, "clientOrderId")
    with pytest.raises(Refused) as refused:
        check_client_order_id(exchange, bad, "clientOrderId")
    assert CAPABILITIES[exchange].client_order_id_pattern in refused.value.rule


@pytest.mark.parametrize(
    ("words", "code", "field"),
    [
        ({"quantity": None}, "SIZE_AMBIGUOUS", "quantity"),
        ({"quoteOrderQty": 5}, "SIZE_AMBIGUOUS", "quantity"),
        ({"quantity": None, "quoteOrderQty": "0.99"}, "ORDER_VALUE_TOO_LOW", "quoteOrderQty"),
        ({"side": "SELL", "quantity": None, "quoteOrderQty": 5}, "INVALID_FIELD", "quoteOrderQty"),
        ({"type": "LIMIT", "price": 1, "quantity": "0.5"}, "ORDER_VALUE_TOO_LOW", "quantity"),
        ({"type": "LIMIT", "price": 1, "quantity": None, "quoteOrderQty": 5}, "INVALID_FIELD", "quoteOrderQty"),
        ({"newClientOrderId": "not this!"}, "INVALID_CLIENT_ORDER_ID", "newClientOrderId"),
    ],
)
def test_an_order_in_mexcs_words_that_breaks_a_rule_is_refused(words: dict[str, Any], code: str, field: str) -> None:
    order: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"} | words
    with pytest.raises(Refused) as refused:
        _ = MexcOrder.model_validate({name: value for name, value in order.items() if value is not None}).wish
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize(
    ("kind", "order_type", "time_in_force"),
    [("IMMEDIATE_OR_CANCEL", "LIMIT", "IOC"), ("fill_or_kill", "LIMIT", "FOK"), ("LIMIT_MAKER", "LIMIT_MAKER", None)],
)
def test_mexc_says_the_time_in_force_by_the_type(kind: str, order_type: str, time_in_force: str | None) -> None:
    words = {"symbol": "BTC_USDT", "side": "sell", "type": kind, "quantity": 1, "price": 5}
    wish = MexcOrder.model_validate(words).wish
    assert (wish.symbol, wish.side, wish.order_type, wish.time_in_force) == (
        "BTCUSDT",
        Side.SELL,
        order_type,
        time_in_force,
    )


def transfer(**words: Any) -> TransferBody:
    given = {"currency": "BTC", "from": "spot", "to": "options", "amount": "0.4"} | words
    return TransferBody.model_validate(given)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"to": "spot"}, "to"),
        ({"from": "margin"}, "to"),
        ({"amount": 0}, "amount"),
        ({"amount": "0.123456789"}, "amount"),
        ({"to": "margin"}, "currency_pair"),
        ({"to": "futures"}, "settle"),
    ],
)
def test_a_transfer_that_names_too_little_or_too_much_is_refused(words: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        _ = transfer(**words).wish
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("free", "locked", "held", "fits"),
    [("0.4", "0", "0", True), ("0.39", "0.1", "0", False), ("1", "0", "0.6", True), ("1", "0", "0.7", False)],
)
def test_a_transfer_never_takes_what_open_trades_must_sell(free: str, locked: str, held: str, fits: bool) -> None:
    balances = [AssetBalance(asset="BTC", free=D(free), locked=D(locked))]
    brackets = [a_bracket_row(held_qty=D(held)), a_bracket_row(held_qty=D(9), state="CLOSED")]
    if fits:
        check_leaves_protection(transfer().wish, balances, brackets, ["BTCUSDT"])
    else:
        with pytest.raises(Refused) as refused:
            check_leaves_protection(transfer().wish, balances, brackets, ["BTCUSDT"])
        assert refused.value.code == "INSUFFICIENT_BALANCE"


def test_a_transfer_into_the_spot_wallet_takes_nothing_from_it() -> None:
    check_leaves_protection(transfer(**{"from": "options", "to": "spot"}).wish, [], [], [])
