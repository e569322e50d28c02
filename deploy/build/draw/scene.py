"""A live agent over the demo's flights, with everything that a dashboard can show.

What the demo leaves out is added: a protected attribute (the airport), how long the model took and whether it failed, a
second version, a second system, receivers of which one is down, and a few records that are unreadable, repeated or late.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import msgspec
import yaml

from deploy.build.draw.server import Quiet, serving
from deploy.demo import agent, broker, events, model, producer
from deploy.demo.data import write_reference
from deploy.demo.events import Message

TOPIC = "flights"
SECOND_SYSTEM = "flight-planning"
NEW_VERSION = "1.1"
NEW_VERSION_FROM_US = 1_384_732_800_000_000  # Monday, 18 November 2013
AIRPORTS = ["EWR", "JFK", "LGA"]
PICKED = {"system": events.SYSTEM, "version": "1.0", "of_groups": "group_selection_rate"}
"""Values of variables that take one value."""
GROUP_MEASURES = ["group_selection_rate", "group_true_positive_rate", "group_accuracy"]


@dataclass(frozen=True, slots=True)
class Scene:
    """A running agent.

    Attributes:
        address: of its pages.
        messages: the flights, not sent yet.
    """

    address: str
    broker: str
    messages: tuple[Message, ...]

    def send(self, seconds: float) -> None:
        """Send three months of flights within so many seconds."""
        span = (model.MONDAY["end"] - model.MONDAY["live"]).total_seconds()
        producer.send(self.broker, TOPIC, producer.paced(self.messages, span / seconds), lambda at_us, sent: None)


@contextmanager
def scene(directory: Path) -> Iterator[Scene]:
    """Fit, build the reference, start broker and agent; they end with the block."""
    year = model.run()
    references = write_reference(year, directory)
    references.write_bytes(b"\n".join(told(message) for message in events.stream(year.reference)) + b"\n")
    with serving(Taking) as taken:
        _write_settings(directory / "wachter.yaml", taken)
        agent.build_reference(directory, references)
        _add_system(directory / "wachter.yaml")
        messages = tuple(troubled(events.stream(year.live)))
        with broker.running(directory) as address:
            broker.create_topic(address, TOPIC)
            with agent.running(directory, address, TOPIC, wanted_port=0) as pages:
                yield Scene(pages, address, messages)


def told(message: Message, system: str = events.SYSTEM, version: str = "1.0") -> bytes:
    """A message with what the demo leaves out."""
    event = msgspec.json.decode(message.value)
    suffix = "" if system == events.SYSTEM else "-plan"
    event |= {"system_id": system, "event_id": event["event_id"] + suffix}
    if event["event_type"] == "label":
        return msgspec.json.encode(event | {"ref_event_id": event["ref_event_id"] + suffix})
    number = sum(event["event_id"].encode()) % 100
    event["model"] = {**event["model"], "version": version}
    event["protected"] = {"airport": event["features"]["origin"]}
    event["latency_ms"] = 8 + number * number / 500
    event["status"] = "error" if number == 0 else "ok"
    return msgspec.json.encode(event)


def troubled(messages: Iterator[Message]) -> Iterator[Message]:
    """All messages, some with company: copies for the second system, unreadable, repeated and late records."""
    first = None
    for number, message in enumerate(messages):
        first = first or message
        changed = message.at_us >= NEW_VERSION_FROM_US and sum(message.key) % 4 == 0
        value = told(message, version=NEW_VERSION if changed else "1.0")
        yield message._replace(value=value)
        if sum(message.key) % 5 == 0:
            yield message._replace(value=told(message, SECOND_SYSTEM))
        if number % 400 == 0:
            yield message._replace(value=b'{"schema_version": "1"')
        if number % 300 == 0:
            yield message._replace(value=value)
        if number % 900 == 899:
            late = {**msgspec.json.decode(told(first)), "event_id": f"late-{number}"}
            yield message._replace(value=msgspec.json.encode(late))


class Taking(Quiet, BaseHTTPRequestHandler):
    """A receiver that takes everything."""

    def do_POST(self) -> None:
        """Take it."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()


def _write_settings(path: Path, taken: str) -> None:
    settings: dict[str, Any] = yaml.safe_load(path.read_text())
    (system,) = settings["systems"]
    (watched,) = system["models"]
    watched["protected"] = {"airport": AIRPORTS}
    system["supplier"] = "in house"
    settings["exposition"] = {"measures": GROUP_MEASURES, "protected_labels": ["airport"]}
    down = f"http://127.0.0.1:{broker.free_port()}/"
    settings["receivers"] = [
        {"type": "webhook", "name": "chat", "url": taken},
        {"type": "webhook", "name": "on-call", "url": down},
    ]
    path.write_text(yaml.safe_dump(settings, sort_keys=False))


def _add_system(path: Path) -> None:
    """Only now: a reference is built for one model, and both systems compare with the same one."""
    settings: dict[str, Any] = yaml.safe_load(path.read_text())
    (system,) = settings["systems"]
    second = {**system, "id": SECOND_SYSTEM, "owner": "network planning", "risk_class": "limited"}
    path.write_text(yaml.safe_dump({**settings, "systems": [system, second]}, sort_keys=False))
