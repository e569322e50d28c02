"""``wachter incidents list | show | ack | resolve | comment | silence``."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from agent.commands.common import USAGE, AsJson, SettingsOption, StateOption, database_of, fail, open_state
from agent.commands.terminal import Console
from agent.state.acts import DONE, ActKind, submit
from agent.state.store import incident_lines
from config.errors import ActRefused
from config.units import parse_duration

IncidentId = Annotated[str, typer.Argument(help="Identity of the incident, as listed.", show_default=False)]
Actor = Annotated[str, typer.Option("--actor", help="Who does it; kept in the timeline.", show_default=False)]
Comment = Annotated[str, typer.Option("--comment", help="Kept in the timeline.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Look at incidents, and act on them.", no_args_is_help=True)
    group.command("list")(list_)
    group.command()(show)
    group.command()(ack)
    group.command()(resolve)
    group.command()(comment)
    group.command()(silence)
    app.add_typer(group, name="incidents")


def list_(
    settings: SettingsOption = None,
    state: StateOption = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object a line, as in incidents.jsonl.")] = False,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
) -> None:
    """List incidents by first due time; --jsonl leaves out the agent's own troubles, as a replay does."""
    with open_state(settings, state) as connection:
        lines = list(incident_lines(connection, agent=not jsonl))
    records = [json.loads(line) for line in lines]
    chosen = [(line, r) for line, r in zip(lines, records, strict=True) if not open_only or r["state"] == "open"]
    if jsonl:
        for line, _ in chosen:
            typer.echo(line)
        return
    table = Table("id", "state", "severity", "opened", "what", box=None)
    for _, record in chosen:
        row = (record["id"], record["state"], record["severity"], record["opened_at"][:16], record["headline"])
        table.add_row(*map(escape, row))
    Console(highlight=False).print(table)


def show(
    incident_id: IncidentId, settings: SettingsOption = None, state: StateOption = None, as_json: AsJson = False
) -> None:
    """Print one incident: what broke, since when, how sure, what moved with it, and its timeline."""
    with open_state(settings, state) as connection:
        found = [json.loads(line) for line in incident_lines(connection, agent=True)]
    record = next((one for one in found if one["id"] == incident_id), None)
    if record is None:
        fail(f"there is no incident {incident_id!r}. List them with: wachter incidents list")
    if as_json:
        typer.echo(json.dumps(record, indent=2))
        return
    _print(record)


def ack(
    incident_id: IncidentId,
    actor: Actor,
    comment: Comment = "",
    settings: SettingsOption = None,
    state: StateOption = None,
) -> None:
    """Acknowledge: somebody has taken over; only a finding of another kind on a later window calls again."""
    _act("ack", incident_id, actor, comment, settings, state)


def resolve(
    incident_id: IncidentId,
    actor: Actor,
    comment: Comment = "",
    settings: SettingsOption = None,
    state: StateOption = None,
) -> None:
    """Resolve: the next breach on a later window is a new incident and calls."""
    _act("resolve", incident_id, actor, comment, settings, state)


def comment(
    incident_id: IncidentId,
    actor: Actor,
    comment: Annotated[str, typer.Option("--comment", help="What is to be kept in the timeline.", show_default=False)],
    settings: SettingsOption = None,
    state: StateOption = None,
) -> None:
    """Write a remark into the timeline."""
    _act("comment", incident_id, actor, comment, settings, state)


def silence(
    incident_id: IncidentId,
    actor: Actor,
    for_: Annotated[str, typer.Option("--for", help="How long, as 2h; 0s ends a silence.", show_default=False)],
    comment: Comment = "",
    settings: SettingsOption = None,
    state: StateOption = None,
) -> None:
    """Let nobody be called about it for a time; who would have been is called afterwards, if it is still open."""
    try:
        length_us = parse_duration(for_)
    except ValueError:
        fail(f"{for_!r} is not a duration: write a whole number with a unit, as in 30m, 2h or 1d.", USAGE)
    _act("silence", incident_id, actor, comment, settings, state, time.time_ns() // 1000 + length_us)


def _act(
    kind: ActKind,
    incident_id: str,
    actor: str,
    comment: str,
    settings: SettingsOption,
    state: StateOption,
    until_us: int | None = None,
) -> None:
    database = database_of(settings, state)
    try:
        settled = submit(database, kind, incident_id, actor, comment, until_us=until_us)
    except ActRefused as refused:
        fail(refused.detail)
    except sqlite3.Error as error:
        fail(str(error))
    if settled is None:
        typer.echo("taken in; the agent will act on it in its next step")
    elif settled.outcome == DONE:
        typer.echo("done")
    else:
        fail(settled.detail)


def _print(record: Mapping[str, Any]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{escape(record['headline'])}[/bold]")
    console.print(f"{record['id']}  {record['state']}  {record['severity']}  {record['track']}")
    console.print(f"windows {record['first_breach_start'][:16]} to {record['last_breach_end'][:16]}")
    if record["acknowledged"]:
        console.print(f"acknowledged by {escape(record['acknowledged']['actor'])}")
    if record.get("silenced"):
        console.print(f"silenced until {record['silenced']['until'][:16]} by {escape(record['silenced']['actor'])}")
    console.print("\n[bold]What is known[/bold]")
    for line in record["explanation"]:
        console.print(f"  {escape(line)}")
    console.print("\n[bold]Timeline[/bold] (event time)")
    for entry in record["timeline"]:
        who = f" by {entry['actor']}" if entry["actor"] else ""
        said = f": {entry['text']}" if entry["text"] else ""
        console.print(f"  {entry['at'][:16]}  {entry['kind']}{escape(who)} ({entry['reason']}){escape(said)}")
