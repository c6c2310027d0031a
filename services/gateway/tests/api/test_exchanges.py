"""The paths of Bitget, Gate.io and MEXC, and market data of all four."""

from decimal import Decimal
from typing import Any

import pytest

from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.intents import CancelOrderIntent, PlaceExits, PlaceOrder
from common.orders import OrderCanceled, OrderRejected, OrderSnapshot, OrderStatus, OrderType, Side, TimeInForce
from common.protection import ProtectionFailed
from gateway.testing.builders import a_bracket_row, an_order_row, order_fact, protection_fact

MEXC_BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "50"}
OTHERS = (Exchange.BITGET, Exchange.GATEIO, Exchange.MEXC)


@pytest.mark.parametrize("exchange", OTHERS)
async def test_an_order_is_placed_on_each_exchange_with_its_own_exits(
    house: Any, user: Any, exchange: Exchange
) -> None:
    await user.trades_on(house, exchange)
    order = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "exchange": exchange.value.upper()}
    reply = await user.ask("POST", "/exchanges/place-order", order)
    (intent,) = house.bus.intents
    protection = reply.body["data"]["protection"]
    assert (reply.status, intent.exchange) == (200, exchange)
    assert (protection["tpType"], protection["stopType"]) == (intent.plan.take_profit_type, intent.plan.stop_loss_type)
    assert protection["stopResidency"] == ("engine" if exchange is Exchange.MEXC else "exchange")
    assert protection["residencyReason"]
    first = protection["exits"][0]
    assert Decimal(first["tpPrice"]) == Decimal(105000)
    assert (first["tpLimitPrice"] is None) is (exchange is not Exchange.GATEIO)


@pytest.mark.parametrize("exchange", OTHERS)
@pytest.mark.parametrize(
    ("rules", "words", "code", "field"),
    [
        ({"tradable": False}, {}, "MARKET_CLOSED", "symbol"),
        ({"order_types": (OrderType.LIMIT,)}, {}, "ORDER_TYPE_NOT_TAKEN", "type"),
        ({}, {"sizePct": None, "quantity": "0.00100000001"}, "PRECISION_TOO_FINE", "quantity"),
        ({}, {"type": "LIMIT", "price": "99000.001"}, "PRECISION_TOO_FINE", "price"),
        ({"min_qty": Decimal("0.01")}, {"sizePct": None, "quantity": "0.005"}, "ORDER_VALUE_TOO_LOW", "quantity"),
        ({}, {"sizePct": None, "sizeUsd": "0.5"}, "ORDER_VALUE_TOO_LOW", "sizeUsd"),
    ],
)
async def test_an_exchanges_rules_are_refused_before_sending_with_the_rule(
    house: Any, user: Any, exchange: Exchange, rules: Any, words: Any, code: str, field: str
) -> None:
    connector = await user.trades_on(house, exchange)
    connector.change(**rules)
    order = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "exchange": exchange.value} | words
    reply = await user.ask("POST", "/exchanges/place-order", {n: v for n, v in order.items() if v is not None})
    assert (reply.status, reply.body["code"], reply.body["field"]) == (400, code, field)
    assert reply.body["rule"]
    assert not house.bus.published


async def test_a_refusal_by_the_exchange_has_its_own_code_beside_it(house: Any, user: Any) -> None:
    def refuse(intent: Any) -> None:
        about = {"category": ErrorCategory.INSUFFICIENT_BALANCE, "code": "30004", "reason": "Insufficient position"}
        house.waiting.tell(order_fact(OrderRejected, intent, **about))

    await user.trades_on(house, Exchange.MEXC)
    house.bus.engine = refuse
    reply = await user.ask("POST", "/mexc/orders", MEXC_BUY)
    assert (reply.status, reply.body["title"], reply.body["exchangeCode"]) == (400, "Insufficient balance", "30004")
    assert reply.headers["content-type"] == "application/problem+json"


