"""``wachter run``: the agent itself."""

from __future__ import annotations

import gc
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TextIO, cast

import structlog
import typer

from agent.commands.common import fail
from agent.commands.terminal import visible_values
from agent.runner import Agent
from config.errors import WachterError
from config.settings import load

SettingsFile = Annotated[Path, typer.Option("--settings", "-s", help="The settings file, YAML.", show_default=False)]
LogFormat = Annotated[bool, typer.Option("--log-json", help="Write log lines as JSON.")]
Debug = Annotated[bool, typer.Option("--debug", help="Log details too, such as what the Kafka client says.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def run(settings: SettingsFile, log_json: LogFormat = False, debug: Debug = False) -> None:
    """Consume, judge and serve until told to stop (SIGTERM, Ctrl-C). SIGHUP reads the settings again."""
    _set_up_log(log_json, logging.DEBUG if debug else logging.INFO)
    try:
        loaded = load(settings)
        if loaded.source.type != "kafka":
            fail("source.type is not kafka: read files with `wachter replay`.")
        agent = Agent(settings, loaded)
        _keep_for_good()
        agent.run()
    except WachterError as error:
        fail(str(error))
    finally:
        _let_go(sys.stderr)


def _keep_for_good() -> None:
    """What exists now lives as long as the process: no garbage collection needs to look at it again."""
    gc.collect()
    gc.freeze()


def _let_go(stream: TextIO) -> None:
    """What a stream still holds and cannot write would make an end in good order one with exit code 120."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _set_up_log(as_json: bool, level: int) -> None:
    """Log lines on standard error, in UTC."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            visible_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Lenient(sys.stderr))),
    )


class _Lenient:
    """A stream whose lines are lost where they cannot be written: a full disk under the log must not end the agent."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()
