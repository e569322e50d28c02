"""What the commands of the log share: where the log is, its keys, and how leaves and times are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from agent.commands.common import USAGE, fail
from agent.commands.terminal import Console
from agent.evidence.begin import log_directory
from config.errors import EvidenceError, SettingsError
from config.settings import Settings, load
from exporters.evidence.note import Verifier
from exporters.evidence.reader import LogReader, trusted_keys

LogArgument = Annotated[
    Path | None, typer.Argument(metavar="[LOG]", help="The directory of the log, or of an export.", show_default=False)
]
SettingsOption = Annotated[
    Path | None, typer.Option("--settings", "-s", help="The settings file, which says where the log is.")
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", help="Public key of the log, or a file of such keys, held elsewhere; else LOG/log.vkey."),
]


def open_log(directory: Path | None, settings: Path | None) -> LogReader:
    """The log that the arguments name; the command ends where there is none."""
    if directory is None and settings is None:
        fail("name the directory of the log, or give --settings FILE.", USAGE)
    try:
        return LogReader(directory if directory is not None else log_directory(load_settings(settings)))
    except (EvidenceError, OSError) as error:
        unreadable(error)


def load_settings(path: Path | None) -> Settings:
    """The settings; the command ends where they cannot be used."""
    assert path is not None
    try:
        return load(path)
    except SettingsError as error:
        fail(f"the settings cannot be used:\n{error}", USAGE)


def keys_of(reader: LogReader, given: str | None) -> tuple[Verifier, ...]:
    """The public keys to verify with; the command ends where they cannot be read."""
    try:
        return trusted_keys(reader.directory, given)
    except (EvidenceError, OSError) as error:
        unreadable(error)


def unreadable(error: Exception) -> NoReturn:
    """End the command: what was asked for cannot be read."""
    fail(str(error), USAGE)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error; the result is told what is done, and of how much."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show


def console() -> Console:
    """Standard output, for people."""
    return Console(highlight=False, soft_wrap=True)


def as_record(shard: str, index: int, entry: bytes) -> dict[str, Any]:
    """An entry for programs: where it stands, and its leaf as it is."""
    try:
        leaf = msgspec.json.decode(entry)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        leaf = None
    return {"shard": shard, "entry": index, "leaf": leaf}
