"""``python -m deploy.demo``: a quarter of flights through a real agent, in about a minute; ``make demo`` runs it."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from deploy.demo import agent, broker, events, model, producer, prometheus, truth
from deploy.demo.data import write_reference
from deploy.demo.show import Show


def main() -> int:
    arguments = parse()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(highlight=False)
    try:
        with ExitStack() as stack:
            play(stack, console, arguments)
    except KeyboardInterrupt:
        console.print("\nEnded: agent, broker and Prometheus are stopped.")
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path("demo-data"), help="directory for everything the demo writes")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long October to December shall take")
    parser.add_argument("--once", action="store_true", help="end when the year is over, instead of at Ctrl-C")
    return parser.parse_args()


def play(stack: ExitStack, console: Console, arguments: argparse.Namespace) -> None:
    """Prepare, start every part, send the year, then keep showing it."""
    directory: Path = arguments.dir
    shutil.rmtree(directory / "wachter-state", ignore_errors=True)
    with console.status("fitting the model on January to July 2013"):
        year = model.run()
        reference = write_reference(year, directory)
    with console.status("building the reference from August and September, which the model has not seen"):
        agent.build_reference(directory, reference)

    topic = f"wachter-demo-{int(time.time())}"
    address = stack.enter_context(broker.running(directory))
    broker.create_topic(address, topic)
    pages = stack.enter_context(agent.running(directory, address, topic))
    metrics = stack.enter_context(prometheus.running(directory, pages))

    show = Show(console, year, pages)
    show.places(directory, address, metrics)
    with show.progress():
        speed = (model.MONDAY["end"] - model.MONDAY["live"]).total_seconds() / arguments.seconds
        producer.send(address, topic, producer.paced(events.stream(year.live), speed), show.sent)
        show.wait_until_read()
    console.print(truth.report(year))
    show.conclusion()
    if not arguments.once:
        show.watch_until_interrupted()


if __name__ == "__main__":
    sys.exit(main())
