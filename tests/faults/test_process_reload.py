"""The settings are read again a hundred times under load, good, broken and half written: the last good ones stay."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Note
from tests.faults.file_agent import FileAgent
from tests.faults.generator import Story
from tests.faults.oracle import expected
from tests.faults.receiver import Raw, receiving
from tests.faults.report import SEED, scaled
from tests.faults.troubled import agent_of, is_told, oracle_holds, settings_of, tell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
RELOADS = scaled(100, 1000)
SUCCESSFUL = "wachter_config_last_reload_successful"


def good(text: str, number: int) -> str:
    """Another tolerance, which is judged by and not counted by."""
    whole: dict[str, Any] = json.loads(text)
    whole["systems"][0]["models"][0]["thresholds"]["missing_share"] = {"tolerance": 0.5 + number / 10_000}
    return json.dumps(whole)


BAD: list[Callable[[str, int], str]] = [
    lambda text, number: text[: len(text) * (number % 7) // 7],
    lambda text, number: text.replace('"systems"', '"sistems"'),
    lambda text, number: json.dumps({**json.loads(text), "limits": {"max_streams": 5}}),
    lambda text, number: "\x00\ufffd: [",
]
"""Half written, misspelt, needing a restart, no YAML at all."""


def is_taken(agent: FileAgent, successful: bool) -> Callable[[], bool]:
    return lambda: agent.metric(SUCCESSFUL) == float(successful)


def test_a_hundred_reloads_under_load_lose_nothing(tmp_path: Path, note: Note) -> None:
    story = Story(seed=SEED, events=200 * RELOADS)
    with receiving() as receiver, agent_of(tmp_path, story, receiver) as agent:
        first = agent.settings.read_text()
        agent.until(agent.ready)
        for number in range(RELOADS):
            tell(agent, story, number / RELOADS, (number + 1) / RELOADS)
            change = good if number % 2 else BAD[number // 2 % len(BAD)]
            agent.settings.write_text(change(first, number))
            os.kill(agent.pid, signal.SIGHUP)
            if number % 10 == 9:
                agent.until(is_taken(agent, change is good))
        agent.settings.write_text(BAD[1](first, 0))
        assert agent.post("/-/reload").status == 422
        agent.until(is_taken(agent, False))
        agent.until(lambda: is_told(agent, story) and receiver.told, 300)
        oracle_holds(agent, story, expected(story))
        assert agent.stop() == 0
        note(reloads=RELOADS, taken=agent.output.count("reloaded"))
    assert receiver.duplicates() == 0
    assert "Traceback" not in agent.output


def test_a_receivers_new_secret_is_used_after_a_reload_and_no_secret_is_printed(tmp_path: Path) -> None:
    story, secret = Story(seed=SEED, events=600), tmp_path / "secret"
    secret.write_text("the first secret\n")
    with receiving() as receiver:
        settings = settings_of(story, receivers=())
        told = {"receivers": [receiver.settings(secret_file=str(secret))]}
        with FileAgent(tmp_path, {**settings, **told}) as agent:
            tell(agent, story, 0.0, 0.6)
            agent.until(lambda: receiver.raw)
            secret.write_text("the second secret\n")
            assert agent.post("/-/reload").status == 200
            (incident,) = {told.incident for told in receiver.told}
            answer = agent.post(f"/api/v1/incidents/{incident}/resolve", {"actor": "ada", "comment": "known"})
            assert answer.status == 200
            agent.until(lambda: len(receiver.raw) == 2)
            shown = [agent.get(path).text for path in ("/", "/metrics", "/api/v1/incidents")]
            assert agent.stop() == 0
    assert [is_signed(raw, b"the first secret") for raw in receiver.raw] == [True, False]
    assert [is_signed(raw, b"the second secret") for raw in receiver.raw] == [False, True]
    assert not any("secret\n" in text or "first secret" in text or "second secret" in text for text in shown)
    assert "first secret" not in agent.output
    assert "second secret" not in agent.output


def is_signed(raw: Raw, secret: bytes) -> bool:
    """As the documentation tells receivers to check."""
    seconds, given = (part.partition("=")[2] for part in raw.headers["X-Wachter-Signature"].split(","))
    wanted = hmac.new(secret, f"{seconds}.".encode() + raw.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, given)
