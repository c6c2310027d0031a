"""One Kafka node is described once, for the Java process and for the container."""

import pytest

from common.runtime.kafka import KafkaUnavailable, container_environment, kafka, node_properties


def test_a_node_is_advertised_where_its_clients_are_even_when_it_listens_on_every_address() -> None:
    properties = node_properties(9092, 9093, listen="0.0.0.0")
    assert properties["listeners"] == "PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093"
    assert properties["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:9093"


def test_a_container_is_told_the_same_in_the_names_of_its_image() -> None:
    told = container_environment(node_properties(9092, 9093))
    assert told["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert told["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


async def test_a_machine_with_neither_java_nor_docker_is_told_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("kafka")
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(KafkaUnavailable, match=r"Java 17\+ with Maven"):
        async with kafka(folder / "data", log=folder / "log"):
            pass
