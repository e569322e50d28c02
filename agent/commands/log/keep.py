"""``wachter log hold``, ``release`` and ``prune``: how long months of the log are kept."""

from __future__ import annotations

import json
from typing import Annotated, cast

import typer
from rich.markup import escape

from agent.clock import WallClock
from agent.commands.common import USAGE, AsJson, fail
from agent.commands.log.ask import Actor, NeededSettings, actor_of, ask, settings_with_log
from agent.commands.log.common import console, unreadable
from agent.evidence.begin import log_directory
from agent.evidence.shards import shards_named
from agent.state.requests import Body
from config.errors import EvidenceError
from exporters.evidence.files import DiskFiles
from exporters.evidence.retention import due_shards, read_holds

Shards = Annotated[str, typer.Argument(help="A month or several: 2026-03, 2026-03..2026-05.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; stands in the log.", show_default=False)]
HoldId = Annotated[str, typer.Argument(metavar="HOLD", help="Name of the hold.", show_default=False)]
NewHoldId = Annotated[str | None, typer.Option("--name", help="Name of the hold; without it, one is made.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(hold)
    app.command()(release)
    app.command()(prune)


def hold(
    shards: Shards,
    settings: NeededSettings,
    reason: Reason,
    by: Actor = None,
    name: NewHoldId = None,
    as_json: AsJson = False,
) -> None:
    """Keep months of the log from being removed, until the hold is released."""
    loaded = settings_with_log(settings)
    try:
        shards_named(shards)
    except EvidenceError as error:
        fail(str(error), USAGE)
    answer = ask(loaded, "hold", actor_of(by), {"shards": shards, "reason": reason, "hold": name}, "holding")
    _tell(answer, as_json, f"[green]held[/green] by {answer['hold']}: {_names(answer['shards'])}")


def release(hold: HoldId, settings: NeededSettings, reason: Reason, by: Actor = None, as_json: AsJson = False) -> None:
    """End a hold; months whose time is over then go with the next pruning."""
    answer = ask(settings_with_log(settings), "release", actor_of(by), {"hold": hold, "reason": reason}, "releasing")
    _tell(answer, as_json, f"[green]released[/green] {answer['hold']}: {_names(answer['shards'])}")


def prune(settings: NeededSettings, by: Actor = None, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Remove months that are older than log.retention and not held. An agent that runs does it by itself, daily."""
    loaded = settings_with_log(settings)
    if not dry_run:
        answer = ask(loaded, "prune", actor_of(by), {}, "pruning")
        _tell(answer, as_json, f"[green]removed[/green] {_names(answer['removed'])}")
        return
    files, directory = DiskFiles(), log_directory(loaded)
    try:
        due = due_shards(files, directory, read_holds(files, directory), WallClock().now_us(), loaded.log.retention_us)
    except (EvidenceError, OSError) as error:
        unreadable(error)
    _tell({"dry_run": True, "would_remove": due}, as_json, f"would remove {_names(due)}; nothing was changed")


def _names(shards: object) -> str:
    return escape(", ".join(cast(list[str], shards)) or "nothing")


def _tell(answer: Body, as_json: bool, text: str) -> None:
    if as_json:
        typer.echo(json.dumps(answer))
    else:
        console().print(text)
