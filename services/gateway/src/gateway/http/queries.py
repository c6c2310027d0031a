"""Query parameters nobody knows are refused: a misspelt `credentialId` must not mean the default account."""

from fastapi import Request

from gateway.trading.refusals import invalid


async def known_query(request: Request) -> None:
    """The dependency of every route. Raises Refused."""
    paths = request.app.openapi()["paths"]
    operation = paths.get(request.scope["route"].path_format, {}).get(request.method.lower())
    if operation is None:  # The documents themselves are not in the document.
        return
    known = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
    for name in request.query_params:
        if name not in known:
            fix = f"Use {', '.join(known)}." if known else "Leave it out."
            rule = "The API knows no query parameter of this name here."
            raise invalid(name[:100], rule, fix, code="UNKNOWN_FIELD")
