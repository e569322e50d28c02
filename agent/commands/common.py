"""What several commands share: options, the state of an agent seen from outside, and how a command fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from agent.commands.terminal import Console
from agent.state.beside import open_beside
from agent.state.store import DATABASE
from config.errors import SettingsError
from config.settings import load

SettingsOption = Annotated[
    Path | None, typer.Option("--settings", "-s", help="The settings file; names the state directory.")
]
StateOption = Annotated[Path | None, typer.Option("--state", help="The state directory itself.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: plain, stable, for programs.")]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

USAGE = 2
"""Exit code of a command that was not called as it can be."""


def fail(message: str, code: int = 1) -> NoReturn:
    """End the command with a message on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]not done[/red] {escape(message)}")
    raise typer.Exit(code)


def time_text(microseconds: int) -> str:
    """A time as ISO 8601; what is no date as its number."""
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return str(microseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def database_of(settings: Path | None, state: Path | None) -> Path:
    """The database of the agent that the options name; the command ends where there is none."""
    if state is not None:
        directory = state
    elif settings is not None:
        directory = _state_directory(settings)
    else:
        fail("give --settings FILE or --state DIRECTORY.", USAGE)
    if not (directory / DATABASE).is_file():
        fail(f"there is no state in {directory}. Has the agent run with these settings?")
    return directory / DATABASE


def _state_directory(settings: Path) -> Path:
    try:
        return load(settings).state.directory
    except SettingsError as error:
        fail(f"the settings cannot be used:\n{error}")


@contextmanager
def open_state(settings: Path | None, state: Path | None) -> Iterator[sqlite3.Connection]:
    """The database, read only; an agent that runs is not disturbed."""
    database = database_of(settings, state)
    with closing(open_beside(database, "ro")) as connection:
        try:
            yield connection
        except sqlite3.Error as error:
            fail(f"{database} cannot be read: {error}.")
