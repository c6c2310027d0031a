"""What every exchange's dialect and streams must hold to, as a suite that connectors inherit.

A connector's test module has `class TestBinance(DialectContract)` with a fixture `dialect` of its own; everything else
is here. The suite feeds nonsense and checks promises: what an exchange says must be tested with its recorded frames.
Only what leads a call or a stream to its next step, or says that nothing is there, is said in the exchange's own words.
"""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.accounts import Credentials
from common.commands import CancelAllOrders, CancelOrder, ListLeg, SubmitOrder, SubmitOrderList
from common.connector.ports import (
    Ask,
    Call,
    Dialect,
    KeyCheck,
    MarketChannel,
    OrderRef,
    PrivateStream,
    Rejected,
    Reply,
    Send,
    StreamEvents,
    Subscribed,
    Unknown,
    Unreadable,
)
from common.exchanges import CAPABILITIES, Exchange
from common.instruments import Instrument
from common.orders import OrderType, Side, TimeInForce

NOW_MS = 1_795_341_600_000
ACCOUNT = "account-1"
SYMBOL = "BTCUSDT"
NONSENSE = (b"", b"<html><body>502</body></html>", b"{", b"null", b"[]", b'"text"', b"\xff\xfe", b"{}")
STATUSES = (200, 400, 403, 500, 502, 503)
MOST_STEPS = 10
"""No call has more requests than this where every list is empty."""

