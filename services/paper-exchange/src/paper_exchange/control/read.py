"""Bodies of the control API, checked field by field."""

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson


class BadRequest(Exception):
    """Something in the body is wrong: which field, which rule, and what to send instead."""

    def __init__(self, field: str, rule: str, fix: str, status: int = 400) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule, self.fix, self.status = field, rule, fix, status

    def body(self) -> dict[str, str]:
        """The JSON answer."""
        return {"error": str(self), "field": self.field, "rule": self.rule, "fix": self.fix}


Fields = Mapping[str, Any]


def read_body(body: bytes, known: frozenset[str]) -> Fields:
    """A JSON object with none but `known` fields."""
    try:
        fields = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadRequest("body", f"must be JSON ({error})", "send a JSON object") from None
    if not isinstance(fields, dict):
        raise BadRequest("body", "must be a JSON object", "send {…}")
    for name in fields:
        if name not in known:
            raise BadRequest(name, "is not known here", f"use {', '.join(sorted(known))}")
    return fields


def read_decimal(fields: Fields, name: str) -> Decimal | None:
    """A number as a string (or an integer), or None."""
    value = fields.get(name)
    if value is None:
        return None
    try:
        number = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise BadRequest(name, "must be a decimal number in a string", f'send "{name}": "1.5"')
    return number


def need_decimal(fields: Fields, name: str) -> Decimal:
    """A number that must be there."""
    value = read_decimal(fields, name)
    if value is None:
        raise BadRequest(name, "is missing", f'send "{name}": "1.5"')
    return value


def read_text(fields: Fields, name: str) -> str | None:
    """A string, or None."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(name, "must be a string", f'send "{name}": "…"')
    return value


def need_text(fields: Fields, name: str) -> str:
    """A string that must be there."""
    value = read_text(fields, name)
    if not value:
        raise BadRequest(name, "is missing", f'send "{name}": "…"')
    return value


def read_int(fields: Fields, name: str) -> int | None:
    """A whole number, or None."""
    value = fields.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise BadRequest(name, "must be a whole number", f'send "{name}": 1')
    return value


def read_flag(fields: Fields, name: str) -> bool:
    """A boolean, false when absent."""
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise BadRequest(name, "must be true or false", f'send "{name}": true')
    return value


def read_share(fields: Fields, name: str) -> float:
    """A probability, 1 when absent."""
    value = fields.get(name, 1)
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadRequest(name, "must be a number from 0 to 1", f'send "{name}": 0.5')
    return float(value)


def read_id(fields: Fields, name: str) -> int | None:
    """An id of the exchange as a whole number or its digits, or None."""
    value = fields.get(name)
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return read_int(fields, name)


def _read_from(fields: Fields, name: str, least: int) -> int:
    value = read_int(fields, name)
    if value is None or value < least:
        raise BadRequest(name, f"must be a whole number, {least} or more", f'send "{name}": {least}')
    return value


def switch_positions(switches: Any) -> dict[str, Any]:
    """Every field of a dataclass of switches (or of None, which has none), with its value."""
    return (
        {} if switches is None else {field.name: getattr(switches, field.name) for field in dataclass_fields(switches)}
    )


def set_switches(switches: Any, fields: Fields) -> None:
    """Set the named fields: booleans by true and false, the others as their metadata says.

    `choices` are the values that are possible, `least` the lowest whole number.
    """
    positions: dict[str, Any] = {}
    known = {field.name: field.metadata for field in dataclass_fields(switches)}
    for name, value in fields.items():
        choices, least = known[name].get("choices"), known[name].get("least")
        if least is not None:
            positions[name] = _read_from(fields, name, least)
        elif choices is None:
            positions[name] = read_flag(fields, name)
        elif value in choices:
            positions[name] = value
        else:
            raise BadRequest(name, f"must be one of {', '.join(map(str, choices))}", f'send "{name}": "{choices[0]}"')
    for name, value in positions.items():
        setattr(switches, name, value)
