"""``wachter log``: look at the event log, verify it, prove what stands in it, and hand it to others. All of it offline."""

from __future__ import annotations

import typer

from agent.commands.log import export, prove, show, tail, verify


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Look at the event log, verify it, and prove what stands in it.", no_args_is_help=True)
    for topic in (verify, tail, show, prove, export):
        topic.register(group)
    app.add_typer(group, name="log")