# The suite is inherited, so one test runs in several classes; it keeps nothing between them.
_fuzzed = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class DialectContract:
    """Inherit it, and give it a `dialect` fixture."""

    nothing_there = Reply(status=200, body=b"[]")
    """How the exchange says that a list is empty."""
    absences = frozenset({b"[]"})
    """Which of the nonsense is this exchange's way to say, with a 200, that there is no such order."""
    before_opening = Reply(status=200, body=b"{}")
    """What the exchange answers to what a private stream asks before it knows where to connect."""

    @pytest.fixture
    def dialect(self) -> Dialect:
        """The dialect under test."""
        raise NotImplementedError("a connector's test class has a fixture named dialect")

    def test_only_questions_may_be_repeated(self, dialect: Dialect) -> None:
        for name, call in order_calls(dialect).items():
            # What changes something may have to ask first (which plans there are); the change is a request of its own.
            *asked, change = self.steps(call)
            assert all(step.request.method == "GET" for step in asked), (name, asked)
            assert not change.request.read, (name, change)
        assert all(call.request.read for call in questions(dialect).values())

    def test_orders_count_as_orders_and_questions_do_not(self, dialect: Dialect) -> None:
        calls = order_calls(dialect)
        assert calls["submit_order"].request.order_count == 1
        assert all(call.request.order_count == 0 for call in questions(dialect).values())

    def test_an_order_whose_reply_is_nonsense_is_unknown_whatever_its_status(self, dialect: Dialect) -> None:
        for name, call in self.order_steps(dialect):
            for status in STATUSES:
                for body in NONSENSE:
                    answer = call.read(Reply(status=status, body=body), NOW_MS)
                    lenient = name == "cancel_all_orders" and status == 200 and body == b"[]"
                    assert lenient or isinstance(answer, Unknown | Call), (name, status, body, answer)

    def test_a_fault_of_the_exchange_is_never_a_refusal(self, dialect: Dialect) -> None:
        for name, call in self.order_steps(dialect):
            for status in (500, 502, 503, 504):
                answer = call.read(Reply(status=status, body=b'{"code": -2010, "msg": "no"}'), NOW_MS)
                assert isinstance(answer, Unknown), (name, status, answer)

    def test_nonsense_from_any_place_that_may_have_an_order_is_never_read_as_not_there(self, dialect: Dialect) -> None:
        # Where there are no order lists a success of any shape may say so; nobody acts on it.
        names = ("fetch_order", "fetch_order_list") if CAPABILITIES[dialect.exchange].native_oco else ("fetch_order",)
        steps = [step for name in names for step in self.steps(questions(dialect)[name])]
        for step, status, body in product(steps, STATUSES, NONSENSE):
            answer = read_to_the_end(step, Reply(status=status, body=body))
            says_absent = status == 200 and body in self.absences
            assert says_absent or isinstance(answer, Rejected | Unknown), (step.request, status, body, answer)

    @_fuzzed
    @given(status=st.integers(100, 599), body=st.binary(max_size=200))
    def test_reading_a_reply_never_raises(self, dialect: Dialect, status: int, body: bytes) -> None:
        for call in (*order_calls(dialect).values(), *questions(dialect).values()):
            read_to_the_end(call, Reply(status=status, body=body))

    @_fuzzed
    @given(st.dictionaries(st.text(max_size=30), st.text(max_size=30), max_size=5))
    def test_reading_headers_never_raises(self, dialect: Dialect, headers: dict[str, str]) -> None:
        for status in (200, 418, 429):
            dialect.usage(Reply(status=status, headers={name.lower(): value for name, value in headers.items()}))

    def test_a_refusal_for_a_limit_stops_us(self, dialect: Dialect) -> None:
        assert dialect.usage(Reply(status=429, body=b"{}")).retry_after_ms is not None
        assert dialect.usage(Reply(status=200, body=b"{}")).retry_after_ms is None

    def test_signing_the_same_twice_gives_the_same_bytes(self, dialect: Dialect) -> None:
        for call in order_calls(dialect).values():
            once, twice = (dialect.sign(call.request, credentials(), NOW_MS) for _ in range(2))
            assert once == twice
            assert once != dialect.sign(call.request, credentials(), NOW_MS + 1_000)

    def test_the_secret_leaves_in_no_request(self, dialect: Dialect) -> None:
        for call in (*order_calls(dialect).values(), *questions(dialect).values()):
            signed = dialect.sign(call.request, credentials() if call.request.signed else None, NOW_MS)
            sent = f"{signed.target} {signed.headers} {signed.body!r}"
            assert credentials().secret not in sent
            assert credentials().secret not in repr(signed)

    def test_our_ids_reach_the_exchange(self, dialect: Dialect) -> None:
        request = order_calls(dialect)["submit_order"].request
        assert "bq6k3-e1" in f"{request.params} {request.body}"

    def test_a_private_stream_subscribes_who_was_added_before_it_opened(self, dialect: Dialect) -> None:
        stream = self.prepared(dialect)
        assert any(isinstance(event, Send) for event in stream.on_open(NOW_MS))

    def test_a_private_stream_forgets_who_was_removed(self, dialect: Dialect) -> None:
        stream = self.prepared(dialect)
        stream.remove(ACCOUNT, NOW_MS)
        assert credentials().api_key not in frames_of(stream.on_open(NOW_MS))
        assert stream.remove("nobody", NOW_MS) == []

    def test_the_secret_leaves_in_no_frame(self, dialect: Dialect) -> None:
        events = self.prepared(dialect).on_open(NOW_MS)
        assert credentials().secret not in frames_of(events)
        assert credentials().api_key not in repr(events)

    def test_a_private_frame_that_is_nonsense_is_unreadable(self, dialect: Dialect) -> None:
        stream = dialect.private_stream()
        stream.on_open(NOW_MS)
        for raw in (b"\xff\xfe", "{", "<html>"):
            assert any(isinstance(event, Unreadable) for event in stream.on_frame(raw, NOW_MS)), raw

    @_fuzzed
    @given(st.lists(st.one_of(st.binary(max_size=100), st.text(max_size=100)), max_size=5))
    def test_no_frame_makes_a_stream_raise_or_claim_a_subscription(
        self, dialect: Dialect, frames: list[str | bytes]
    ) -> None:
        private, market = self.prepared(dialect), dialect.market_stream()
        for stream in (private, market):
            stream.on_open(NOW_MS)
            for frame in frames:
                assert not any(isinstance(event, Subscribed) for event in stream.on_frame(frame, NOW_MS))
            stream.on_time(NOW_MS + 60_000)

    def test_a_market_stream_watches_what_was_asked_before_it_opened(self, dialect: Dialect) -> None:
        stream = dialect.market_stream()
        assert stream.watch((SYMBOL,), tuple(MarketChannel), NOW_MS) == []
        assert any(isinstance(event, Send) for event in stream.on_open(NOW_MS))

    def test_an_order_socket_signs_what_has_a_channel(self, dialect: Dialect) -> None:
        socket = dialect.order_socket()
        if socket is None:
            pytest.skip(f"{dialect.exchange} takes orders over REST only")
        request = order_calls(dialect)["submit_order"].request
        assert request.channel
        frame = socket.request("id-1", request, credentials(), NOW_MS)
        assert "id-1" in str(frame)
        assert credentials().secret not in str(frame)

    def order_steps(self, dialect: Dialect) -> list[tuple[str, Call[Any]]]:
        """Every call that changes something, by each of its requests down to the first that changes."""
        return [(name, step) for name, call in order_calls(dialect).items() for step in self.steps(call)]

    def steps(self, call: Call[Any]) -> list[Call[Any]]:
        """A call by its requests, where every question finds nothing; what changes something is not answered."""
        steps = [call]
        while steps[-1].request.read and isinstance(following := steps[-1].read(self.nothing_there, NOW_MS), Call):
            steps.append(following)
            assert len(steps) <= MOST_STEPS, f"asks without end: {following.request}"
        return steps

    def prepared(self, dialect: Dialect) -> PrivateStream:
        """A private stream with an account, after all that the kit does before it connects."""
        stream = dialect.private_stream()
        assert stream.add(credentials(), NOW_MS) == []
        asks = [event for event in stream.prepare(NOW_MS) if isinstance(event, Ask)]
        for ask in asks:
            assert stream.on_reply(ask.request_id, self.before_opening, NOW_MS) == []
        assert stream.url() is not None
        return stream