async def test_an_order_in_mexcs_words_is_protected_like_every_other(house: Any, user: Any) -> None:
    await user.trades_on(house, Exchange.MEXC)
    reply = await user.ask("POST", "/mexc/orders", MEXC_BUY)
    (intent,) = house.bus.intents
    assert reply.status == 200
    assert isinstance(intent, PlaceOrder)
    assert (intent.qty, intent.quote_qty) == (None, Decimal(50))
    assert intent.plan is not None
    assert [level.take_profit.pct for level in intent.plan.levels] == [Decimal(5), Decimal(8)]
    assert (reply.body["data"]["quoteOrderQty"], reply.body["data"]["protection"]["exitStyle"]) == ("50", "held_stop")


async def test_mexc_levels_of_the_request_take_the_place_of_the_defaults(house: Any, user: Any) -> None:
    await user.trades_on(house, Exchange.MEXC)
    kind = {"type": "IMMEDIATE_OR_CANCEL", "quoteOrderQty": None, "quantity": "0.001", "price": "100000"}
    words = MEXC_BUY | kind | {"tpLevels": ["3%"], "sl": 96000}
    assert (await user.ask("POST", "/mexc/orders", {n: v for n, v in words.items() if v})).status == 200
    (intent,) = house.bus.intents
    assert (intent.order_type, intent.time_in_force) == (OrderType.LIMIT, TimeInForce.IOC)
    assert [(level.take_profit.pct, level.stop_loss.px) for level in intent.plan.levels] == [(3, 96000)]


@pytest.mark.parametrize(
    ("words", "code", "field"),
    [
        ({"quoteOrderQty": "0.99"}, "ORDER_VALUE_TOO_LOW", "quoteOrderQty"),
        ({"quoteOrderQty": "1.01"}, "ORDER_VALUE_TOO_LOW", "quoteOrderQty"),
        ({"quoteOrderQty": "5000"}, "INSUFFICIENT_BALANCE", "quoteOrderQty"),
        ({"quantity": "0.001"}, "SIZE_AMBIGUOUS", "quantity"),
        ({"newClientOrderId": "ä"}, "INVALID_CLIENT_ORDER_ID", "newClientOrderId"),
        ({"type": "STOP_LOSS"}, "INVALID_FIELD", "type"),
        ({"stopPrice": "1"}, "UNKNOWN_FIELD", "stopPrice"),
        ({"stopType": "limit"}, "INVALID_FIELD", "stopType"),
    ],
)
async def test_a_mexc_order_that_breaks_a_rule_is_refused_and_nothing_is_sent(
    house: Any, user: Any, words: Any, code: str, field: str
) -> None:
    await user.trades_on(house, Exchange.MEXC)
    reply = await user.ask("POST", "/mexc/orders", MEXC_BUY | words)
    assert (reply.status, reply.body["code"], reply.body["field"]) == (400, code, field)
    assert not house.bus.published


async def test_ones_own_name_for_an_order_places_it_once_and_cancels_it(house: Any, user: Any) -> None:
    await user.trades_on(house, Exchange.MEXC)
    named = MEXC_BUY | {"newClientOrderId": "mine-1"}
    replies = [await user.ask("POST", "/mexc/orders", named) for _ in range(2)]
    assert replies[0].text == replies[1].text
    assert len(house.bus.published) == 1
    assert replies[0].body["data"]["newClientOrderId"] == "mine-1"
    account = replies[0].body["data"]["credentialId"]
    entry = replies[0].body["data"]["clientOrderId"]
    house.ledger.order_rows = [an_order_row(account, entry, status="NEW", exchange="mexc")]
    house.bus.engine = lambda intent: house.waiting.tell(
        order_fact(OrderCanceled, intent, client_order_id=entry, status=OrderStatus.CANCELED)
    )
    reply = await user.ask("DELETE", "/mexc/orders?symbol=BTCUSDT&origClientOrderId=mine-1")
    cancel = house.bus.intents[-1]
    assert (reply.status, reply.body["data"]["status"]) == (200, "CANCELED")
    assert isinstance(cancel, CancelOrderIntent)
    assert cancel.client_order_id == entry


