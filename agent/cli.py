"""The command line: ``wachter``."""

from __future__ import annotations

import typer

from agent.commands import history, incidents, log, notify, reference, rejects, replay, report, run, settings

app = typer.Typer(
    name="wachter",
    help="Watches AI models in production: from events in Kafka to incidents and Prometheus.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for topic in (run, settings, reference, replay, history, incidents, notify, report, rejects, log):
    topic.register(app)


def main() -> None:
    """Run the command line."""
    app()
