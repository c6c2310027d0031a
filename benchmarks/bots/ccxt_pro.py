"""A bot as one writes it with ccxt.pro: watch_orders, then both OCO lists at once through the implicit API.

One client per account, as ccxt has it, all in one process. The lists of a fill are gathered, and the next fill is not
kept waiting for them: a simpler bot would be slower.
"""

import asyncio
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import ccxt.pro

from benchmarks.bots.config import Account, BotConfig, say_ready, told
from benchmarks.trade import oco_params

_SYMBOL = "BTC/USDT"
_SETTLE_S = 2.0


class Bot:
    """One account."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._protected: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Protect every filled buy until the process ends."""
        while True:
            for order in await self._client.watch_orders(_SYMBOL):
                if order["side"] == "buy" and order["status"] == "closed" and order["id"] not in self._protected:
                    self._protected.add(order["id"])
                    task = asyncio.create_task(self._protect(order))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)

    async def _protect(self, order: dict[str, Any]) -> None:
        received = Decimal(order["info"]["z"]) - Decimal(order["info"]["n"])
        lists = oco_params(order["clientOrderId"], received)
        outcomes = await asyncio.gather(
            *(self._client.private_post_orderlist_oco(params) for params in lists), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                print(f"refused: {outcome!r}", flush=True)


def client_for(account: Account, config: BotConfig) -> Any:
    """A ccxt.pro client on the paper exchange: only its URLs are changed, and the rate limiter if so configured."""
    client = ccxt.pro.binance(
        {"apiKey": account.api_key, "secret": account.secret, "enableRateLimit": config.rate_limiter}
    )
    urls = client.urls["api"]
    for name, url in urls.items():
        if isinstance(url, str):
            urls[name] = config.rest_url + urlsplit(url).path
    urls["ws"]["spot"] = f"{config.stream_url}/ws"
    urls["ws"]["ws-api"]["spot"] = config.ws_api_url
    return client


async def main() -> None:
    """Run every account's bot until the benchmark ends this process."""
    config = told()
    clients = [client_for(account, config) for account in config.accounts]
    for client in clients:
        await client.load_markets()
    running = [asyncio.create_task(Bot(client).run()) for client in clients]
    # ccxt does not say when it has subscribed: this is long enough, and a stream that missed a fill would be seen.
    await asyncio.gather(*(client.fetch_balance() for client in clients))
    await asyncio.sleep(_SETTLE_S)
    say_ready(config)
    await asyncio.gather(*running)


if __name__ == "__main__":
    asyncio.run(main())
