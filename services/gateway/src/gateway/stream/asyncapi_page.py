"""The AsyncAPI document as one HTML page that needs nothing else."""

import html
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from common.asyncapi import Json
from gateway.stream.asyncapi import INFO, asyncapi


@cache
def page() -> str:
    """The page."""
    shown = asyncapi()
    body = "".join(_channel_shown(shown, channel) for channel in shown["channels"].values())
    return _PAGE.format(
        title=html.escape(INFO["title"]), description=_text(INFO["description"]), body=body, version=shown["asyncapi"]
    )


def _channel_shown(shown: Json, channel: Json) -> str:
    messages = "".join(_message_shown(shown, shown["components"]["messages"][id_]) for id_ in channel["messages"])
    return f"<h2><code>{html.escape(channel['address'])}</code></h2><p>{_text(channel['description'])}</p>{messages}"


def _message_shown(shown: Json, message: Json) -> str:
    rows = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td>{_text(kind)}</td><td>{_text(about)}</td></tr>"
        for name, kind, about in _fields(shown, message["payload"])
    )
    summary = _text(message["summary"])
    name = html.escape(message["name"])
    return f"<details><summary><b><code>{name}</code></b> {summary}</summary><table>{rows}</table></details>"


def _fields(shown: Json, schema: Json) -> Iterator[tuple[str, str, str]]:
    resolved = _resolved(shown, schema)
    properties = resolved.get("properties", {}) | resolved.get("patternProperties", {})
    for name, of in properties.items():
        yield name, _kind(of), of.get("description", "")
        if name == "data" and "$ref" in of:
            for inner, kind, about in _fields(shown, of):
                yield f"data.{inner}", kind, about


def _resolved(shown: Json, schema: Json) -> Json:
    reference = schema.get("$ref")
    found: Any = shown["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema
    return dict(found)


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " ".join(f"`{each}`" for each in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        parts = schema.get("prefixItems") or [schema["items"]]
        return f"list of {', '.join(map(_kind, parts))}"
    kinds = schema.get("type", "any")
    kind = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    return f"decimal {kind}" if schema.get("format") == "decimal" else kind


def _text(text: str) -> str:
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733; }}
h2 {{ margin-top: 2.5rem; border-top: 1px solid #d6dde4; padding-top: 1rem; }}
code {{ background: #f0f3f6; padding: 0 .25em; border-radius: 3px; }}
details {{ margin: .4rem 0; }} table {{ border-collapse: collapse; margin: .5rem 0 1rem 1rem; width: 95%; }}
td {{ border-top: 1px solid #e3e8ed; padding: .2rem .6rem; vertical-align: top; font-size: 14px; }}
</style></head><body>
<h1>{title}</h1><p>{description}</p>
<p>AsyncAPI {version}: <a href="/asyncapi.json">asyncapi.json</a>. REST: <a href="/api-docs">api-docs</a>.</p>
{body}</body></html>
"""
