"""docker-compose.yml starts what the table of services starts, with secrets that come from outside."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.runtime.kafka import KAFKA_VERSION
from common.runtime.services import SERVICES, Service

_OURS = pytest.mark.parametrize("service", SERVICES, ids=[service.name for service in SERVICES])


@pytest.fixture(scope="module")
def composed(root: Path) -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = yaml.safe_load((root / "docker-compose.yml").read_text())["services"]
    return services


@_OURS
def test_a_container_runs_the_command_of_the_table(composed: dict[str, Any], service: Service) -> None:
    assert tuple(composed[service.name]["command"]) == service.command


@_OURS
def test_a_container_listens_and_is_asked_for_its_health_as_the_table_says(
    composed: dict[str, Any], service: Service
) -> None:
    container = composed[service.name]
    for listener in service.listeners:
        assert container["environment"][listener.setting] == str(listener.default)
    assert f":{service.listeners[0].default}{service.health_path}" in container["healthcheck"]["test"][-1]


@_OURS
def test_a_container_that_no_position_waits_for_steps_back(composed: dict[str, Any], service: Service) -> None:
    assert ("cpu_shares" in composed[service.name]) == bool(service.niceness)


@_OURS
def test_a_container_is_given_its_own_secrets_only(composed: dict[str, Any], service: Service) -> None:
    given = composed[service.name]["environment"]
    known = {name for each in SERVICES for name in each.own_secrets}
    assert known & set(given) == set(service.own_secrets)
    callers = re.findall(r'"([a-z-]+)": ', given.get("CGT_SERVICE_KEYS", ""))
    assert tuple(callers) == service.callers


def test_the_migration_step_covers_every_service_that_migrates(composed: dict[str, Any]) -> None:
    (script,) = composed["migrate"]["command"]
    expected = [" ".join(("python", *service.migrate_command)) for service in SERVICES if service.migrates]
    assert script.split(" && ") == expected


def test_services_that_migrate_wait_for_the_migration_step(composed: dict[str, Any]) -> None:
    for service in SERVICES:
        if service.migrates:
            condition = composed[service.name]["depends_on"]["migrate"]["condition"]
            assert condition == "service_completed_successfully"


def test_no_secret_has_a_default(root: Path) -> None:
    text = (root / "docker-compose.yml").read_text()
    secret = re.findall(r"\$\{(CGT_(?:KEY_\w+|\w*PASSWORD|\w*SECRET|\w*MASTER_KEYS))([^}]*)\}", text)
    assert secret
    assert [name for name, rule in secret if not rule.startswith(":?")] == []


def test_it_runs_the_apache_kafka_that_the_tests_run(composed: dict[str, Any]) -> None:
    assert composed["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_the_image_runs_as_an_unprivileged_user_and_takes_dependencies_by_hash(root: Path) -> None:
    dockerfile = (root / "Dockerfile").read_text()
    assert re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE)[-1] == "10001:10001"
    assert "--constraint requirements.lock --build-constraint requirements.lock" in dockerfile
    installed = set(re.findall(r"\./services/([a-z-]+)", dockerfile))
    assert installed == {service.name for service in SERVICES}
