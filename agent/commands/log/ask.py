"""Asking for the log's upkeep: of the agent that runs, or of the command itself where none does."""

from __future__ import annotations

import getpass
import sqlite3
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from agent.clock import WallClock
from agent.commands.common import USAGE, database_of, fail
from agent.commands.log.common import load_settings, progress
from agent.evidence.alone import opened_alone
from agent.evidence.upkeep import Upkeep
from agent.state import requests
from agent.state.requests import REFUSED, Answer, Body, RequestKind
from agent.state.store import Store
from config.errors import StateLocked, WachterError
from config.settings import Settings

WAIT_SECONDS = 600.0

NeededSettings = Annotated[
    Path, typer.Option("--settings", "-s", help="The settings file of the agent.", show_default=False)
]
Actor = Annotated[
    str | None, typer.Option("--by", help="Who asks for it; stands in the log. Without it, the user of this machine.")
]


def actor_of(given: str | None) -> str:
    """Who asks."""
    return given or getpass.getuser()


def settings_with_log(path: Path) -> Settings:
    """The settings; the command ends where they cannot be used, keep no log, or where there is no state yet."""
    settings = load_settings(path)
    if not settings.log.enabled:
        fail("these settings keep no log: log.enabled is false.", USAGE)
    database_of(None, settings.state.directory)
    return settings


def ask(settings: Settings, kind: RequestKind, actor: str, body: Body, what: str) -> Body:
    """Have something done, now, and return what came of it; the command ends where it was refused or cannot be done.

    Args:
        what: for the progress bar.
    """
    try:
        answer = _done(settings, kind, actor, body, what)
    except (WachterError, OSError, sqlite3.Error) as error:
        fail(str(error))
    if answer is None:
        fail("the agent has not answered yet. What was asked for is kept, and will be done")
    if answer.outcome == REFUSED:
        fail(str(answer.body["detail"]))
    return answer.body


def _done(settings: Settings, kind: RequestKind, actor: str, body: Body, what: str) -> Answer | None:
    try:
        store = Store(settings.state.directory)
    except StateLocked:
        with progress(f"{what}: the agent does it"):
            database = database_of(None, settings.state.directory)
            return requests.submit(database, kind, actor, body, wait_seconds=WAIT_SECONDS)
    with store:
        return _done_here(settings, store, kind, actor, body, what)


def _done_here(settings: Settings, store: Store, kind: RequestKind, actor: str, body: Body, what: str) -> Answer | None:
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    clock = WallClock()
    with opened_alone(settings, store, clock) as alone, progress(what) as show:
        with store.transaction() as connection:
            number = requests.request(connection, kind, actor, body, clock.now_us())
        Upkeep(alone, store, settings.log.retention_us, clock, show).answer()
        return requests.answer_of(store.connection, number)
