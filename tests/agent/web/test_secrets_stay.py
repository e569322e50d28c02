"""Canaries: secrets of the settings are in no page, no metric, no answer, no command's output and no mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from agent.cli import app
from config.settings import load
from tests.agent.web.secured import AS_ADA, USERS
from tests.agent.web_client import FakeAgent, ask, post_json, serving
from tests.config import sample
from tests.exporters.sample import INCIDENT

CANARY = "canary-7f3a"


def receivers() -> list[dict[str, Any]]:
    common = {"secret": f"{CANARY}-hmac", "headers": {"Authorization": f"{CANARY}-bearer"}}
    return [
        {"type": "webhook", "name": "hook", "url": "http://receiver", **common},
        {"type": "pagerduty", "name": "pager", "routing_key": f"{CANARY}-pager"},
        {"type": "slack", "name": "bot", "channel": "C1", "token": f"{CANARY}-slack"},
        {"type": "slack", "name": "way", "webhook_url": f"https://hooks.example/{CANARY}"},
        {"type": "apprise", "name": "long", "url": f"json://user:{CANARY}@example"},
        {
            "type": "email",
            "name": "mail",
            "host": "smtp.example",
            "sender": "a@example.org",
            "to": ["b@example.org"],
            "username": "u",
            "password": f"{CANARY}-mail",
        },
    ]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file full of secrets."""
    (tmp_path / "web.yml").write_text(yaml.safe_dump({"basic_auth_users": USERS}))
    data = sample.settings(receivers=receivers(), listen={"web_config": "web.yml", "actors": ["ada"]})
    data["source"]["sasl"] = {"mechanism": "PLAIN", "username": "agent", "password": f"{CANARY}-kafka"}
    path = tmp_path / "wachter.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def holds_a_secret(text: str) -> bool:
    return CANARY in text or any(hashed[-20:] in text for hashed in USERS.values())


@pytest.mark.parametrize("command", [["check"], ["check", "--json"], ["config", "show"], ["config", "show", "--json"]])
def test_no_command_prints_a_secret(file: Path, command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, str(file)])
    assert result.exit_code == 0
    assert not holds_a_secret(result.output)


@pytest.mark.parametrize("broken", ["sasl", "receivers", "listen"])
def test_no_mistake_repeats_a_secret(file: Path, broken: str) -> None:
    data = yaml.safe_load(file.read_text())
    if broken == "sasl":
        data["source"]["sasl"] = {"mechanism": f"{CANARY}", "password": [CANARY], "pasword": CANARY}
    elif broken == "receivers":
        data["receivers"] = [{**one, "timeout_seconds": -1, "unknown": CANARY} for one in receivers()]
    else:
        (file.parent / "web.yml").write_text(f"basic_auth_users: {{ada: {CANARY}, eve: [{CANARY}]}}")
    file.write_text(yaml.safe_dump(data))
    result = CliRunner().invoke(app, ["check", str(file)])
    assert result.exit_code == 1
    assert not holds_a_secret(result.output)


def test_no_answer_of_the_server_holds_a_secret(file: Path) -> None:
    agent = FakeAgent(settings=load(file, {}))
    agent.older[INCIDENT.id] = INCIDENT.record
    paths = ("/", "/metrics", "/models/credit-scoring/credit", "/api/v1/incidents", "/-/ready", "/nope")
    with serving(agent) as server:
        texts = [ask(server, path, headers=headers).text for path in paths for headers in (AS_ADA, {})]
        texts.append(post_json(server, f"/api/v1/incidents/{INCIDENT.id}/ack", {"actor": 7}, **AS_ADA).text)
        texts.append(ask(server, "/-/reload", "POST", headers=AS_ADA).text)
    assert not any(holds_a_secret(text) for text in texts)
