"""The documented limits: 6000 requests a minute per address, and so many a second per endpoint and account."""

from common.connector.ports import LimitKind, LimitScope, LimitShape, RateLimit

SECOND_MS = 1_000
_PER_ACCOUNT = {
    "account/assets": 10,
    "account/info": 1,
    "trade/place-order": 10,
    "trade/cancel-order": 10,
    "trade/cancel-symbol-order": 5,
    "trade/orderInfo": 20,
    "trade/unfilled-orders": 20,
    "trade/history-orders": 20,
    "trade/fills": 10,
    "trade/place-plan-order": 20,
    "trade/cancel-plan-order": 20,
    "trade/current-plan-order": 20,
    "trade/history-plan-order": 20,
    "trade/plan-sub-order": 20,
    "trade/batch-cancel-plan-order": 5,
    "v3/place-order": 10,
    "v3/cancel-order": 10,
    "v3/cancel-symbol-order": 5,
    "v3/order-info": 20,
    "v3/unfilled-orders": 20,
    "v3/history-orders": 20,
    "v3/fills": 20,
    "v3/place-strategy-order": 10,
    "v3/cancel-strategy-order": 10,
    "v3/unfilled-strategy-orders": 20,
    "v3/history-strategy-orders": 20,
}
_PER_ADDRESS = {
    "public/time": 20,
    "public/symbols": 20,
    "market/tickers": 20,
    "market/candles": 20,
    "market/orderbook": 20,
    "market/fills": 10,
}


def _per_second(bucket: str, limit: int, scope: LimitScope) -> RateLimit:
    return RateLimit(
        kind=LimitKind.REQUESTS,
        scope=scope,
        interval_ms=SECOND_MS,
        limit=limit,
        bucket=bucket,
        shape=LimitShape.SLIDING_WINDOW,
    )


DOCUMENTED_LIMITS = (
    RateLimit(
        kind=LimitKind.REQUESTS,
        scope=LimitScope.IP,
        interval_ms=60 * SECOND_MS,
        limit=6_000,
        shape=LimitShape.SLIDING_WINDOW,
    ),
    *(_per_second(bucket, limit, LimitScope.ACCOUNT) for bucket, limit in _PER_ACCOUNT.items()),
    *(_per_second(bucket, limit, LimitScope.IP) for bucket, limit in _PER_ADDRESS.items()),
)
