"""``wachter rejects list`` and ``wachter rejects show``: what was set aside, and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from agent.commands.common import AsJson, SettingsOption, StateOption, fail, open_state, time_text
from agent.commands.terminal import Console
from agent.state import rejects
from agent.state.rejects import Kept
from agent.visible import printable
from config.contract import REJECT_REASONS


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Look at records that were set aside.", no_args_is_help=True)
    group.command("list")(list_)
    group.command()(show)
    app.add_typer(group, name="rejects")


def list_(
    settings: SettingsOption = None,
    state: StateOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Most records to list, the newest first.")] = 50,
    reason: Annotated[str | None, typer.Option(help="Only records of this reason.")] = None,
    as_json: AsJson = False,
) -> None:
    """List rejected records, the newest first. With --json one object a line, without the bytes."""
    if reason is not None and reason not in REJECT_REASONS:
        fail(f"there is no reason {reason!r}. Reasons: {', '.join(REJECT_REASONS)}.")
    with open_state(settings, state) as conn:
        found = rejects.list_rejects(conn, limit, reason)
        totals = rejects.totals(conn)
    if as_json:
        for kept in found:
            typer.echo(json.dumps(_record(kept)))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(_table(found))
    console.print(
        f"{len(found)} of {totals.rows} kept records, {totals.bytes} bytes; {totals.evicted} older ones left."
    )


def show(
    number: Annotated[int, typer.Argument(help="Number of the record, as listed.")],
    settings: SettingsOption = None,
    state: StateOption = None,
    as_json: AsJson = False,
) -> None:
    """Show one rejected record with its bytes. Bytes that are no printable ASCII are escaped."""
    with open_state(settings, state) as conn:
        kept = rejects.show(conn, number)
    if kept is None:
        fail(f"there is no rejected record {number}: it never was, or newer ones took its place.")
    if as_json:
        typer.echo(json.dumps(_record(kept) | {"value": printable(kept.value)}))
        return
    typer.echo(f"number    {kept.number}")
    typer.echo(f"set aside {time_text(kept.at_us)}")
    typer.echo(f"from      {printable(kept.topic.encode())} partition {kept.partition} offset {kept.offset}")
    typer.echo(f"reason    {kept.reason}: {REJECT_REASONS.get(kept.reason, '')}")
    typer.echo(f"detail    {printable(kept.detail.encode())}")
    cut = f", the first {len(kept.value)} shown" if len(kept.value) < kept.size else ""
    typer.echo(f"value     {kept.size} bytes{cut}")
    typer.echo(printable(kept.value))


def _table(found: list[Kept]) -> Table:
    table = Table("number", "set aside", "record", "reason", "detail", box=None, pad_edge=False)
    for kept in found:
        record = printable(f"{kept.topic}/{kept.partition}@{kept.offset}".encode())
        table.add_row(
            str(kept.number), time_text(kept.at_us), Text(record), kept.reason, Text(printable(kept.detail.encode()))
        )
    return table


def _record(kept: Kept) -> dict[str, Any]:
    facts = asdict(kept)
    del facts["value"], facts["at_us"]
    return facts | {"at": time_text(kept.at_us)}
