"""The report as one HTML page without anything from elsewhere: numbers, charts, findings. Pure."""

import math
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from common.bus.messages import rfc3339

Json = dict[str, Any]

_WIDTH, _HEIGHT, _PAD = 720, 180, 34
_BINS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 60_000)
"""Upper bounds in ms of the chart's bars; what took longer is in the last."""
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1c2330;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #dde2ea}
td.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.85em}
.good{color:#12733c}.bad{color:#b3261e}svg{width:100%;height:auto}
.bar{fill:#3b6fd4}.late{fill:#b3261e}.axis{stroke:#8b95a5}text{font-size:11px;fill:#4c5666}
@media (prefers-color-scheme:dark){body{background:#12161d;color:#e5e9f0}td,th{border-color:#2b3340}
.good{color:#5fd38d}.bad{color:#ff8a80}text{fill:#9aa5b5}}
"""


def page(report: Json) -> bytes:
    """The whole page."""
    clean = not report["violations"] and not report["ledger"]
    verdict = "Everything comes out as the topics say." if clean else "Something does not come out as the topics say."
    parts = [
        f"<h1>Audit</h1><p class={'good' if clean else 'bad'}><strong>{verdict}</strong></p>",
        _summary(report),
        "<h2>How long filled units were unprotected</h2>",
        _histogram(_bare(report)),
        "<h2>When</h2>",
        _timeline(report["units"]["each"]),
        _table("Violations", ("invariant", "kind", "bracket_id", "what", "detail"), report["violations"]),
        _ledger(report["ledger"]),
        _table("Inputs", ("topic", "first", "last", "records"), _inputs(report["inputs"])),
    ]
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Audit</title><style>{_STYLE}</style>'
    return f"{head}<body>{''.join(parts)}</body></html>\n".encode()


def _summary(report: Json) -> str:
    units, bare = report["units"], report["units"]["bare_ms"]
    rows = [
        ("Brackets", report["brackets"]),
        ("Units filled", units["filled"]),
        ("Never protected", units["never_protected"]),
        ("Unprotected for (p50 / p99 / max)", " / ".join(_ms(bare[name]) for name in ("p50", "p99", "max"))),
        ("Filled, in quote asset", units["notional"]),
        ("Violations", len(report["violations"])),
        ("Digest", report["digest"]),
    ]
    cells = "".join(f"<tr><th>{escape(name)}<td class=n>{escape(str(value))}" for name, value in rows)
    return f"<table>{cells}</table>"


def _histogram(bare_ms: Sequence[int]) -> str:
    """How many units took how long."""
    if not bare_ms:
        return "<p>Nothing was filled.</p>"
    counts = [0] * (len(_BINS) + 1)
    for value in bare_ms:
        counts[next((n for n, bound in enumerate(_BINS) if value <= bound), len(_BINS))] += 1
    step = (_WIDTH - 2 * _PAD) / len(counts)
    most = max(counts)
    bars = []
    for n, count in enumerate(counts):
        height = (_HEIGHT - 2 * _PAD) * count / most
        left, top = _PAD + n * step, _HEIGHT - _PAD - height
        name = f"≤ {_BINS[n]} ms" if n < len(_BINS) else f"> {_BINS[-1]} ms"
        kind = "bar" if n < len(_BINS) - 1 else "late"
        bars.append(
            f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{step - 4:.1f}" height="{height:.1f}">'
            f"<title>{name}: {count}</title></rect>"
            f'<text x="{left:.1f}" y="{_HEIGHT - _PAD + 14}">{_short(n)}</text>'
        )
        if count:
            bars.append(f'<text x="{left:.1f}" y="{top - 4:.1f}">{count}</text>')
    return _chart("Units by the time they were unprotected", "".join(bars))


def _timeline(units: Sequence[Json]) -> str:
    """Every unit at the time it was filled, as high as it was unprotected for, on a logarithmic scale."""
    shown = [unit for unit in units if unit["bare_ms"] is not None]
    if not shown:
        return "<p>Nothing was filled.</p>"
    first, last = min(unit["since_ms"] for unit in shown), max(unit["since_ms"] for unit in shown)
    span = max(last - first, 1)
    top = max(math.log10(max(unit["bare_ms"], 1)) for unit in shown) or 1
    dots = []
    for unit in shown:
        left = _PAD + (_WIDTH - 2 * _PAD) * (unit["since_ms"] - first) / span
        height = (_HEIGHT - 2 * _PAD) * math.log10(max(unit["bare_ms"], 1)) / top
        said = f"{unit['qty']} {unit['symbol']}: {unit['bare_ms']} ms"
        dots.append(
            f'<circle class="bar" cx="{left:.1f}" cy="{_HEIGHT - _PAD - height:.1f}" r="3">'
            f"<title>{escape(said)}</title></circle>"
        )
    ends = (
        f'<text x="{_PAD}" y="{_HEIGHT - _PAD + 14}">{rfc3339(first)}</text>'
        f'<text x="{_WIDTH - _PAD}" y="{_HEIGHT - _PAD + 14}" text-anchor="end">{rfc3339(last)}</text>'
    )
    return _chart("Units by the time they were filled", "".join(dots) + ends)


def _chart(title: str, inside: str) -> str:
    line = f'<line class="axis" x1="{_PAD}" y1="{_HEIGHT - _PAD}" x2="{_WIDTH - _PAD}" y2="{_HEIGHT - _PAD}"/>'
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">{line}{inside}</svg>'


def _ledger(differences: Sequence[Json] | None) -> str:
    if differences is None:
        return "<h2>Ledger</h2><p>It was not compared.</p>"
    return _table("Ledger", ("bracket_id", "difference"), differences)


def _table(title: str, columns: Sequence[str], rows: Sequence[Json]) -> str:
    if not rows:
        return f"<h2>{title}</h2><p class=good>None.</p>"
    head = "".join(f"<th>{escape(name.replace('_', ' '))}" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(row[name]))}" for name in columns) for row in rows)
    return f"<h2>{title}</h2><table><tr>{head}{body}</table>"


def _inputs(inputs: Json) -> list[Json]:
    return [{"topic": place, **told} for place, told in inputs.items()]


def _bare(report: Json) -> list[int]:
    return [unit["bare_ms"] for unit in report["units"]["each"] if unit["bare_ms"] is not None]


def _short(number: int) -> str:
    if number == len(_BINS):
        return "more"
    bound = _BINS[number]
    return f"{bound} ms" if bound < 1_000 else f"{bound // 1_000} s"


def _ms(value: int | None) -> str:
    return "–" if value is None else f"{value} ms"
