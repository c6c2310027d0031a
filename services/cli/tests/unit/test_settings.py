"""`cgt up` takes its ports, broker and market from the environment, and says what is wrong with them."""

from pathlib import Path

import pytest

from cgt.settings import stack_options
from common.settings import InvalidSetting


def test_without_settings_the_documented_ports_and_the_embedded_broker_are_used() -> None:
    options = stack_options(Path(), {})
    assert (options.ports["CGT_PORT_GATEWAY"], options.ports["CGT_PORT_BROKER"]) == (3000, 7092)
    assert (options.broker, options.market) == ("embedded", "walk")


def test_a_port_is_moved_by_its_setting() -> None:
    assert stack_options(Path(), {"CGT_PORT_GATEWAY": "3001"}).ports["CGT_PORT_GATEWAY"] == 3001


@pytest.mark.parametrize("value", ["-1", "65536", "three", "³", " 3000"])
def test_what_is_no_port_is_refused_by_name_and_rule(value: str) -> None:
    with pytest.raises(InvalidSetting, match="CGT_PORT_GATEWAY is not valid: use a port number from 0"):
        stack_options(Path(), {"CGT_PORT_GATEWAY": value})


def test_an_unknown_broker_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidSetting, match="CGT_BROKER is not valid: use one of embedded, kafka"):
        stack_options(Path(), {"CGT_BROKER": "rabbit"})


def test_only_settings_meant_for_services_are_handed_on() -> None:
    env = {"CGT_LOG_LEVEL": "DEBUG", "CGT_BINANCE_REST_URL": "http://x", "CGT_JWT_SECRET": "mine", "HOME": "/"}
    assert stack_options(Path(), env).settings == {"CGT_LOG_LEVEL": "DEBUG", "CGT_BINANCE_REST_URL": "http://x"}
