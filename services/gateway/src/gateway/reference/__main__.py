"""`python -m gateway.reference docs/api.md` writes the table of the API; with `--check` it only says whether it holds.

The endpoints come from the running app, the events from the types that are sent. An endpoint or event without a proof,
a proof of nothing, and a test that does not exist are errors either way.
"""

import ast
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from common.health import Health
from gateway.http.api import AREAS, rest_app
from gateway.http.middleware import Guards
from gateway.reference import proofs
from gateway.stream.payloads import EVENTS
from gateway.testing.house import House

HEAD = """# The API, and what proves it

Generated from the running app by `python -m gateway.reference docs/api.md`; `make check` keeps it in step. **Spec**
marks what the original specification asked for; the rest was added. Fields, examples and errors of each endpoint are
in `/api-docs`, those of each event in `/async-docs`.

Besides its own test, every endpoint is asked at random against its document, on fakes (`test_document.py`) and on the
running system (`test_schema.py`), and by every kind of caller (`test_who_may_what.py`); each answer of every API test
is held against the document.
"""
BESIDE_THE_DOCUMENT: Mapping[str, str] = {
    "GET /health": "common.service.http",
    "GET /api-docs": "gateway.http.docs_page",
}


def endpoints() -> dict[str, str]:
    """Method and path of every endpoint of the running app, with the module that answers it."""
    parts = House().parts
    modules = {
        f"{method} {route.path}": area.__name__
        for area in AREAS
        for route in area.router(parts).routes
        for method in route.methods
    }
    paths = rest_app(parts, Health(), Guards()).openapi()["paths"]
    documented = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
    return {name: modules[name] for name in documented} | dict(BESIDE_THE_DOCUMENT)


def faults(root: Path, found: Iterable[str]) -> list[str]:
    """What the table would say that is not so."""
    told = {"endpoint": (set(found), set(proofs.ENDPOINTS)), "event": (set(EVENTS), set(proofs.EVENTS))}
    wrong = []
    for kind, (there, proved) in told.items():
        wrong += [f"{kind} {name} has no proof: add it to gateway.reference.proofs" for name in sorted(there - proved)]
        wrong += [f"{kind} {name} is proved and does not exist" for name in sorted(proved - there)]
    missing = (proofs.SPEC_ENDPOINTS - set(found)) | (proofs.SPEC_EVENTS - set(EVENTS))
    wrong += [f"{name} of the spec is nowhere" for name in sorted(missing)]
    named = {*proofs.ENDPOINTS.values(), *proofs.EVENTS.values(), *(each.proof for each in proofs.SPEC_ERRORS)}
    return wrong + [f"there is no test {name}" for name in sorted(named) if not _exists(root, name)]


def page(found: Mapping[str, str]) -> str:
    """The document, as Markdown."""
    lines = [HEAD, "\n## Endpoints\n\n| | Method | Path | Module | Proved by |\n|---|---|---|---|---|\n"]
    for name, module in found.items():
        method, path = name.split()
        spec = _spec(name in proofs.SPEC_ENDPOINTS)
        lines.append(f"| {spec} | {method} | `{path}` | `{module}` | {_link(proofs.ENDPOINTS[name])} |\n")
    lines.append("\n## Events\n\nOver Socket.IO at `/socket.io` and as WebSocket messages at `/ws`.\n\n")
    lines.append("| | Event | Type | Proved by |\n|---|---|---|---|\n")
    for event, type_ in EVENTS.items():
        spec = _spec(event in proofs.SPEC_EVENTS)
        where = f"{type_.__module__}.{type_.__qualname__}"
        lines.append(f"| {spec} | `{event}` | `{where}` | {_link(proofs.EVENTS[event])} |\n")
    lines.append("\n## Errors of the spec\n\n| Title | Status | Proved by |\n|---|---|---|\n")
    lines += [f"| {each.title} | {each.status} | {_link(each.proof)} |\n" for each in proofs.SPEC_ERRORS]
    return "".join(lines)


def _spec(asked: bool) -> str:
    return "**Spec**" if asked else ""


def _link(proof: str) -> str:
    path, _, test = proof.partition("::")
    return f"[{test.removeprefix('test_').replace('_', ' ')}](../{path})"


def _exists(root: Path, proof: str) -> bool:
    path, _, test = proof.partition("::")
    file = root / path
    if not file.is_file():
        return False
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(node, kinds) and node.name == test for node in ast.parse(file.read_text()).body)


def main() -> None:
    """Write the document that the path names, or check it."""
    path = Path(next((each for each in sys.argv[1:] if not each.startswith("-")), ""))
    if path.name != "api.md":
        sys.exit("name docs/api.md")
    found = endpoints()
    wrong = faults(path.resolve().parent.parent, found)
    if wrong:
        sys.exit("\n".join(wrong))
    text = page(found)
    if "--check" not in sys.argv:
        path.write_text(text)
    elif not path.exists() or path.read_text() != text:
        sys.exit(f"{path} is out of step with the code: run python -m gateway.reference {path}")


if __name__ == "__main__":
    main()
