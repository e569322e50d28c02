"""The demo's side that runs where the agent does not: ``python -m deploy.demo.feed prepare|send``.

prepare    fit the model, write the settings and the reference into DIR, create the topic
send       send the last quarter of the year, faster than it happened
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kafka.admin import KafkaAdminClient

from deploy.demo import agent, broker, events, model, producer
from deploy.demo.data import write_reference

TOPIC = "wachter-demo"


def main() -> None:
    arguments = parse()
    if arguments.what == "prepare":
        prepare(arguments.broker, arguments.topic, arguments.dir)
    else:
        send(arguments.broker, arguments.topic, arguments.seconds)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.demo.feed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["prepare", "send"])
    parser.add_argument("--broker", default="127.0.0.1:9092", help="HOST:PORT of Kafka")
    parser.add_argument("--topic", default=TOPIC)
    parser.add_argument("--dir", type=Path, default=Path(), help="where settings and reference go")
    parser.add_argument("--seconds", type=float, default=300.0, help="how long October to December shall take")
    return parser.parse_args()


def prepare(address: str, topic: str, directory: Path) -> None:
    """Everything that the agent needs before it starts; done twice it changes nothing."""
    agent.build_reference(directory, write_reference(model.run(), directory))
    if topic not in topics(address):
        broker.create_topic(address, topic)
    print(f"{directory}: settings and reference of the demo; {address}: topic {topic}", flush=True)


def send(address: str, topic: str, seconds: float) -> None:
    """The quarter, at an even pace."""
    year = model.run()
    speed = (model.MONDAY["end"] - model.MONDAY["live"]).total_seconds() / seconds
    producer.send(address, topic, producer.paced(events.stream(year.live), speed), lambda at_us, sent: None)
    print(f"{address}: everything sent to {topic}", flush=True)


def topics(address: str) -> list[str]:
    """The topics of a broker that answers."""
    broker.wait_until_it_listens(address)
    admin: Any = KafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5_000)
    try:
        return list(admin.list_topics())
    finally:
        admin.close()


if __name__ == "__main__":
    main()
