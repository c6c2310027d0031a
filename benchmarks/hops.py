"""The services' own histograms of the hops between a fill and its orders, read from their /metrics."""

from collections.abc import Mapping
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.stats import Histogram

Hops = Mapping[str, Histogram]

_MEASURES: Final = {
    "cgt_hop_seconds": "",
    "cgt_publish_seconds": "publish, ",
    "cgt_bus_delay_seconds": "bus delay, ",
    "cgt_batch_seconds": "batch until durable",
    "cgt_batch_records": "records per batch",
}
SIZES: Final = "records per batch"
"""The one measure that is a count; the others are times."""


async def hops(services: Mapping[str, str]) -> Hops:
    """Every hop of the services (name to base URL), by `service: hop`."""
    found: dict[str, Histogram] = {}
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        for service, url in services.items():
            async with http.get(f"{url}/metrics") as answer:
                found |= {f"{service}: {name}": each for name, each in read(await answer.text()).items()}
    return found


async def gauge(url: str, name: str) -> float:
    """The sum of a gauge over its labels."""
    async with aiohttp.ClientSession(raise_for_status=True) as http, http.get(f"{url}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
        return sum(sample.value for family in families if family.name == name for sample in family.samples)


def read(text: str) -> Hops:
    """The hop histograms in Prometheus's text format. Pure."""
    found: dict[str, Histogram] = {}
    for family in text_string_to_metric_families(text):
        if family.name not in _MEASURES:
            continue
        buckets: dict[str, list[tuple[float, float]]] = {}
        sums: dict[str, float] = {}
        for sample in family.samples:
            labels = dict(sample.labels)
            bound = labels.pop("le", None)
            name = _MEASURES[family.name] + "".join(labels.values())
            if bound is not None:
                buckets.setdefault(name, []).append((float(bound), sample.value))
            elif sample.name.endswith("_sum"):
                sums[name] = sample.value
        for name, counted in buckets.items():
            bounds, counts = zip(*counted, strict=True)
            found[name] = Histogram(bounds, counts, sums[name])
    return found


def between(before: Hops, after: Hops) -> Hops:
    """What was observed after `before`, hops without any left out."""
    grown = {name: found.since(before.get(name)) for name, found in after.items()}
    return {name: found for name, found in grown.items() if found.count}


def together(many: list[Hops]) -> Hops:
    """Several turns as one."""
    total: dict[str, Histogram] = {}
    for each in many:
        for name, found in each.items():
            total[name] = found.plus(total.get(name))
    return total