async def test_a_batch_has_one_result_for_each_order_in_their_order(house: Any, user: Any) -> None:
    await user.trades_on(house, Exchange.MEXC)
    orders = [MEXC_BUY, MEXC_BUY | {"quoteOrderQty": "0.5"}, "rubbish", MEXC_BUY | {"symbol": "NOPE"}]
    reply = await user.ask("POST", "/mexc/orders/batch", {"orders": orders})
    results = reply.body["data"]
    assert (reply.status, [each["index"] for each in results]) == (200, [0, 1, 2, 3])
    assert [each["statusCode"] for each in results] == [200, 400, 400, 400]
    assert results[0]["data"]["status"] == "FILLED"
    assert [each["problem"]["code"] for each in results[1:]] == [
        "ORDER_VALUE_TOO_LOW",
        "INVALID_FIELD",
        "UNKNOWN_SYMBOL",
    ]
    assert len(house.bus.published) == 1


async def test_a_batch_never_promises_a_balance_twice(house: Any, user: Any) -> None:
    await user.trades_on(house, Exchange.MEXC)
    reply = await user.ask("POST", "/mexc/orders/batch", [MEXC_BUY | {"quoteOrderQty": "400"} for _ in range(3)])
    assert sorted(each["statusCode"] for each in reply.body["data"]) == [200, 200, 400]
    assert len(house.bus.published) == 2


async def test_a_batch_that_is_repeated_with_its_key_places_nothing_twice(house: Any, user: Any) -> None:
    await user.trades_on(house, Exchange.MEXC)
    orders = [MEXC_BUY, MEXC_BUY | {"quoteOrderQty": "60"}]
    first, second = [await user.ask("POST", "/mexc/orders/batch", orders, Idempotency_Key="k") for _ in range(2)]
    assert first.text == second.text
    assert len(house.bus.published) == 2


@pytest.mark.parametrize("orders", [[], [MEXC_BUY] * 21, {"orders": "x"}, {}])
async def test_a_batch_holds_one_to_twenty_orders(house: Any, user: Any, orders: Any) -> None:
    await user.trades_on(house, Exchange.MEXC)
    reply = await user.ask("POST", "/mexc/orders/batch", orders)
    assert (reply.status, reply.body["field"]) == (400, "orders")
    assert not house.bus.published


@pytest.mark.parametrize("path", ["/exchanges/open-orders?exchange=MEXC", "/mexc/orders/open?symbol=BTCUSDT"])
async def test_open_orders_show_the_stops_that_the_engine_holds(house: Any, user: Any, path: str) -> None:
    await user.trades_on(house, Exchange.MEXC)
    account = next(iter(house.vault.accounts))
    held = {"type": "STOP_LOSS", "side": "SELL", "order_role": "SL", "status": "NEW", "order_id": None}
    why = {"residency": "engine", "residency_reason": "MEXC spot has no stop or trigger orders"}
    house.ledger.order_rows = [
        an_order_row(account, "b-s1", trigger_price=Decimal(95000), exchange="mexc", **held, **why),
        an_order_row(account, "b-s2", exchange="mexc", **(held | {"status": "EXPIRED"}), **why),
    ]
    (stop,) = (await user.ask("GET", path)).body["data"]
    shown = {name: stop[name] for name in ("orderId", "clientOrderId", "stopPrice", "residency", "residencyReason")}
    assert shown == {"orderId": None, "clientOrderId": "b-s1", "stopPrice": "95000"} | {
        "residency": "engine",
        "residencyReason": "MEXC spot has no stop or trigger orders",
    }


async def test_a_waiting_order_without_an_id_of_ours_is_known_by_the_exchanges(house: Any, user: Any) -> None:
    connector = await user.trades_on(house, Exchange.GATEIO)
    account = next(iter(house.vault.accounts))
    waiting: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": Side.SELL,
        "status": OrderStatus.NEW,
        "ts_event_ms": 1,
        "ts_init_ms": 1,
    }
    connector.orders = [
        OrderSnapshot(account_id=account, exchange=Exchange.GATEIO, exchange_order_id=number, **waiting)
        for number in ("po-1", "po-2")
    ]
    about = {"order_role": "SL", "status": "NEW", "order_id": "po-1", "exchange": "gateio", "pair": 1}
    house.ledger.order_rows = [an_order_row(account, "b-s1", **about)]
    ours, by_hand = (await user.ask("GET", "/exchanges/open-orders?exchange=GATEIO")).body["data"]
    assert (ours["clientOrderId"], ours["orderRole"], ours["pair"]) == ("b-s1", "SL", 1)
    assert (by_hand["clientOrderId"], by_hand["orderRole"]) == (None, None)
    await user.ask("DELETE", "/exchanges/cancel-order?exchange=GATEIO&symbol=BTCUSDT&orderId=po-1")
    assert (house.bus.intents[0].client_order_id, house.bus.intents[0].exchange_order_id) == ("b-s1", "po-1")


