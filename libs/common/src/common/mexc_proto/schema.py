"""Fields of MEXC's WebSocket messages, as its repository `websocket-proto` has them since June 2026.

One line is one field: name, number, type; `?` marks fields whose absence differs from their zero, `*` repeated ones.
proto3 without a package. Tag 2 of the wrapper is unused.
"""

from typing import Final

_LEVELS = """
asks 1 {item}*
bids 2 {item}*
eventType 3 string
"""
_DEAL = """
price 1 string
quantity 2 string
tradeType 3 int32
time 4 int64
"""
_LEVEL = """
price 1 string
quantity 2 string
"""
_TOP = """
bidPrice 1 string
bidQuantity 2 string
askPrice 3 string
askQuantity 4 string
"""

MESSAGES: Final = {
    "PrivateOrdersV3Api": """
        id 1 string
        clientId 2 string
        price 3 string
        quantity 4 string
        amount 5 string
        avgPrice 6 string
        orderType 7 int32
        tradeType 8 int32
        isMaker 9 bool
        remainAmount 10 string
        remainQuantity 11 string
        lastDealQuantity 12 string?
        cumulativeQuantity 13 string
        cumulativeAmount 14 string
        status 15 int32
        createTime 16 int64
        market 17 string?
        triggerType 18 int32?
        triggerPrice 19 string?
        state 20 int32?
        ocoId 21 string?
        routeFactor 22 string?
        symbolId 23 string?
        marketId 24 string?
        marketCurrencyId 25 string?
        currencyId 26 string?
    """,
    "PrivateDealsV3Api": """
        price 1 string
        quantity 2 string
        amount 3 string
        tradeType 4 int32
        isMaker 5 bool
        isSelfTrade 6 bool
        tradeId 7 string
        clientOrderId 8 string
        orderId 9 string
        feeAmount 10 string
        feeCurrency 11 string
        time 12 int64
    """,
    "PrivateAccountV3Api": """
        vcoinName 1 string
        coinId 2 string
        balanceAmount 3 string
        balanceAmountChange 4 string
        frozenAmount 5 string
        frozenAmountChange 6 string
        type 7 string
        time 8 int64
    """,
    "PublicAggreBookTickerV3Api": _TOP + "version 5 string\nlastOrderCreateTime 6 int64",
    "PublicAggreDealsV3ApiItem": _DEAL + "tradeId 5 string",
    "PublicAggreDealsV3Api": "deals 1 PublicAggreDealsV3ApiItem*\neventType 2 string",
    "PublicAggreDepthV3ApiItem": _LEVEL,
    "PublicAggreDepthsV3Api": _LEVELS.format(item="PublicAggreDepthV3ApiItem")
    + "fromVersion 4 string\ntoVersion 5 string\nlastOrderCreateTime 6 int64",
    "PublicLimitDepthV3ApiItem": _LEVEL,
    "PublicLimitDepthsV3Api": _LEVELS.format(item="PublicLimitDepthV3ApiItem")
    + "version 4 string\nlastOrderCreateTime 5 int64",
    "PublicSpotKlineV3Api": """
        interval 1 string
        windowStart 2 int64
        openingPrice 3 string
        closingPrice 4 string
        highestPrice 5 string
        lowestPrice 6 string
        volume 7 string
        amount 8 string
        windowEnd 9 int64
    """,
    "PublicMiniTickerV3Api": """
        symbol 1 string
        price 2 string
        rate 3 string
        zonedRate 4 string
        high 5 string
        low 6 string
        volume 7 string
        quantity 8 string
        lastCloseRate 9 string
        lastCloseZonedRate 10 string
        lastCloseHigh 11 string
        lastCloseLow 12 string
    """,
    "PublicMiniTickersV3Api": "items 1 PublicMiniTickerV3Api*",
    "PublicBookTickerV3Api": _TOP,
    "PublicBookTickerBatchV3Api": """
        items 1 PublicBookTickerV3Api*
        version 2 string
        lastOrderCreateTime 3 int64
    """,
    "PublicDealsV3ApiItem": _DEAL,
    "PublicDealsV3Api": "deals 1 PublicDealsV3ApiItem*\neventType 2 string",
    "PublicIncreaseDepthV3ApiItem": _LEVEL,
    "PublicIncreaseDepthsV3Api": _LEVELS.format(item="PublicIncreaseDepthV3ApiItem") + "version 4 string",
    "PublicIncreaseDepthsBatchV3Api": "items 1 PublicIncreaseDepthsV3Api*\neventType 2 string",
}

WRAPPER: Final = "PushDataV3ApiWrapper"
WRAPPER_FIELDS: Final = """
channel 1 string
symbol 3 string?
symbolId 4 string?
createTime 5 int64?
sendTime 6 int64?
"""
# The wrapper carries exactly one of these (oneof `body`).
BODIES: Final = """
publicDeals 301 PublicDealsV3Api
publicIncreaseDepths 302 PublicIncreaseDepthsV3Api
publicLimitDepths 303 PublicLimitDepthsV3Api
privateOrders 304 PrivateOrdersV3Api
publicBookTicker 305 PublicBookTickerV3Api
privateDeals 306 PrivateDealsV3Api
privateAccount 307 PrivateAccountV3Api
publicSpotKline 308 PublicSpotKlineV3Api
publicMiniTicker 309 PublicMiniTickerV3Api
publicMiniTickers 310 PublicMiniTickersV3Api
publicBookTickerBatch 311 PublicBookTickerBatchV3Api
publicIncreaseDepthsBatch 312 PublicIncreaseDepthsBatchV3Api
publicAggreDepths 313 PublicAggreDepthsV3Api
publicAggreDeals 314 PublicAggreDealsV3Api
publicAggreBookTicker 315 PublicAggreBookTickerV3Api
"""
