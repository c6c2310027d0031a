"""`python -m paper_exchange`: serve until SIGTERM or SIGINT."""

import asyncio
import logging
import signal
import sys

import structlog
import uvloop

from paper_exchange.app import run
from paper_exchange.settings import Settings


async def main(settings: Settings) -> None:
    """Serve, say where, and wait to be told to stop."""
    log = structlog.get_logger("paper-exchange")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    async with run(settings) as running:
        log.info("listening", face="control", url=running.control_url)
        log.info(
            "listening", face="binance", url=running.binance_rest_url, ws_api_url=running.binance_ws_api_url,
            stream_url=running.binance_stream_url, market=settings.market, seed=settings.seed,
        )  # fmt: skip
        log.info(
            "listening", face="bitget", url=running.bitget_rest_url, ws_public_url=running.bitget_ws_public_url,
            ws_private_url=running.bitget_ws_private_url,
        )  # fmt: skip
        log.info("listening", face="gateio", url=running.gateio_rest_url, ws_url=running.gateio_ws_url)
        log.info("listening", face="mexc", url=running.mexc_rest_url, ws_url=running.mexc_ws_url)
        await stop.wait()
        log.info("stopping")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ]
    )
    uvloop.run(main(Settings()))
