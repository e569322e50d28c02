"""``wachter log rotate-key``: exchange the key that signs checkpoints."""

from __future__ import annotations

import json
import sqlite3
import sys

import structlog
import typer
from rich.markup import escape

from agent.clock import WallClock
from agent.commands.common import AsJson, fail
from agent.commands.log.ask import Actor, NeededSettings, actor_of, settings_with_log
from agent.commands.log.common import console
from agent.evidence.rotating import Rotated, rotate
from agent.state.store import Store
from config.errors import StateLocked, WachterError
from config.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(rotate_key)


def rotate_key(settings: NeededSettings, by: Actor = None, as_json: AsJson = False) -> None:
    """Exchange the signing key for a new one, while no agent runs. Both sign the checkpoint that covers the exchange."""
    rotated = _rotated(settings_with_log(settings), actor_of(by))
    shard, size, _ = rotated.head
    if as_json:
        typer.echo(json.dumps({"old": str(rotated.old), "new": str(rotated.new), "shard": shard, "size": size}))
        return
    out = console()
    out.print(f"[green]exchanged[/green]; both keys have signed the checkpoint over {size} entries of {shard}")
    out.print(f"old {escape(str(rotated.old))}")
    out.print(f"new {escape(str(rotated.new))}")
    out.print("Keep the new line elsewhere too; the old one still verifies what it signed, and leads to the new one.")


def _rotated(settings: Settings, actor: str) -> Rotated:
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    try:
        with Store(settings.state.directory) as store:
            return rotate(settings, store, WallClock(), actor)
    except StateLocked as error:
        fail(f"{error}. The key of an agent that runs is not exchanged: stop it first")
    except (WachterError, OSError, sqlite3.Error) as error:
        fail(str(error))
