"""One history, from its plan to its judgement."""

import asyncio
import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from common.bus.messages import Outgoing
from common.codec import decode
from common.exchanges import Exchange
from common.orders import type_of_class
from common.protection import BracketDenied
from order_engine.audit.told import TOPICS
from order_engine.store import SCHEMA
from paper_exchange.core.events import Event, MarketTraded, OrderEvent, TriggerChanged
from paper_exchange.faults import Kind
from tests.simulation import log
from tests.simulation.broker import MemoryBroker
from tests.simulation.database import MemoryServer
from tests.simulation.determinism import buried, determined, world_ms
from tests.simulation.exchanges import SYMBOL, Venue, open_venue
from tests.simulation.judge import Judge, Violation
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import Network
from tests.simulation.plan import HANDS, MARKET, TRADES, TRADING_MS, Plan, Step, What
from tests.simulation.services import ENGINE, Parts, Site, Supervised, start_connector, start_engine
from tests.simulation.strikes import Strikes
from tests.simulation.syncing import SYNC, start_sync
from tests.simulation.traders import Traders, account_id, read_instrument

_LOOK_EVERY_S: Final = 2.0
_REST_AT_MOST_S: Final = 400.0
_QUIET_S: Final = 3.0
_DENIED: Final = type_of_class(BracketDenied)


@dataclass
class Outcome:
    """What became of a history."""

    plan: Plan
    violations: list[Violation]
    story: list[str]
    digest: str
    virtual_s: float
    counted: dict[str, int] = field(default_factory=dict)


def live(plan: Plan, parts: Parts | None = None) -> Outcome:
    """Run a history to its end and judge it."""
    with buried():
        return _live(plan, parts)


def _live(plan: Plan, parts: Parts | None) -> Outcome:
    loop = VirtualLoop()
    world = World(plan, loop, parts or Parts())
    with determined(loop, plan.seed), log.listening(world.hear_log):
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(loop.spawn(None, world.live()))
        except Exception as error:  # A livelock, or a defect of the simulation itself: it belongs to this seed.
            world.judge.violations.append(Violation("the history ends", f"{type(error).__name__}: {error}"))
        finally:
            asyncio.set_event_loop(None)
    return world.outcome()