def order_calls(dialect: Dialect) -> dict[str, Call[Any]]:
    """Every call that changes something."""
    about: dict[str, Any] = {
        "command_id": "command-1",
        "bracket_id": "bq6k3",
        "account_id": ACCOUNT,
        "exchange": dialect.exchange,
        "symbol": SYMBOL,
        "ts_init_ms": NOW_MS,
        "valid_until_ms": NOW_MS + 10_000,
    }
    entry = SubmitOrder(
        **about,
        client_order_id="bq6k3-e1",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        qty=Decimal("0.01"),
        price=Decimal(90_000),
        time_in_force=TimeInForce.GTC,
    )
    calls: dict[str, Call[Any]] = {
        "submit_order": dialect.submit_order(entry, an_instrument(dialect)),
        "cancel_order": dialect.cancel_order(CancelOrder(**about, client_order_id="bq6k3-e1")),
        "cancel_all_orders": dialect.cancel_all_orders(CancelAllOrders(**about)),
    }
    if CAPABILITIES[dialect.exchange].native_oco:
        exits = SubmitOrderList(
            **about,
            list_client_order_id="bq6k3-l1",
            side=Side.SELL,
            qty=Decimal("0.01"),
            take_profit=ListLeg(client_order_id="bq6k3-t1", order_type=OrderType.LIMIT_MAKER, price=Decimal(99_000)),
            stop_loss=ListLeg(client_order_id="bq6k3-s1", order_type=OrderType.STOP_LOSS, trigger_px=Decimal(85_000)),
        )
        calls["submit_order_list"] = dialect.submit_order_list(exits, an_instrument(dialect))
    return calls


def questions(dialect: Dialect) -> dict[str, Call[Any]]:
    """Every call that only asks."""
    ref = OrderRef(account_id=ACCOUNT, symbol=SYMBOL, client_order_id="bq6k3-e1")
    return {
        "fetch_order": dialect.fetch_order(ref),
        "fetch_order_list": dialect.fetch_order_list(ACCOUNT, "bq6k3-l1"),
        "fetch_open_orders": dialect.fetch_open_orders(ACCOUNT, SYMBOL),
        "fetch_my_trades": dialect.fetch_my_trades(ACCOUNT, SYMBOL, since_ms=NOW_MS),
        "fetch_balances": dialect.fetch_balances(ACCOUNT),
        "check_key": dialect.check_key(),
        "fetch_time": dialect.fetch_time(),
        "fetch_instruments": dialect.fetch_instruments(),
        "fetch_tickers": dialect.fetch_tickers((SYMBOL,)),
        "fetch_candles": dialect.fetch_candles(SYMBOL, "1m", 10),
        "fetch_depth": dialect.fetch_depth(SYMBOL, 5),
        "fetch_public_trades": dialect.fetch_public_trades(SYMBOL, 5),
    }


def read_to_the_end(call: Call[Any], reply: Reply) -> Any:
    """The answer to a call when every request of it gets this reply, down to the tenth."""
    answer: Any = call
    for _ in range(MOST_STEPS):
        if not isinstance(answer, Call):
            break
        answer = answer.read(reply, NOW_MS)
    assert isinstance(answer, Call | Rejected | Unknown | KeyCheck) or reply.status < 400, answer
    return answer


def frames_of(events: StreamEvents) -> str:
    """Everything these events would write."""
    frames = [event.frame for event in events if isinstance(event, Send)]
    return "\n".join(frame if isinstance(frame, str) else frame.decode("latin-1") for frame in frames)


def an_instrument(dialect: Dialect) -> Instrument:
    """A symbol with plain rules."""
    return Instrument(
        exchange=dialect.exchange,
        symbol=SYMBOL,
        exchange_symbol=SYMBOL,
        base="BTC",
        quote="USDT",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
    )


def credentials() -> Credentials:
    """A key that opens nothing."""
    return Credentials(
        account_id=ACCOUNT,
        exchange=Exchange.BINANCE,
        api_key="the-public-part-of-the-key",
        secret="the-part-that-must-never-leave",  # noqa: S106  opens nothing
        passphrase="spoken-to-bitget-alone",  # noqa: S106
        key_version=1,
        expires_at_ms=2**53,
    )
