"""The environment, read once at start into frozen models; a bad setting stops the start and says what would mend it."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from common.errors import CgtError, MissingSetting

_DEFAULT_FIX = "see the table of settings in the service's README"


class InvalidSetting(CgtError):
    """A setting that breaks its rule; the value is not repeated, because it may be a secret."""

    def __init__(self, name: str, rule: str) -> None:
        super().__init__(f"{name} is not valid: {rule}")
        self.name = name
        self.rule = rule


class EnvSettings(BaseModel):
    """A frozen model whose field `kafka_bootstrap` is the variable `CGT_KAFKA_BOOTSTRAP`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    env_prefix: ClassVar[str] = "CGT_"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the variables this model names; an empty one counts as absent.

        Raises MissingSetting or InvalidSetting, naming the variable.
        """
        values: dict[str, Any] = {}
        for field in cls.model_fields:
            value = environ.get(cls.variable(field), "")
            if value:
                values[field] = value
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise cls._typed(error) from None

    @classmethod
    def variable(cls, field: str) -> str:
        """The environment variable of a field."""
        return cls.env_prefix + field.upper()

    @classmethod
    def _typed(cls, error: ValidationError) -> CgtError:
        first = error.errors(include_input=False, include_url=False)[0]
        name = cls.variable(str(first["loc"][0])) if first["loc"] else cls.__name__
        if first["type"] == "missing":
            return MissingSetting(name, cls._fix(str(first["loc"][0])))
        return InvalidSetting(name, first["msg"])

    @classmethod
    def _fix(cls, field: str) -> str:
        return cls.model_fields[field].description or _DEFAULT_FIX
