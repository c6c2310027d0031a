"""Makes an admin of somebody who has registered, as an operator does."""

import asyncio
import sys

from common.runtime.stack import Stack


async def make_admin(stack: Stack, email: str) -> None:
    """`python -m gateway admin grant`, beside the running gateway."""
    granting = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "admin", "grant", email), env=stack.settings("gateway")
    )
    assert await granting.wait() == 0
