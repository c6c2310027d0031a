"""Signed parameters as Binance wants them (HMAC-SHA256), for the bots and for placing their entries."""

import hmac
import time
from collections.abc import Mapping


def rest_body(params: Mapping[str, str], secret: str) -> str:
    """A signed form body. No value of ours needs escaping."""
    unsigned = "&".join(f"{name}={value}" for name, value in {**params, "timestamp": _now()}.items())
    return f"{unsigned}&signature={_signature(secret, unsigned)}"


def ws_params(params: Mapping[str, str], api_key: str, secret: str) -> dict[str, str]:
    """Signed parameters of a WebSocket API request, which are signed in the order of their names."""
    named = {**params, "apiKey": api_key, "timestamp": _now()}
    payload = "&".join(f"{name}={named[name]}" for name in sorted(named))
    return {**named, "signature": _signature(secret, payload)}


def _now() -> str:
    return str(time.time_ns() // 1_000_000)


def _signature(secret: str, payload: str) -> str:
    return hmac.digest(secret.encode(), payload.encode(), "sha256").hex()
