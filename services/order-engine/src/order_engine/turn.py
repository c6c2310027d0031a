"""One turn of a bracket: the working copy, and the commands and facts it calls for.

A turn is local to one call of `decide`; what leaves it is frozen.
"""

from typing import Any

import msgspec

from common.commands import CancelOrder, Command, QueryOrder
from common.protection import ProtectionBase, ProtectionFact
from order_engine.bracket import Bracket, Exit
from order_engine.order import Order, Role

Effect = Command | ProtectionFact


class Turn:
    """The bracket as it is being changed, and what it wants done."""

    def __init__(self, bracket: Bracket, *, cause: str, now_ms: int) -> None:
        self.bracket = msgspec.structs.replace(bracket, now_ms=max(bracket.now_ms, now_ms))
        self.now_ms = self.bracket.now_ms
        self.debounced = False
        """Whether the wait for more of a partial fill is over."""
        self._before = bracket
        self._cause = cause
        self._commands: list[tuple[type[Any], dict[str, Any]]] = []
        self._notes: list[tuple[type[ProtectionBase], dict[str, Any]]] = []

    def change(self, **fields: Any) -> None:
        """Set fields of the bracket."""
        self.bracket = msgspec.structs.replace(self.bracket, **fields)

    def climb(self, **fields: Any) -> None:
        """Set fields of the bracket's ladder."""
        self.change(ladder=msgspec.structs.replace(self.bracket.ladder, **fields))

    def put_order(self, order: Order) -> None:
        """Replace the order of the same client id."""
        if order.role is Role.ENTRY:
            self.change(entry=order)
            return
        for exit_ in self.bracket.exits:
            if any(leg.client_order_id == order.client_order_id for leg in exit_.legs):
                legs = tuple(order if leg.client_order_id == order.client_order_id else leg for leg in exit_.legs)
                self.put_exit(msgspec.structs.replace(exit_, legs=legs))

    def put_exit(self, exit_: Exit) -> None:
        """Replace the exit of the same generation, or add it."""
        exits = self.bracket.exits
        if any(known.generation == exit_.generation for known in exits):
            self.change(exits=tuple(exit_ if known.generation == exit_.generation else known for known in exits))
        else:
            self.change(exits=(*exits, exit_))

    def send(self, command: type[Any], **fields: Any) -> None:
        """Tell the connector to do something."""
        self._commands.append((command, fields))

    def note(self, fact: type[ProtectionBase], **fields: Any) -> None:
        """Publish a protection fact; amounts are those at the end of the turn."""
        self._notes.append((fact, fields))

    def cancel(self, order: Order, *, valid_for_ms: int) -> None:
        """Ask the exchange to cancel an order (of a list: the list)."""
        self.send(
            CancelOrder,
            client_order_id=order.client_order_id,
            exchange_order_id=order.exchange_order_id,
            list_client_order_id=order.list_client_order_id,
            valid_until_ms=self.now_ms + valid_for_ms,
        )

    def query(self, order: Order, *, valid_for_ms: int) -> None:
        """Ask the exchange what became of an order (of a list: of both legs)."""
        self.send(
            QueryOrder,
            client_order_id=order.client_order_id,
            exchange_order_id=order.exchange_order_id,
            list_client_order_id=order.list_client_order_id,
            submitted_ms=min(order.valid_until_ms, self.now_ms),
            valid_until_ms=self.now_ms + valid_for_ms,
        )

    def result(self) -> tuple[Bracket, tuple[Effect, ...]]:
        """The bracket at its next version with its effects; the very same bracket if nothing happened."""
        unmoved = msgspec.structs.replace(self.bracket, now_ms=self._before.now_ms)
        if not self._commands and not self._notes and unmoved == self._before:
            return self._before, ()
        self.change(version=self._before.version + 1)
        return self.bracket, (*self._built_commands(), *self._built_notes())

    def _built_commands(self) -> tuple[Command, ...]:
        bracket = self.bracket
        return tuple(
            command(
                command_id=f"{bracket.bracket_id}-{bracket.version}-{n}",
                bracket_id=bracket.bracket_id,
                account_id=bracket.account_id,
                exchange=bracket.exchange,
                symbol=bracket.symbol,
                ts_init_ms=self.now_ms,
                **fields,
            )
            for n, (command, fields) in enumerate(self._commands)
        )

    def _built_notes(self) -> tuple[ProtectionFact, ...]:
        return tuple(
            protection_fact(kind, self.bracket, position=n, cause=self._cause, **fields)
            for n, (kind, fields) in enumerate(self._notes)
        )


def protection_fact(kind: type[Any], bracket: Bracket, *, position: int, cause: str, **fields: Any) -> Any:
    """A protection fact about the bracket as it stands."""
    return kind(
        bracket_id=bracket.bracket_id,
        account_id=bracket.account_id,
        user_id=bracket.user_id,
        exchange=bracket.exchange,
        symbol=bracket.symbol,
        version=bracket.version,
        position=position,
        cause=cause,
        ts_event_ms=bracket.now_ms,
        state=bracket.state,
        held_qty=bracket.held_qty,
        protected_qty=bracket.protected_qty,
        guarded_qty=bracket.guarded_qty,
        unprotected_qty=bracket.unprotected_qty,
        dust_qty=bracket.dust_qty,
        **fields,
    )
