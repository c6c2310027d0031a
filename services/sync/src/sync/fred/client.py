"""Asks FRED for a series, again where it is busy or silent. The key stands in the URL, so no URL is ever logged."""

import asyncio
from datetime import date
from typing import Final

import aiohttp
from pydantic import SecretStr

from common.errors import CgtError, Unavailable
from sync.fred.observations import Observation, Page, read_page, read_refusal

PAGE: Final = 100_000
"""The most that one answer holds."""
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
_BUSY: Final = 429


class FredRefused(CgtError):
    """FRED does not know the series, or does not take the key; asking again changes nothing."""


class Fred:
    """`series/observations` of one FRED."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base_url: str,
        api_key: SecretStr,
        *,
        retries_s: tuple[float, ...] = (1, 5, 20),
    ) -> None:
        self._http = http
        self._url = f"{base_url.rstrip('/')}/series/observations"
        self._api_key = api_key
        self._retries_s = retries_s

    async def observations(self, series_id: str, since: date | None) -> list[Observation]:
        """The series from that day on, all of it for None. Raises FredRefused, Unavailable, UnreadableMessage."""
        found: list[Observation] = []
        offset: int | None = 0
        while offset is not None:
            page = await self._page(series_id, since, offset)
            found += page.observations
            offset = page.next_offset
        return found

    async def _page(self, series_id: str, since: date | None, offset: int) -> Page:
        for pause_s in (*self._retries_s, None):
            try:
                return await self._attempt(series_id, since, offset)
            except Unavailable:
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, series_id: str, since: date | None, offset: int) -> Page:
        params = {
            "series_id": series_id,
            "api_key": self._api_key.get_secret_value(),
            "file_type": "json",
            "sort_order": "asc",
            "limit": str(PAGE),
            "offset": str(offset),
            **({} if since is None else {"observation_start": since.isoformat()}),
        }
        try:
            async with self._http.get(self._url, params=params, timeout=_TIMEOUT) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise Unavailable("FRED") from None  # The cause would name the URL, and with it the key.
        if answer.status == _BUSY or answer.status >= 500:
            raise Unavailable("FRED")
        if answer.status >= 400:
            raise FredRefused(read_refusal(body, answer.status))
        return read_page(body)
