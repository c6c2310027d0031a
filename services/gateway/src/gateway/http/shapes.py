"""The schema of an answer, read off the example that documents it, so that the two cannot part.

A field that the example shows is always there; it may be null. `Sometimes` marks one that may be absent, and `ByName`
an object whose keys are data. What an example does not show may be there as well: clients ignore what they do not know.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Final

Json = dict[str, Any]
ANYTHING: Final[Json] = {}


class Sometimes:
    """The value of a field that is absent where it means nothing."""

    def __init__(self, value: Any) -> None:
        self.value = value


class ByName(dict[str, Any]):
    """An object whose keys are data, such as assets."""


def shape_of(example: Any) -> Json:
    """The JSON Schema that the example stands for."""
    match example:
        case Sometimes():
            return shape_of(example.value)
        case None:
            return ANYTHING
        case bool():
            return {"type": ["boolean", "null"]}
        case int() | float():
            return {"type": ["number", "null"]}
        case str():
            return {"type": ["string", "null"]}
        case ByName():
            return {"type": ["object", "null"], "additionalProperties": _common(list(example.values()))}
        case Mapping():
            always = [name for name, value in example.items() if not isinstance(value, Sometimes)]
            properties = {name: shape_of(value) for name, value in example.items()}
            return {"type": ["object", "null"], "properties": properties, "required": always}
        case _:
            return {"type": ["array", "null"], "items": _common(example)}


def envelope_of(example: Any) -> Json:
    """The schema of a whole answer: an object, and a success says so."""
    shape = shape_of(example) | {"type": "object"}
    if "status" in shape.get("properties", {}):
        shape["properties"] = shape["properties"] | {"status": {"const": "Success"}}
    return shape


def shown(example: Any) -> Any:
    """The example itself, without its marks."""
    match example:
        case Sometimes():
            return shown(example.value)
        case str():
            return example
        case Mapping():
            return {name: shown(value) for name, value in example.items()}
        case Sequence():
            return [shown(value) for value in example]
        case _:
            return example


def _common(examples: Sequence[Any]) -> Json:
    """The schema of several things: what they share."""
    return reduce(_either, map(shape_of, examples)) if examples else ANYTHING


def _either(one: Json, other: Json) -> Json:
    if one == other:
        return one
    if one.get("type") != other.get("type") or "properties" not in one or "properties" not in other:
        return ANYTHING
    ours, theirs = one["properties"], other["properties"]
    properties = {
        name: _either(ours[name], theirs[name]) if name in ours and name in theirs else ours.get(name, theirs.get(name))
        for name in ours | theirs
    }
    return one | {"properties": properties, "required": [name for name in one["required"] if name in other["required"]]}
