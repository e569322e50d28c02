"""``wachter log``: look at the event log, verify it, prove what stands in it, hand it to others, and forget persons in it.

All of it works while no agent runs; what changes the log is done by the agent where one does.
"""

from __future__ import annotations

import typer

from agent.commands.log import erase, export, keep, prove, rotate_key, rows, show, tail, verify


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Look at the event log, verify it, and prove what stands in it.", no_args_is_help=True)
    for topic in (verify, tail, show, prove, export, rows, erase, keep, rotate_key):
        topic.register(group)
    app.add_typer(group, name="log")