class World:
    """Everything there is in a history."""

    def __init__(self, plan: Plan, loop: VirtualLoop, parts: Parts) -> None:
        self.plan, self.loop = plan, loop
        self.story: list[str] = []
        self._digest = hashlib.blake2b(digest_size=16)
        self.strikes = Strikes(list(plan.strikes), self.tell)
        self.broker = MemoryBroker(loop, self._chance("broker"), self.strikes, plan.partitions)
        self.broker.on_append = self._hear_message
        self.database = MemoryServer(loop, self._chance("database"), self.strikes)
        self.venues: dict[Exchange, Venue] = {}
        self.judge = Judge({}, {})
        self._heard_s = 0.0
        self._parts = parts
        self._places: dict[str, list[Supervised]] = {}

    def tell(self, text: str) -> None:
        """A line of the story."""
        self.story.append(f"{self.loop.time():8.3f}  {text}")
        self._digest.update(self.story[-1].encode())

    def outcome(self) -> Outcome:
        """What became of it."""
        return Outcome(
            plan=self.plan,
            violations=list(dict.fromkeys(self.judge.violations)),
            story=self.story,
            digest=self._digest.hexdigest(),
            virtual_s=self.loop.time(),
            counted=dict(self.strikes.counted),
        )

    async def live(self) -> None:
        """Open the exchanges, start the services, let the plan happen, and wait until the world is at rest."""
        await self._open()
        for step in self.plan.steps:
            self.loop.later(step.at_ms / 1000 - self.loop.time(), self._happen, step)
        await asyncio.sleep(TRADING_MS / 1000 + 1 - self.loop.time())
        self._end_of_harm()
        restless = await self._until_at_rest()
        if restless:
            self.judge.violations.append(Violation("P4 nothing lost", f"never comes to rest: {'; '.join(restless)}"))
        self.judge.conclude(self.database.schemas[SCHEMA])
        if not self.broker.cluster:  # What a broker has forgotten nobody can prove.
            self.judge.prove(self.broker.history(TOPICS), self.database.schemas[SCHEMA])

    def hear_log(self, level: str, event: str, about: dict[str, Any]) -> None:
        """A service says that something is wrong with itself."""
        self.tell(f"log {level}: {event} {about}")
        self.judge.violations.append(Violation("no defect", f"{event} {about.get('error', '')}"))

    # -- setting up -------------------------------------------------------------------------------------------------

    def _chance(self, about: str) -> random.Random:
        """Every part has a chance of its own, so that one draw more in one of them changes no other."""
        return random.Random(f"{self.plan.seed}/{about}")

    async def _open(self) -> None:
        for exchange in self.plan.exchanges:
            network = Network(str(exchange), self.loop, self._chance(f"network {exchange}"), self.strikes)
            venue = self.venues[exchange] = open_venue(exchange, self.loop, self._chance(f"venue {exchange}"), network)
            for number in range(self.plan.accounts):
                balances = {"USDT": "10000"} | ({"ETH": "5"} if self.plan.reserve else {})
                venue.open_account(account_id(exchange, number), balances)
        instruments = {exchange: await read_instrument(venue) for exchange, venue in self.venues.items()}
        self.judge = Judge(self.venues, instruments)
        self.judge.prompt = self.plan.faultless and not _gives_up(self.plan)
        self.traders = Traders(self.venues, instruments, self.broker)
        for exchange, venue in self.venues.items():
            venue.watch(self._hearer(exchange))
        site = self._site = Site(
            self.loop, self.broker, self.database, self.venues, self._chance("site"), self.tell, self._parts
        )
        copies = 2 if self.plan.standby else 1
        self._places[ENGINE] = [Supervised(site, ENGINE, start_engine) for _ in range(copies)]
        self._places[SYNC] = [Supervised(site, SYNC, start_sync)]
        for exchange in self.venues:
            self._places[exchange] = [
                Supervised(site, f"{exchange}-connector", start_connector(exchange)) for _ in range(copies)
            ]

    def _hearer(self, exchange: Exchange) -> Callable[[Event], None]:
        def hear(event: Event) -> None:
            if isinstance(event, OrderEvent):
                order = event.order
                self.tell(
                    f"{exchange} {type(event).__name__} {order.client_order_id} {order.side} {order.type} "
                    f"{event.status} {event.cum_qty}/{event.qty}"
                )
            elif isinstance(event, TriggerChanged):
                trigger = event.trigger
                way = "rising" if trigger.rises else "falling"
                self.tell(
                    f"{exchange} trigger {trigger.order_id} {trigger.client_id} {way} to {trigger.request.px}: "
                    f"{event.status} {event.reason or ''}"
                )
            if not isinstance(event, MarketTraded):
                self._heard_s = self.loop.time()
            self.judge.hear(exchange, event)

        return hear

    def _hear_message(self, message: Outgoing) -> None:
        self._digest.update(f"{self.loop.time():.6f} {message.topic} {message.ce_id} {message.redelivery}".encode())
        self._digest.update(message.value or b"")
        if "market-data" not in message.topic:
            self._heard_s = self.loop.time()
        if message.ce_type == _DENIED:
            self.judge.note_denied(decode(message.value or b"", BracketDenied))

    # -- what happens -----------------------------------------------------------------------------------------------

    def _happen(self, step: Step) -> None:
        self.tell(str(step))
        venue = self.venues[step.exchange]
        if step.what in {What.MOVE, What.GAP}:
            self._move(venue, step)
        elif step.what in TRADES | MARKET | HANDS:
            before = len(self.traders.intents)
            self.traders.act(step, twice=step.number % 4 == 1)
            for intent in list(self.traders.intents.values())[before:]:
                self.judge.note_intent(intent)
        else:
            self._harm(venue, step)

    def _move(self, venue: Venue, step: Step) -> None:
        market = venue.server.exchange.markets[SYMBOL]
        instrument = market.instrument
        px = instrument.start_px * (10_000 + round(step.amount * 100)) / 10_000
        px = (px / instrument.tick).to_integral_value() * instrument.tick
        venue.server.exchange.move(SYMBOL, px, venue.server.now_ms(), gap=step.what is What.GAP)
        venue.server.exchange.settle(venue.server.now_ms())

    def _harm(self, venue: Venue, step: Step) -> None:
        for_s = step.for_ms / 1000
        engine, connector = self._one(ENGINE, step), self._one(step.exchange, step)
        match step.what:
            case What.KILL_ENGINE:
                engine.kill()
            case What.KILL_CONNECTOR:
                connector.kill()
            case What.HOLD_ENGINE:
                engine.node.hold(self.loop, for_s)
            case What.HOLD_CONNECTOR:
                connector.node.hold(self.loop, for_s)
            case What.BROKER_AWAY | What.BROKER_FORGETS:
                self.broker.fall(for_s, forget=step.what is What.BROKER_FORGETS)
            case What.DATABASE_AWAY:
                self.database.fail_over(for_s)
            case What.EXCHANGE_AWAY:
                venue.network.cut(for_s)
            case What.SOCKETS_DROP:
                venue.server.drop_sockets("all")
            case What.EVENTS_TWICE:
                venue.server.faults.arm(Kind.DUPLICATE_EVENT, count=8)
            case What.EVENTS_LATE:
                venue.server.faults.arm(Kind.DELAY_EVENT, count=3, delay_ms=step.for_ms)
            case What.EVENTS_LOST:
                venue.server.faults.arm(Kind.SWALLOW_EVENT, count=3)
            case What.KILL_SYNC:
                self._one(SYNC, step).kill()
            case What.LIMITS:
                fault = venue.server.faults.arm(Kind.RATE_LIMITED, probability=0.5)
                self.loop.later(for_s, venue.server.faults.disarm, fault.id)
            case What.SKEW_CONNECTOR:
                connector.node.skew_ms += int(step.amount)
            case What.SKEW_ENGINE:
                engine.node.skew_ms += int(step.amount)
            case _:
                raise AssertionError(step)

    def _one(self, service: str, step: Step) -> Supervised:
        places = self._places[service]
        return places[step.number % len(places)]

    # -- coming to rest ---------------------------------------------------------------------------------------------

    def _end_of_harm(self) -> None:
        self.tell("from here on nothing goes wrong")
        self.strikes.over = True
        for venue in self.venues.values():
            venue.server.faults.disarm()

    async def _until_at_rest(self) -> list[str]:
        """Wait until nothing moves; what still does if that takes too long."""
        schema = self.database.schemas[SCHEMA]
        began_s = self.loop.time()
        deadline_s = began_s + _REST_AT_MOST_S
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            restless = self.judge.restless(schema, self.traders.awaited())
            for exchange in self.venues:
                if deaf := self._site.deaf(exchange):
                    restless.append(f"the streams of {', '.join(deaf)} are not complete")
                unchecked = [n for n in self.venues[exchange].credentials if self._site.synced_s.get(n, 0.0) < began_s]
                restless += [f"{name} was not checked yet" for name in unchecked]
            quiet = self.loop.time() - self._heard_s > _QUIET_S
            if self.loop.time() > deadline_s or (quiet and not restless):
                self.tell(f"at rest at {world_ms(self.loop)}" if quiet else "never at rest")
                return restless if quiet else [*restless, "messages are still being exchanged"]


def _gives_up(plan: Plan) -> bool:
    """Whether a trader takes something back that then stays bare by their own wish."""
    return any(step.what in {What.CANCEL_EXIT, What.CANCEL_ALL} for step in plan.steps)
