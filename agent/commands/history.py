"""``wachter measurements``: what a live agent found, as ``wachter replay`` writes it."""

from __future__ import annotations

import json
from collections import deque
from typing import Annotated

import typer
from rich.table import Table

from agent.commands.common import SettingsOption, StateOption, open_state
from agent.commands.terminal import Console
from agent.state.store import measurement_lines

AsJsonLines = Annotated[bool, typer.Option("--jsonl", help="One JSON object a line, as in measurements.jsonl.")]
COLUMNS = (
    "window_end",
    "model",
    "version",
    "metric",
    "subject",
    "value",
    "lower",
    "upper",
    "n",
    "verdict",
    "verdict_reason",
)

WIDE = 1_000
"""Lines are as long as they are, and no cell is cut: fitted to a terminal of 80 columns, eleven of them say nothing."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(measurements)


def measurements(
    settings: SettingsOption = None,
    state: StateOption = None,
    jsonl: AsJsonLines = False,
    judged: Annotated[bool, typer.Option("--judged", help="Only those with a verdict.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Without --jsonl: most measurements shown, the last ones.")] = 50,
) -> None:
    """Print the measurements that the agent keeps, by due time."""
    with open_state(settings, state) as connection:
        lines = (line for line in measurement_lines(connection) if not judged or json.loads(line).get("verdict"))
        if jsonl:
            for line in lines:
                typer.echo(line)
            return
        found = deque(lines, maxlen=limit)
    table = Table(*COLUMNS, box=None)
    for record in map(json.loads, found):
        table.add_row(*(_cell(record.get(name)) for name in COLUMNS))
    Console(highlight=False, width=WIDE).print(table)


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
