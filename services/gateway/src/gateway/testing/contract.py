"""Holds answers against the API document: a status it does not name, or a body of another shape, is a defect."""

import re
from typing import Any

from jsonschema_rs import Draft202012Validator


class Contract:
    """The API document, as a judge of answers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._paths = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in document["paths"]]
        # What is written out is meant before what stands for anything: /orders/open before /orders/{id}.
        self._paths.sort(key=lambda each: each[1].count("{"))
        self._validators: dict[tuple[str, str, str], Draft202012Validator] = {}

    def check(self, method: str, path: str, status: int, content_type: str, body: Any) -> None:
        """Assert that the document promises such an answer; what it does not describe is left alone."""
        template = next((name for pattern, name in self._paths if pattern.fullmatch(path)), None)
        operation = self._document["paths"].get(template, {}).get(method.lower())
        if template is None or operation is None:
            return
        asked = f"{method} {path}"
        assert str(status) in operation["responses"], f"{asked} answers {status}, which is not documented: {body}"
        content = operation["responses"][str(status)]["content"]
        media_type = content_type.partition(";")[0]
        assert media_type in content, f"{asked} answers {status} as {media_type}"
        validator = self._validator(template, method, str(status), content[media_type]["schema"])
        faults = [f"{'.'.join(map(str, each.instance_path))}: {each.message}" for each in validator.iter_errors(body)]
        assert not faults, f"{asked} {status} is not as documented: {faults[:3]}"

    def _validator(self, template: str, method: str, status: str, schema: dict[str, Any]) -> Draft202012Validator:
        key = (template, method, status)
        if key not in self._validators:
            self._validators[key] = Draft202012Validator(schema | {"components": self._document["components"]})
        return self._validators[key]
