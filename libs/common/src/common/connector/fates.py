"""What became of an order, for another service that asks: one look, judged by the rules of the exchange.

Nothing is published here, and an order that is being asked about already is not asked about twice.
"""

from typing import Protocol

from common.clock import Clock
from common.codec import decode
from common.connector.lookups import Absent, Finding, Found, Lookups, Proof, Unclear
from common.connector.ports import FateKind, OrderFate, OrderQuestion
from common.connector.settling import SEARCH_BACK_MS, Settler
from common.errors import Refused, UnreadableMessage


class Streamed(Protocol):
    """The accounts of this process."""

    @property
    def accounts(self) -> frozenset[str]: ...


class Fates:
    """Looks at orders. `named` knows our orders without an id of ours, of the accounts that this process streams."""

    def __init__(self, settler: Settler, named: Lookups, plain: Lookups, streamed: Streamed, clock: Clock) -> None:
        self._settler = settler
        self._named = named
        self._plain = plain
        self._streamed = streamed
        self._clock = clock

    async def of(self, question: OrderQuestion) -> OrderFate:
        """One look. When it begins decides whether "not there" is proof."""
        ref = question.ref
        if self._settler.asks(ref):
            return OrderFate(kind=FateKind.SETTLING)
        streamed = ref.account_id in self._streamed.accounts
        if not streamed and ref.terms is not None and ref.exchange_order_id is None:
            # Two orders may have the same terms; which of them is which is known where they are placed.
            return OrderFate(kind=FateKind.UNCLEAR, code="not_streamed_here", reason="another process has the account")
        # What another process remembers of its accounts must not be judged, nor overwritten, from here.
        lookups = self._named if streamed else self._plain
        conclusive_ms = self._settler.conclusive_ms(question.submitted_ms)
        proof = None
        if self._clock.now_ms() >= conclusive_ms:
            proof = Proof(question.submitted_ms - SEARCH_BACK_MS, conclusive_ms)
        return _told(await lookups.find(ref, proof=proof))


def question_of(body: bytes, account_id: str) -> OrderQuestion:
    """The question in a request about this account. Raises Refused."""
    try:
        question = decode(body, OrderQuestion)
    except UnreadableMessage as error:
        raise _refused("body", error.reason, "Send an OrderQuestion: {ref, submitted_ms}.") from None
    ref = question.ref
    if ref.account_id != account_id:
        rule = "The order asked about must be of the account in the path."
        raise _refused("ref.account_id", rule, f"Ask for an order of {account_id}.")
    if ref.client_order_id is None and ref.exchange_order_id is None:
        rule = "An order is asked for by one of its ids."
        raise _refused("ref", rule, "Send client_order_id or exchange_order_id.")
    return question


def _told(finding: Finding) -> OrderFate:
    match finding:
        case Found():
            return OrderFate(kind=FateKind.FOUND, facts=finding.facts)
        case Absent():
            return OrderFate(kind=FateKind.NEVER_ARRIVED if finding.proven else FateKind.ABSENT, code=finding.code)
        case Unclear():
            return OrderFate(kind=FateKind.UNCLEAR, code=finding.code, reason=finding.reason)


def _refused(field: str, rule: str, fix: str) -> Refused:
    return Refused(code="BAD_REQUEST", title="Invalid request", field=field, rule=rule, fix=fix)
