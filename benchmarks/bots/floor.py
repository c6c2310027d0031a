"""The floor: one process, one socket in, keep-alive requests out, nothing stored, nothing checked, nothing retried.

No system that does the same work can be faster, apart from its language. It is what the others are measured against.
"""

import asyncio
from decimal import Decimal

import aiohttp
import orjson
import uvloop

from benchmarks.bots.config import Account, BotConfig, say_ready, told
from benchmarks.signing import rest_body, ws_params
from benchmarks.trade import oco_params


class Floor:
    """Every account's fills on one WebSocket API connection."""

    def __init__(self, config: BotConfig, http: aiohttp.ClientSession) -> None:
        self._config, self._http = config, http
        self._by_subscription: dict[int, Account] = {}
        self._url = f"{config.rest_url}/api/v3/orderList/oco"
        self._posts: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Subscribe all accounts, say so, and protect every fill until the process ends."""
        async with self._http.ws_connect(self._config.ws_api_url, compress=0) as socket:
            asked = {str(number): account for number, account in enumerate(self._config.accounts)}
            for request_id, account in asked.items():
                params = ws_params({}, account.api_key, account.secret)
                request = {"id": request_id, "method": "userDataStream.subscribe.signature", "params": params}
                await socket.send_str(orjson.dumps(request).decode())
            await self._warm()
            async for message in socket:
                frame = orjson.loads(message.data)
                if "event" in frame:
                    self._on_event(self._by_subscription[frame["subscriptionId"]], frame["event"])
                    continue
                self._by_subscription[frame["result"]["subscriptionId"]] = asked.pop(frame["id"])
                if not asked:
                    say_ready(self._config)

    async def _warm(self) -> None:
        """Open connections before they are needed."""
        await asyncio.gather(*(self._ping() for _ in range(8)))

    async def _ping(self) -> None:
        async with self._http.get(f"{self._config.rest_url}/api/v3/ping") as answer:
            await answer.read()

    def _on_event(self, account: Account, event: dict[str, str]) -> None:
        if event["e"] != "executionReport" or event["X"] != "FILLED" or event["S"] != "BUY":
            return
        for params in oco_params(event["c"], Decimal(event["z"]) - Decimal(event["n"])):
            post = asyncio.create_task(self._post(account, params))
            self._posts.add(post)
            post.add_done_callback(self._posts.discard)

    async def _post(self, account: Account, params: dict[str, str]) -> None:
        headers = {"X-MBX-APIKEY": account.api_key, "Content-Type": "application/x-www-form-urlencoded"}
        async with self._http.post(self._url, data=rest_body(params, account.secret), headers=headers) as answer:
            body = await answer.text()
            if answer.status != 200:
                print(f"refused: {answer.status} {body}", flush=True)


async def main() -> None:
    """Run until the benchmark ends this process."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=300)) as http:
        await Floor(told(), http).run()


if __name__ == "__main__":
    uvloop.run(main())
