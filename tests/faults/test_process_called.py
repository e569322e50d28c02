"""A model breaks in a live agent: PagerDuty and a mailbox hear of it once, step by step, until somebody acknowledges."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.agent.delivery.smtp_sink import smtp_sink
from tests.faults.file_agent import FileAgent
from tests.faults.generator import Story
from tests.faults.receiver import receiving
from tests.faults.report import SEED
from tests.faults.test_process_clock import Clock
from tests.faults.troubled import settings_of, tell

pytestmark = pytest.mark.slow
STORY = Story(seed=SEED, events=1500)
MINUTE = 60


@contextmanager
def pagerduty() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its Events API, on loopback."""
    events: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            events.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v2/enqueue", events
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def waiting(agent: FileAgent, receiver: str) -> int:
    """How many messages a receiver is still to be told, or is not known to have been."""
    ((count,),) = agent.rows(f"SELECT count(*) FROM outbox WHERE receiver = '{receiver}'")
    return int(count)


def test_steps_go_on_after_a_kill_until_somebody_acknowledges(tmp_path: Path) -> None:
    with pagerduty() as (url, events), smtp_sink() as sink, receiving() as boss:
        mail = {"type": "email", "name": "mail", "host": "127.0.0.1", "port": sink.port, "security": "none"}
        receivers = [
            {"type": "pagerduty", "name": "pager", "routing_key": "key", "url": url},
            {**mail, "sender": "w@example.org", "to": "a@example.org"},
            boss.settings(name="boss"),
        ]
        steps = [{"receivers": "pager"}, {"wait": "15m", "receivers": "mail"}, {"wait": "1h", "receivers": "boss"}]
        policies = dict.fromkeys(("critical", "warning", "info"), steps)
        settings = {**settings_of(STORY), "receivers": receivers, "escalation": policies}
        agent = FileAgent(tmp_path, settings, source={"batch_records": 200})
        clock = Clock(agent, tmp_path)
        with agent:
            tell(agent, STORY, 0.0, 0.7)
            agent.until(agent.has_read_all)
            agent.until(lambda: events and waiting(agent, "pager") == 0)
            opened = {event["dedup_key"].split(":")[1] for event in events}
            assert {event["event_action"] for event in events} == {"trigger"}
            assert sink.mails == []
            clock.set(20 * MINUTE)
            agent.kill()
            agent.start()
            agent.until(lambda: len(sink.mails) == len(opened))
            for incident in opened:
                agent.command("incidents", "ack", incident, "--actor", "Ada")
            agent.until(lambda: sum(event["event_action"] == "acknowledge" for event in events) == len(opened))
            clock.set(300 * MINUTE)
            agent.kill()
            agent.start()
            agent.until(agent.ready)
            assert waiting(agent, "boss") == 0
            assert boss.told == []
            assert sum(event["event_action"] == "trigger" for event in events) == len(opened)