async def test_an_oco_on_mexc_is_a_resting_target_and_a_stop_of_the_engine(house: Any, user: Any) -> None:
    await user.trades_on(house, Exchange.MEXC)
    oco = {"symbol": "BTCUSDT", "sizePct": 1, "aboveType": "LIMIT", "abovePrice": 110000, "belowType": "STOP_LOSS"}
    house.bus.engine = lambda intent: house.waiting.tell(
        protection_fact(
            ProtectionFailed,
            intent,
            client_order_id=None,
            category="filter",
            code="30002",
            reason="too small",
            next_step="close",
        )
    )
    reply = await user.ask("POST", "/exchanges/place-oco-order?exchange=MEXC", oco | {"belowStopPrice": 90000})
    (intent,) = house.bus.intents
    assert isinstance(intent, PlaceExits)
    assert (intent.plan.take_profit_type, intent.plan.stop_loss_type) == (OrderType.LIMIT, OrderType.STOP_LOSS)
    assert (reply.status, reply.body["exchangeCode"]) == (400, "30002")


@pytest.mark.parametrize("exchange", [Exchange.BITGET, Exchange.MEXC])
async def test_an_id_that_no_order_there_can_have_is_refused(house: Any, user: Any, exchange: Exchange) -> None:
    await user.trades_on(house, exchange)
    query = f"exchange={exchange.value}&symbol=BTCUSDT&clientOrderId=with.dot"
    reply = await user.ask("DELETE", f"/exchanges/cancel-order?{query}")
    assert (reply.status, reply.body["code"]) == (400, "INVALID_CLIENT_ORDER_ID")


async def test_bitget_has_twins_of_the_unified_paths(house: Any, user: Any) -> None:
    await user.trades_on(house, Exchange.BITGET)
    placed = await user.ask("POST", "/bitget/orders", {"symbol": "BTCUSDT", "side": "BUY", "sizeUsd": 50})
    assert (placed.status, placed.body["data"]["protection"]["tpType"]) == (200, "TAKE_PROFIT")
    wrong = {"symbol": "BTCUSDT", "side": "BUY", "sizeUsd": 50, "exchange": "MEXC"}
    assert (await user.ask("POST", "/bitget/orders", wrong)).body["field"] == "exchange"
    assets = (await user.ask("GET", "/bitget/account/assets")).body["data"]
    assert assets[0] == {"asset": "USDT", "free": "1000", "locked": "0", "total": "1000"}
    assert (await user.ask("GET", "/bitget/orders/open")).body["data"] == []
    gone = await user.ask("DELETE", "/bitget/orders?symbol=BTCUSDT&clientOid=nothing")
    assert gone.status == 404


async def test_gates_account_is_shown_and_money_moves_between_its_wallets(house: Any, user: Any) -> None:
    connector = await user.trades_on(house, Exchange.GATEIO)
    assert (await user.ask("GET", "/gateio-account/spot/assets")).body["data"][1]["asset"] == "BTC"
    body = {"currency": "usdt", "from": "spot", "to": "futures", "amount": "10", "settle": "usdt"}
    reply = await user.ask("POST", "/gateio-account/wallet/transfers", body)
    assert (reply.status, reply.body["data"]["tx_id"], reply.body["data"]["amount"]) == (200, "1", "10")
    (wish,) = connector.transfers
    assert (wish.currency, wish.from_wallet, wish.to_wallet, wish.amount) == ("USDT", "spot", "futures", 10)


