"""The compose file, as Docker Compose itself reads it, and what it mounts."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import settings
from tests.deploy.test_container import stages
from tests.deploy.tools import DEPLOY, tool
from tests.parts.fixtures import require_kafka
from tests.parts.kafka import KafkaBroker
from tests.parts.monitoring import require

FILE = DEPLOY / "compose" / "compose.yaml"
ONE_SHOT = {"prepare", "producer"}

pytestmark = pytest.mark.parts


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    """Everything that Docker Compose makes of the file: anchors merged, paths absolute."""
    command = [tool("docker-compose"), "--file", str(FILE), "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def services(composed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By name."""
    found: dict[str, dict[str, Any]] = composed["services"]
    return found


def test_everything_that_is_mounted_is_in_the_repository(composed: dict[str, Any]) -> None:
    mounts = [mount for service in services(composed).values() for mount in service["volumes"]]
    missing = [mount["source"] for mount in mounts if mount["type"] == "bind" and not Path(mount["source"]).exists()]
    assert missing == []


def test_what_is_mounted_from_the_repository_cannot_be_changed(composed: dict[str, Any]) -> None:
    mounts = [mount for service in services(composed).values() for mount in service["volumes"]]
    assert all(mount.get("read_only") for mount in mounts if mount["type"] == "bind")


def test_nothing_is_published_beyond_this_machine(composed: dict[str, Any]) -> None:
    ports = [port for service in services(composed).values() for port in service.get("ports", ())]
    assert ports
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_every_service_is_bounded_and_without_rights(composed: dict[str, Any]) -> None:
    for name, service in services(composed).items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["mem_limit"]) > 0, name
        assert service["pids_limit"] > 0, name
        assert not service.get("privileged"), name


def test_images_are_of_a_stated_version(composed: dict[str, Any]) -> None:
    for service in services(composed).values():
        assert service["image"].partition(":")[2] not in ("", "latest")


def test_images_of_ours_are_targets_of_the_container_file(composed: dict[str, Any]) -> None:
    built = {name: service["build"]["target"] for name, service in services(composed).items() if "build" in service}
    assert built == {"wachter": "slim", "prepare": "demo", "producer": "demo"}
    assert set(built.values()) <= set(stages())


def test_what_runs_on_is_started_again_and_what_ends_is_not(composed: dict[str, Any]) -> None:
    for name, service in services(composed).items():
        assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")


def test_the_settings_of_the_demo_hold_in_the_environment_of_the_service(
    composed: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copy(DEPLOY / "demo" / "wachter.yaml", tmp_path)
    (tmp_path / "reference.wachter").touch()
    loaded = settings.load(tmp_path / "wachter.yaml", services(composed)["wachter"]["environment"])
    assert loaded.listen.host == "0.0.0.0"
    assert [receiver.name for receiver in loaded.receivers] == ["alertmanager"]


def test_prometheus_takes_its_configuration_and_every_rule(tmp_path: Path) -> None:
    (promtool,) = require("promtool")
    shutil.copy(FILE.with_name("prometheus.yml"), tmp_path)
    shutil.copytree(DEPLOY / "prometheus" / "rules", tmp_path / "rules")
    done = subprocess.run(
        [promtool, "check", "config", tmp_path / "prometheus.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_scrapes_and_calls_what_the_file_starts(composed: dict[str, Any]) -> None:
    config = yaml.safe_load(FILE.with_name("prometheus.yml").read_text())
    named = [*config["scrape_configs"], *config["alerting"]["alertmanagers"]]
    hosts = {
        target.partition(":")[0] for one in named for found in one["static_configs"] for target in found["targets"]
    }
    assert hosts == {"wachter", "alertmanager"}
    assert hosts <= set(services(composed))


def test_a_model_does_not_page_twice() -> None:
    config = yaml.safe_load(FILE.with_name("prometheus.yml").read_text())
    assert "rules/wachter-incidents.yml" not in config["rule_files"]


def test_grafana_finds_its_dashboards_and_its_data(composed: dict[str, Any]) -> None:
    grafana = services(composed)["grafana"]
    mounted = {mount["target"]: Path(mount["source"]) for mount in grafana["volumes"]}
    provisioned = mounted["/etc/grafana/provisioning"]
    (provider,) = yaml.safe_load((provisioned / "dashboards" / "wachter.yml").read_text())["providers"]
    assert list(mounted[provider["options"]["path"]].glob("*.json"))
    assert "${PROMETHEUS_URL}" in (provisioned / "datasources" / "prometheus.yml").read_text()
    assert grafana["environment"]["PROMETHEUS_URL"] == "http://prometheus:9090"


@pytest.mark.slow
def test_apache_kafka_starts_with_what_its_container_is_told(composed: dict[str, Any]) -> None:
    require_kafka()
    broker = KafkaBroker()
    ports = {
        "9092": broker.bootstrap.rpartition(":")[2],
        "9093": broker.get("controller.quorum.voters")[-5:].lstrip(":"),
    }
    for name, value in services(composed)["kafka"]["environment"].items():
        if name.startswith("KAFKA_") and name not in ("KAFKA_HEAP_OPTS", "KAFKA_LOG_DIRS"):
            broker.set(name.removeprefix("KAFKA_").lower().replace("_", "."), here(value, ports))
    with broker:
        broker.create_topic("anything", 1)


def here(value: str, ports: dict[str, str]) -> str:
    """A setting of the container with addresses of this machine."""
    for inside, outside in ports.items():
        value = value.replace(f"kafka:{inside}", f"127.0.0.1:{outside}").replace(
            f"://:{inside}", f"://127.0.0.1:{outside}"
        )
    return value
