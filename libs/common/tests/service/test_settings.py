"""Settings from the environment."""

import pytest
from pydantic import Field, SecretStr

from common.errors import MissingSetting
from common.settings import EnvSettings, InvalidSetting


class Settings(EnvSettings):
    database_url: SecretStr = Field(description="set it to postgresql://...")
    workers: int = Field(default=2, ge=1)


def test_a_field_is_read_from_the_variable_of_its_name() -> None:
    settings = Settings.from_env({"CGT_DATABASE_URL": "postgresql://x", "CGT_WORKERS": "3", "CGT_OTHER": "ignored"})
    assert settings.workers == 3
    assert settings.database_url.get_secret_value() == "postgresql://x"


@pytest.mark.parametrize("environ", [{}, {"CGT_DATABASE_URL": ""}])
def test_a_missing_setting_is_named_with_what_would_mend_it(environ: dict[str, str]) -> None:
    with pytest.raises(MissingSetting, match=r"CGT_DATABASE_URL is not set: set it to postgresql"):
        Settings.from_env(environ)


def test_a_bad_setting_is_named_and_its_value_kept_secret() -> None:
    with pytest.raises(InvalidSetting, match="CGT_WORKERS") as error:
        Settings.from_env({"CGT_DATABASE_URL": "x", "CGT_WORKERS": "hunter2"})
    assert "hunter2" not in str(error.value)


def test_settings_cannot_be_changed_and_do_not_print_their_secrets() -> None:
    settings = Settings.from_env({"CGT_DATABASE_URL": "postgresql://u:hunter2@h/d"})
    assert "hunter2" not in repr(settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.workers = 5
