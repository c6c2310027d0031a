"""Calls that place order lists (section 6.4)."""

from typing import Any

from paper_exchange.binance import intake, render
from paper_exchange.binance.call import Call
from paper_exchange.binance.errors import ApiError
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import OrderList, OrderRequest, Side

Json = dict[str, Any]


def _client_list_id(call: Call) -> str:
    return call.params.client_id("listClientOrderId") or intake.new_client_id()


def _answer(call: Call, placed: OrderList, response_type: str | None) -> Json:
    call.count_orders(len(placed.legs))
    return render.list_placed(placed, call.now_ms, response_type or "RESULT")


def place_oco(call: Call) -> Json:
    """POST /api/v3/orderList/oco."""
    symbol, params = call.market().instrument.symbol, call.params
    side, qty = intake.read_side(params), params.need_decimal("quantity")
    above, below = intake.read_oco(params, side, qty)
    return _place_oco(call, symbol, above, below)


def place_legacy_oco(call: Call) -> Json:
    """The deprecated POST /api/v3/order/oco."""
    symbol, params = call.market().instrument.symbol, call.params
    side, qty = intake.read_side(params), params.need_decimal("quantity")
    above, below = intake.read_legacy_oco(params, side, qty)
    return _place_oco(call, symbol, above, below)


def _place_oco(call: Call, symbol: str, above: OrderRequest, below: OrderRequest) -> Json:
    list_id, response_type = _client_list_id(call), intake.read_response_type(call.params, "RESULT")
    call.params.done()
    call.check_room(2)
    placed = call.exchange.place_oco(call.account.uid, symbol, list_id, above, below, call.now_ms)
    return _answer(call, placed, response_type)


def place_oto(call: Call) -> Json:
    """POST /api/v3/orderList/oto."""
    side, qty = intake.read_side(call.params, "pendingSide"), call.params.need_decimal("pendingQuantity")
    return _place_oto(call, (intake.read_leg(call.params, "pending", side, qty),))


def place_otoco(call: Call) -> Json:
    """POST /api/v3/orderList/otoco."""
    side, qty = intake.read_side(call.params, "pendingSide"), call.params.need_decimal("pendingQuantity")
    return _place_oto(call, intake.read_oco(call.params, side, qty, ("pendingAbove", "pendingBelow")))


def place_opo(call: Call) -> Json:
    """POST /api/v3/orderList/opo: an OTO that sells what the entry delivered."""
    side = _check_proceeds(call)
    return _place_oto(call, (intake.read_leg(call.params, "pending", side, ZERO),), sizes_by_proceeds=True)


def place_opoco(call: Call) -> Json:
    """POST /api/v3/orderList/opoco: an OTOCO that sells what the entry delivered."""
    pending = intake.read_oco(call.params, _check_proceeds(call), ZERO, ("pendingAbove", "pendingBelow"))
    return _place_oto(call, pending, sizes_by_proceeds=True)


def _check_proceeds(call: Call) -> Side:
    if intake.read_side(call.params, "workingSide") != "BUY":
        raise ApiError(-1222, "Working order must be a BUY order.")
    side = intake.read_side(call.params, "pendingSide")
    if side != "SELL":
        raise ApiError(-1223, "Pending order must be a SELL order.")
    return side


def _place_oto(call: Call, pending: tuple[OrderRequest, ...], *, sizes_by_proceeds: bool = False) -> Json:
    symbol, working = call.market().instrument.symbol, intake.read_working(call.params)
    list_id, response_type = _client_list_id(call), intake.read_response_type(call.params, "RESULT")
    call.params.done()
    call.check_room(1 + len(pending))
    placed = call.exchange.place_oto(
        call.account.uid, symbol, list_id, working, pending, call.now_ms, sizes_by_proceeds=sizes_by_proceeds
    )  # fmt: skip
    return _answer(call, placed, response_type)
