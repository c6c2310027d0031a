"""Trades on four exchanges, an engine killed among them: the topics prove themselves, and explain every order."""

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from common.bus.brokers import BusSettings
from common.bus.history import read_history
from common.bus.messages import Outgoing
from common.bus.publisher import Publisher
from common.bus.topics import ORDER_EVENTS, PROTECTION_EVENTS, all_topics
from common.exchanges import CAPABILITIES
from order_engine.audit.report import Window, audited
from order_engine.audit.told import TOPICS
from order_engine.policy import Policy
from tests.e2e.conftest import EXCHANGES, SETTINGS

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

POLICY = Policy(
    ask_after_ms=int(SETTINGS["CGT_ORDER_ASK_AFTER_MS"]), overdue_after_ms=int(SETTINGS["CGT_PROTECTION_BOUND_MS"])
)
# How quick the machine is that runs the tests is not what is proved here.
BOUND_MS = 60_000
BOUND = ("--bound-ms", str(BOUND_MS))


async def test_what_happened_is_proved_by_the_topics_and_every_order_explained(desk: Any, tmp_path: Path) -> None:
    async with AsyncExitStack() as room:
        users = [await room.enter_async_context(desk.user(exchange)) for exchange in EXCHANGES]
        await asyncio.gather(*(user.buy("0.01") for user in users))
        for user in users:
            await desk.eventually(lambda user=user: desk.books(user), lambda b: len(b.waiting) >= 2, "it is protected")
        desk.stack.kill("order-engine")
        await desk.stack.start("order-engine")
        for exchange in EXCHANGES:
            await desk.price("94000", gap=True, exchange=exchange)
        for user in users:
            await desk.eventually(lambda user=user: desk.books(user), lambda b: b.held < 1 and not b.waiting, "flat")

    report, again = tmp_path / "audit.json", tmp_path / "again.json"
    await _until_clean(desk, *BOUND, "--json", str(report), "--html", str(tmp_path / "audit.html"))
    told = json.loads(report.read_bytes())
    assert told["brackets"] == len(EXCHANGES)
    assert told["units"]["never_protected"] == 0
    assert told["ledger"] == []
    digests: list[str] = []

    async def audits() -> list[str]:
        assert await _cgt(desk, "audit", *BOUND, "--json", str(again)) == 0
        digests.append(json.loads(again.read_bytes())["digest"])
        return digests

    # What the connectors ask once more after the end is told for a while.
    await desk.eventually(
        audits, lambda seen: len(seen) > 1 and seen[-1] == seen[-2], "the same topics, the same digest"
    )
    assert b"<svg" in (tmp_path / "audit.html").read_bytes()

    settings = BusSettings(kafka_bootstrap=desk.stack.bootstrap, broker=desk.stack.options.broker)
    records = await read_history(settings, TOPICS, "test")
    said = [record for record in records if record.topic == PROTECTION_EVENTS.name]
    # A relay may have told it again when the engine fell.
    rest = [record for record in records if record.ce_id != said[0].ce_id]
    found = audited(rest, POLICY, Window(), None, BOUND_MS)["violations"]
    assert [("missing", said[0].ce_id)] == [(each["kind"], each["what"]) for each in found]

    stop = next(r for r in records if r.ce_type == "order.filled" and b'"SELL"' in (r.value or b""))
    order_id = json.loads(stop.value or b"{}")["client_order_id"]
    chain = tmp_path / "chain.txt"
    assert await _cgt(desk, "explain", order_id, into=chain) == 0
    lines = chain.read_text()
    assert lines.index("intent.place_order") < lines.index("order.filled")
    assert await _cgt(desk, "explain", "nobody-knows-it") == 3


async def test_what_cannot_be_handled_is_shown_retried_and_dropped(desk: Any, tmp_path: Path) -> None:
    settings = BusSettings(kafka_bootstrap=desk.stack.bootstrap, broker=desk.stack.options.broker)
    async with Publisher(settings, all_topics(CAPABILITIES), "stranger") as stranger:
        await stranger.publish([_rubbish("from-the-future", b'{"type":"order.teleported","account_id":"a"}')])
        await stranger.publish([_rubbish("no-json", b"{")])
    listed = tmp_path / "letters.txt"

    async def numbers() -> list[str]:
        assert await _cgt(desk, "dead-letters", "list", into=listed) == 0
        return [line.split()[0] for line in listed.read_text().splitlines() if "rubbish" in line]

    found = await desk.eventually(numbers, lambda seen: len(seen) >= 2, "the letters are filed")
    assert await _cgt(desk, "dead-letters", "show", found[0], into=listed) == 0
    assert "cgt.order-events.v1" in listed.read_text()
    assert await _cgt(desk, "dead-letters", "drop", found[0]) == 0
    assert await _cgt(desk, "dead-letters", "retry", found[1]) == 0
    assert await _cgt(desk, "dead-letters", "drop", found[0]) == 1
    # What was retried cannot be handled this time either, and is filed anew.
    await desk.eventually(numbers, lambda seen: set(seen) - set(found), "it is filed again")


def _rubbish(ce_id: str, value: bytes) -> Outgoing:
    return Outgoing(
        topic=ORDER_EVENTS.name, key="rubbish", value=value, ce_id=ce_id, ce_type="order.teleported",
        ce_source="stranger", ce_time_ms=1, correlation_id=None, causation_id=None,
    )  # fmt: skip


async def _until_clean(desk: Any, *options: str) -> None:
    """What the exchange has told may still be on its way."""

    async def status() -> int:
        return await _cgt(desk, "audit", *options)

    await desk.eventually(status, lambda code: code == 0, "the audit finds nothing")


async def _cgt(desk: Any, *options: str, into: Path | None = None) -> int:
    """The exit status of the command an operator types."""
    running = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("cgt"),
        *options,
        env={**os.environ, **desk.stack.settings("order-engine")},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await running.communicate()
    print(out.decode())
    if into is not None:
        into.write_bytes(out)
    assert running.returncode is not None
    return running.returncode
