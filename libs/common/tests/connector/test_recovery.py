"""What is remembered of an account is worth nothing once somebody else has had it."""

from types import SimpleNamespace
from typing import Any

from common.connector.recovery import Recovery
from common.connector.trail import Trail, Trails

FROM_MS = 1_795_341_600_000


async def test_an_account_that_comes_back_is_read_from_the_store_again() -> None:
    loaded = [
        Trail(account_id="a", symbols={"BTCUSDT"}, watermark_ms=FROM_MS),
        Trail(account_id="a", symbols={"BTCUSDT", "ETHUSDT"}, watermark_ms=FROM_MS + 5),
    ]

    async def load(account_id: str) -> Trail:
        return loaded.pop(0)

    unused: Any = SimpleNamespace(exchange="gateio")
    recovery = Recovery(unused, unused, unused, unused, Trails(), unused, unused, load=load)
    assert (await recovery.trail("a")).symbols == {"BTCUSDT"}
    assert (await recovery.trail("a")).symbols == {"BTCUSDT"}
    recovery.regained("a")
    await recovery.stop()
    assert (await recovery.trail("a")).symbols == {"BTCUSDT", "ETHUSDT"}
