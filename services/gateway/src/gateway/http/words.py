"""Words that are kept: what PostgreSQL cannot store, or nobody can read, is refused by name before it gets there."""

from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, Field


def plain_text(value: str) -> str:
    """The text, if it has no control characters. Raises ValueError."""
    if not all(character.isprintable() for character in value):
        raise ValueError("the text has no control characters")
    return value


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(plain_text)]
Label = Annotated[str, Field(max_length=100), AfterValidator(plain_text)]
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["8a1e3f52-0c57-4d3b-9d7e-1f0f7c2b8a11"])]