async def test_money_that_open_trades_must_sell_stays_where_it_is(house: Any, user: Any) -> None:
    connector = await user.trades_on(house, Exchange.GATEIO)
    account = next(iter(house.vault.accounts))
    house.ledger.bracket_rows = [a_bracket_row(account_id=account, exchange="gateio", held_qty=Decimal("0.3"))]
    body = {"currency": "BTC", "from": "spot", "to": "options", "amount": "0.21"}
    reply = await user.ask("POST", "/gateio-account/wallet/transfers", body)
    assert (reply.status, reply.body["code"], reply.body["field"]) == (400, "INSUFFICIENT_BALANCE", "amount")
    assert not connector.transfers
    assert (await user.ask("POST", "/gateio-account/wallet/transfers", body | {"amount": "0.2"})).status == 200


@pytest.mark.parametrize(
    ("exchange", "prefix", "candles", "depth", "symbol", "asked"),
    [
        (Exchange.BINANCE, "/binance", "klines?interval=1h&limit=5&startTime=7000&", "depth", "symbol", ("1h", 7000)),
        (Exchange.BITGET, "/bitget/spot", "candles?granularity=15min&", "orderbook", "symbol", ("15m", None)),
        (Exchange.GATEIO, "/gateio/spot", "candlesticks?from=7&", "order_book", "currency_pair", ("30m", 7000)),
        (Exchange.MEXC, "/mexc", "klines?interval=60m&", "depth", "symbol", ("1h", None)),
    ],
)
async def test_market_data_is_public_and_in_one_shape(
    house: Any, stranger: Any, exchange: Exchange, prefix: str, candles: str, depth: str, symbol: str, asked: Any
) -> None:
    connector = house.serve(exchange)
    (ticker,) = (await stranger.ask("GET", f"{prefix}/tickers")).body["data"]
    assert (ticker["exchange"], ticker["lastPrice"]) == (exchange.value.upper(), "100000")
    assert (await stranger.ask("GET", f"{prefix}/tickers?{symbol}=BTC_USDT")).body["data"] == [ticker]
    (candle,) = (await stranger.ask("GET", f"{prefix}/{candles}{symbol}=BTCUSDT")).body["data"]
    assert (candle["close"], candle["closed"]) == ("100000", False)
    assert (connector.asked["interval"], connector.asked["start_ms"]) == asked
    book = (await stranger.ask("GET", f"{prefix}/{depth}?{symbol}=BTC_USDT")).body["data"]
    assert book["bids"] == [["100000", "1"]]
    (trade,) = (await stranger.ask("GET", f"{prefix}/trades?{symbol}=BTCUSDT")).body["data"]
    assert trade["side"] == "BUY"
    (listed,) = (await stranger.ask("GET", f"{prefix}/symbols")).body["data"]
    assert listed["tradable"] is True
    currencies = (await stranger.ask("GET", f"{prefix}/currencies")).body["data"]
    assert currencies[0] == {"currency": "BTC", "tradable": True, "quotes": ["USDT"]}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/gateio/spot/order_book", "currency_pair"),
        ("/gateio/spot/order_book?currency_pair=!", "currency_pair"),
        ("/gateio/spot/order_book?currency_pair=NO_PAIR", "symbol"),
        ("/gateio/spot/tickers?currency_pair=NO_PAIR", "symbol"),
        ("/gateio/spot/candlesticks?currency_pair=BTC_USDT&limit=0", "limit"),
        ("/bitget/spot/tickers", "exchange"),
    ],
)
async def test_a_question_about_no_market_is_refused(house: Any, stranger: Any, path: str, field: str) -> None:
    house.serve(Exchange.GATEIO)
    reply = await stranger.ask("GET", path)
    assert (reply.status, reply.body["field"]) == (400, field)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/mexc/orders"),
        ("POST", "/mexc/orders/batch"),
        ("DELETE", "/mexc/orders?symbol=BTCUSDT&orderId=1"),
        ("GET", "/mexc/orders/open"),
        ("GET", "/mexc/account/assets"),
        ("GET", "/bitget/account/assets"),
        ("POST", "/bitget/orders"),
        ("GET", "/gateio-account/spot/assets"),
        ("POST", "/gateio-account/wallet/transfers"),
    ],
)
async def test_what_is_ones_own_needs_a_log_in(house: Any, stranger: Any, method: str, path: str) -> None:
    for exchange in OTHERS:
        house.serve(exchange)
    assert (await stranger.ask(method, path, {} if method == "POST" else None)).status == 401
