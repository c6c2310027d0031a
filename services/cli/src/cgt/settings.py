"""What `cgt up` reads from its environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast, get_args

from common.bus.brokers import BrokerKind
from common.exchanges import Exchange
from common.runtime.services import listeners
from common.runtime.stack import Market, StackOptions
from common.settings import InvalidSetting

# Where the connectors trade, and how loud the services are; everything else they are told by the stack.
_HANDED_ON = ("CGT_LIVE", "CGT_LOG_", *(f"CGT_{exchange.name}_" for exchange in Exchange))


def stack_options(run_dir: Path, env: Mapping[str, str]) -> StackOptions:
    """CGT_BROKER, CGT_PAPER_MARKET, CGT_PORT_* and the settings that are handed on. Raises InvalidSetting."""
    return StackOptions(
        run_dir=run_dir,
        broker=broker_of(env),
        market=cast("Market", _one_of(env, "CGT_PAPER_MARKET", get_args(Market), "walk")),
        ports={each.chosen_by: _port(env, each.chosen_by, each.default) for each in listeners()},
        settings={name: value for name, value in env.items() if name.startswith(_HANDED_ON)},
    )


def broker_of(env: Mapping[str, str]) -> BrokerKind:
    """CGT_BROKER. Raises InvalidSetting."""
    return BrokerKind(_one_of(env, "CGT_BROKER", tuple(BrokerKind), BrokerKind.EMBEDDED))


def _one_of(env: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = env.get(name) or default
    if value not in allowed:
        raise InvalidSetting(name, f"use one of {', '.join(allowed)}")
    return value


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name) or str(default)
    if not value.isascii() or not value.isdigit() or int(value) > 65_535:
        raise InvalidSetting(name, "use a port number from 0 (any free port) to 65535")
    return int(value)
