"""The exposition in a real Prometheus, and incidents in a real Alertmanager."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.delivery import outbox
from agent.delivery.outbox import Target
from agent.delivery.sender import Sender, wall_us
from exporters.notice import notice_of
from tests.agent.outbox_stage import new_database
from tests.agent.web_client import FakeAgent, serving
from tests.exporters.sample import INCIDENT, SNAPSHOT
from tests.parts.monitoring import alertmanager, prometheus

pytestmark = pytest.mark.parts
PATIENCE_SECONDS = 90.0


def eventually(condition: Callable[[], Any]) -> Any:
    """The first answer that holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
    return answer


@contextmanager
def listening() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook receiver: its address, and what it was sent."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", bodies
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def telling(database: Path, target: Target) -> Iterator[tuple[sqlite3.Connection, Sender]]:
    connection = sqlite3.connect(database, isolation_level=None)
    sender = Sender(database)
    sender.configure([target])
    try:
        yield connection, sender
    finally:
        sender.close(10.0)
        connection.close()


def test_prometheus_scrapes_the_server_and_answers_queries() -> None:
    agent = FakeAgent()
    with serving(agent) as server, prometheus(f"127.0.0.1:{server.port}") as found:
        ((labels, value),) = eventually(lambda: found.query('wachter_measure_value{metric="js_distance"}'))
        assert (value, labels["subject"], labels["stage"]) == (0.21, "income", "window")
        # each asked until it answers: a scrape that takes over a second takes all series away until the next one
        (target,) = eventually(lambda: [one for one in found.targets() if one["health"] == "up"])
        assert target["lastError"] == ""
        assert eventually(lambda: found.query('wachter_incidents_open{track="health"}'))[0][1] == 1
        warned = eventually(lambda: found.query('wachter_measure_verdict{verdict="warning"} == 1'))
        assert warned[0][0]["subject"] == "income"
        breaching = eventually(lambda: found.query("wachter_measure_effect_lower > wachter_measure_tolerance"))
        assert [labels["subject"] for labels, _ in breaching] == ["income"]
        median = eventually(lambda: found.query("histogram_quantile(0.5, wachter_step_seconds_bucket)"))
        assert median[0][1] == pytest.approx(0.375)


def test_prometheus_learns_types_and_units_from_openmetrics() -> None:
    with serving(FakeAgent()) as server, prometheus(f"127.0.0.1:{server.port}") as found:
        eventually(lambda: found.query("up == 1"))
        metadata = found.metadata()
    assert metadata["wachter_events_received"][0]["type"] == "counter"
    assert metadata["wachter_step_seconds"][0] == {
        "type": "histogram",
        "help": "Duration of one step, from poll to durable state.",
        "unit": "seconds",
    }


def test_a_measure_that_is_gone_leaves_no_series_behind() -> None:
    agent = FakeAgent()
    with serving(agent) as server, prometheus(f"127.0.0.1:{server.port}") as found:
        eventually(lambda: found.query("wachter_provisional_value"))
        agent.snapshot = replace(SNAPSHOT, streams=())
        eventually(lambda: not found.query("wachter_provisional_value"))


def test_an_incident_reaches_alertmanager_and_is_resolved_there(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    with listening() as (hook, told), alertmanager(hook) as found:
        target = Target("am", found.url, standing=True, external_url="http://wachter.example")
        with telling(database, target) as (connection, sender):
            outbox.enqueue(connection, [("fire", notice_of(INCIDENT, wall_us()))], [target], wall_us())
            sender.wake()
            (alert,) = eventually(lambda: found.query("alertname=WachterModelHealth"))
            assert alert["labels"]["incident"] == INCIDENT.id
            assert alert["annotations"]["summary"] == INCIDENT.headline
            assert alert["startsAt"].startswith("2024-10-04T00:00:00")
            eventually(lambda: [body for body in told if body["status"] == "firing"])

            over = notice_of(replace(INCIDENT, state="resolved"), wall_us())
            outbox.enqueue(connection, [("resolve", over)], [target], wall_us())
            sender.wake()
            eventually(lambda: not found.query("alertname=WachterModelHealth"))
            (resolved,) = eventually(lambda: [body for body in told if body["status"] == "resolved"])
    assert resolved["alerts"][0]["labels"] == alert["labels"]


def test_a_second_call_for_an_open_incident_is_notified(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    with listening() as (hook, told), alertmanager(hook) as found:
        target = Target("am", found.url, standing=True)
        with telling(database, target) as (connection, sender):
            outbox.enqueue(connection, [("fire", notice_of(INCIDENT, wall_us()))], [target], wall_us())
            sender.wake()
            eventually(lambda: len(told) == 1)
            again = notice_of(replace(INCIDENT, call=2, headline="bias as well"), wall_us())
            outbox.enqueue(connection, [("call_again", again)], [target], wall_us())
            sender.wake()
            eventually(lambda: len(told) == 2)
    assert told[1]["alerts"][0]["annotations"]["summary"] == "bias as well"


def test_an_alertmanager_that_lost_everything_learns_of_what_still_fires(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    with listening() as (hook, _):
        with alertmanager(hook) as before:
            first = Target("am", before.url, standing=True)
            with telling(database, first) as (connection, sender):
                outbox.enqueue(connection, [("fire", notice_of(INCIDENT, wall_us()))], [first], wall_us())
                sender.wake()
                eventually(lambda: before.query())
        with alertmanager(hook) as after:
            second = replace(first, url=after.url)
            with telling(database, second) as (connection, sender):
                outbox.reconcile(connection, [notice_of(INCIDENT, wall_us())], [second], wall_us())
                sender.wake()
                assert eventually(lambda: after.query())


def test_our_webhook_reads_like_alertmanagers(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    with listening() as (hook, told), alertmanager(hook) as found:
        theirs = Target("am", found.url, standing=True)
        with telling(database, theirs) as (connection, sender):
            outbox.enqueue(connection, [("fire", notice_of(INCIDENT, wall_us()))], [theirs], wall_us())
            sender.wake()
            eventually(lambda: told)
        ours = Target("hook", hook, standing=False)
        with telling(database, ours) as (connection, sender):
            outbox.enqueue(connection, [("fire", notice_of(INCIDENT, wall_us()))], [ours], wall_us())
            sender.wake()
            eventually(lambda: len(told) == 2)
    assert told[0].keys() == told[1].keys()
    assert told[0]["alerts"][0].keys() == told[1]["alerts"][0].keys()
    assert told[0]["commonLabels"] == told[1]["commonLabels"]
    assert told[0]["alerts"][0]["endsAt"] == told[1]["alerts"][0]["endsAt"]
