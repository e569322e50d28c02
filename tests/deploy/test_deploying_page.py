"""docs/deploying.md, run as written: from a topic in a foreign JSON shape to verdicts that Prometheus sees."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from tests.deploy.tools import DEPLOY, ROOT
from tests.parts.kafka import KafkaBroker, free_ports
from tests.parts.monitoring import require

PAGE = ROOT / "docs" / "deploying.md"
TOPIC = "gateway-log"
DAYS = 15
A_DAY = 86_400.0
TEN_MINUTES = 480.0
"""What the machine may use of them, in seconds."""

pytestmark = [pytest.mark.parts, pytest.mark.slow]


def commands() -> str:
    """Everything that the page says to run, in order; how the program is installed is not repeated here."""
    return "\n".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL))


def records(now: float) -> Iterator[tuple[float, dict[str, Any]]]:
    """Fifteen days of predictions and what came true an hour later; in the last three the model guesses."""
    chance = random.Random(7)
    for number in range(DAYS * 1_000):
        at = now - DAYS * A_DAY + number * A_DAY / 1_000
        share = chance.random()
        true_share = share if at < now - 3 * A_DAY else 0.5
        inputs = {"tenure": round(chance.expovariate(1 / 24), 2), "visits": chance.randint(0, 30), "plan": "free"}
        answer = {"label": share > 0.5, "probabilities": [1 - share, share]}
        request = {"id": f"r{number}", "inputs": inputs}
        yield at, {"kind": "predict", "ts": int(at * 1_000), "request": request, "response": answer}
        told = at + 3_600
        churned = chance.random() < true_share
        yield (
            told,
            {"kind": "truth", "ts": int(told * 1_000), "id": f"t{number}", "of": f"r{number}", "churned": churned},
        )


@pytest.fixture
def topic(broker: KafkaBroker) -> str:
    """A topic in the shape that the page shows; its name."""
    name = f"{TOPIC}-{time.time_ns()}"
    broker.create_topic(name, 2)
    now = time.time()
    sent = sorted((one for one in records(now) if one[0] < now), key=lambda one: one[0])
    producer: Any = KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=20)
    for at, record in sent:
        producer.send(name, json.dumps(record).encode(), timestamp_ms=int(at * 1_000))
    producer.flush()
    producer.close()
    return name


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the page's commands touch of the repository, with free ports in place of the usual ones."""
    shutil.copytree(DEPLOY / "prometheus", tmp_path / "deploy" / "prometheus")
    (tmp_path / "first-verdict").mkdir()
    return tmp_path


@pytest.mark.timeout(600)
def test_a_foreign_topic_has_a_verdict_within_ten_minutes(broker: KafkaBroker, topic: str, checkout: Path) -> None:
    require("prometheus", "promtool", "curl", "bash")
    agent, prometheus = map(str, free_ports(2))
    usual = {"9464": agent, "9090": prometheus}
    config = checkout / "deploy" / "prometheus" / "prometheus.yml"
    config.write_text(on_ports(config.read_text(), usual))

    once = "wachter incidents list --settings wachter.yaml\n"  # the first verdict may be of a day long before the drop
    waiting = "until wachter incidents list --settings wachter.yaml | grep --quiet AUC; do sleep 1; done\n" + once
    assert once in commands()
    script = on_ports(commands().replace(once, waiting), usual)
    said = run(script, checkout, {"BROKER": broker.bootstrap, "TOPIC": topic, "PORT": agent})

    assert "ok wachter.yaml" in said
    assert "no path looks like prediction" in said
    assert "ROC AUC of churn/churn/2 fell" in " ".join(said.split())
    assert "SUCCESS" in said


def on_ports(text: str, ports: dict[str, str]) -> str:
    """The text with other ports."""
    for usual, free in ports.items():
        text = text.replace(usual, free)
    return text


def run(script: str, directory: Path, variables: dict[str, str]) -> str:
    """One shell runs all of it; what it leaves running ends with it. Returns what was printed."""
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "WACHTER_LISTEN__PORT": variables["PORT"]}
    said = directory / "said"
    with said.open("w") as out:
        process = subprocess.Popen(
            ["bash", "-eu", "-c", script], cwd=directory, env={**os.environ, **variables, **own},
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        code = process.wait(TEN_MINUTES)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert code == 0, said.read_text() + (directory / "first-verdict" / "agent.log").read_text()[-2_000:]
    return said.read_text()
