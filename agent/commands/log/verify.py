"""``wachter log verify``: whether the log is what was written."""

from __future__ import annotations

import base64
import json
import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from agent.commands.common import AsJson
from agent.commands.log.common import KeyOption, LogArgument, SettingsOption, console, keys_of, open_log, progress
from agent.commands.log.common import unreadable as cannot
from agent.commands.log.keys import kept_keys
from agent.evidence.people import MOST_REMEMBERED
from config.errors import EvidenceError
from exporters.evidence.findings import Finding, Report, ShardReport
from exporters.evidence.verify import verify as verify_log

WRONG = 1
MOST_SHOWN = 50
"""Findings and gaps for people; --json has them all."""

LeavesOnly = Annotated[
    bool, typer.Option("--leaves-only", help="Leave payloads out: faster, and nothing is said about them.")
]
KeptCheckpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint", help="A checkpoint that was kept elsewhere; the log must continue it.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    directory: LogArgument = None,
    settings: SettingsOption = None,
    key: KeyOption = None,
    checkpoint: KeptCheckpoint = None,
    leaves_only: LeavesOnly = False,
    as_json: AsJson = False,
) -> None:
    """Verify the log, from its files and its public key alone. Exit code 0: sound, 1: not, 2: it cannot be read.

    Sealed payloads are opened and compared with the keys of the agent's state, where --settings leads to it.
    """
    reader = open_log(directory, settings)
    keys = keys_of(reader, key)
    try:
        kept = None if checkpoint is None else checkpoint.read_bytes()
        with kept_keys(settings) as find_key, progress("verifying") as show:
            report = verify_log(
                reader.directory,
                keys,
                payloads=not leaves_only,
                kept=kept,
                find_key=None if find_key is None else lru_cache(MOST_REMEMBERED)(find_key),
                progress=show,
            )
    except (EvidenceError, OSError, sqlite3.Error) as error:
        cannot(error)
    if as_json:
        typer.echo(json.dumps(_record(report), indent=2))
    else:
        _print(console(), report)
    raise typer.Exit(0 if report.ok else WRONG)


def _print(out: Console, report: Report) -> None:
    for shard in report.shards:
        out.print(escape(_shard_line(shard)))
    for missing in report.missing[:MOST_SHOWN]:
        out.print(f"[yellow]gap[/yellow] {escape(str(missing))} were not read: {missing.cause}")
    _print_rest(out, "gaps", len(report.missing))
    for note in report.notes:
        out.print(f"[yellow]note[/yellow] {escape(str(note))}")
    for finding in report.findings[:MOST_SHOWN]:
        out.print(f"[red]wrong[/red] {escape(str(finding))}")
    _print_rest(out, "findings", len(report.findings))
    if report.ok:
        out.print(
            f"[green]ok[/green] {report.entries} entries and {report.checkpoints} checkpoints are what was written"
        )
    else:
        out.print(f"[red]not ok[/red] {sum(1 + finding.more for finding in report.findings)} things are wrong")


def _print_rest(out: Console, what: str, count: int) -> None:
    if count > MOST_SHOWN:
        out.print(f"{count - MOST_SHOWN} more {what}; --json has them all")


def _shard_line(shard: ShardReport) -> str:
    payloads = ", ".join(f"{count} {state}" for state, count in shard.payloads.items())
    return (
        f"{shard.name}  {shard.entries} entries, {shard.signed} signed, {shard.checkpoints} checkpoints"
        f"{', payloads: ' if payloads else ''}{payloads}"
    )


def _record(report: Report) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "entries": report.entries,
        "checkpoints": report.checkpoints,
        "shards": [_shard(shard) for shard in report.shards],
        "findings": [_finding(finding) for finding in report.findings],
        "notes": [_finding(note) for note in report.notes],
        "gaps": [
            {"topic": gap.topic, "partition": gap.partition, "from": gap.first, "to": gap.end, "cause": gap.cause}
            for gap in report.missing
        ],
        "positions": [[topic, partition, offset] for (topic, partition), offset in sorted(report.positions.items())],
    }


def _shard(shard: ShardReport) -> dict[str, Any]:
    root = None if shard.root is None else base64.b64encode(shard.root).decode()
    return {
        "shard": shard.name,
        "entries": shard.entries,
        "signed": shard.signed,
        "root": root,
        "checkpoints": shard.checkpoints,
        "payloads": dict(shard.payloads),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {"where": finding.where, "what": finding.what, "more": finding.more}
