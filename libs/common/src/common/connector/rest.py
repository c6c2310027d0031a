"""The REST sender: one warm session, the bytes exactly as signed, and an honest word on what is not known.

Only a connection that never came about proves that nothing was sent. A timeout, a reset after the request was written
or a broken answer leave open what the exchange did.
"""

from types import TracebackType
from typing import Self

import aiohttp
import msgspec
from yarl import URL

from common.connector.ports import Reply, SignedRequest, Unknown


class NotSent(msgspec.Struct, frozen=True):
    """Provably nothing left us: there was no connection."""

    code: str
    reason: str


class RestSender:
    """Sends signed requests to one base URL. Use as an async context manager."""

    def __init__(self, base_url: str, *, timeout_s: float, connect_timeout_s: float = 3.0) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=connect_timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # No limit here: the rate gate decides who leaves when, and two OCO lists of one fill leave together.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=75, ttl_dns_cache=300),
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
            skip_auto_headers=("User-Agent",),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, signed: SignedRequest) -> Reply | NotSent | Unknown:
        """The reply whatever its status, NotSent when no connection came about, Unknown in all other cases."""
        assert self._session is not None, "enter the RestSender first"
        try:
            async with self._session.request(
                signed.method,
                # yarl would re-quote the query and break the signature.
                URL(self._base_url + signed.target, encoded=True),
                data=signed.body or None,
                headers=signed.headers,
                allow_redirects=False,
            ) as response:
                body = await response.read()
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(status=response.status, headers=headers, body=body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return NotSent(type(error).__name__, "no connection to the exchange")
        except TimeoutError:
            return Unknown("timeout", "no answer in time")
        except (aiohttp.ClientError, OSError) as error:
            return Unknown(type(error).__name__, "the connection broke after the request was written")
        except ValueError as error:
            return Unknown(type(error).__name__, "the answer is no HTTP")
