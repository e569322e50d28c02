"""``wachter log export``: a part of the log for others, who verify it without this program."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from agent.commands.common import USAGE, AsJson, fail
from agent.commands.log.common import KeyOption, SettingsOption, console, keys_of, open_log, progress
from config.errors import EvidenceError
from exporters.evidence import layout
from exporters.evidence.bundle import Layout, export_bundle

Out = Annotated[Path, typer.Argument(help="Directory of the export; new or empty.", show_default=False)]
LogArgument = Annotated[Path | None, typer.Argument(metavar="[LOG]", help="The directory of the log.")]
First = Annotated[str | None, typer.Option("--from", help="First shard, as 2026-11, or a time in it.")]
Last = Annotated[str | None, typer.Option("--to", help="Last shard, or a time in it.")]
LayoutOption = Annotated[
    Layout, typer.Option("--layout", help="tiles: C2SP tlog-tiles, for programs of others; packs: small.")
]
Payloads = Annotated[bool, typer.Option("--payloads", help="Export payloads too; they may hold personal data.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    out: Out,
    directory: LogArgument = None,
    settings: SettingsOption = None,
    first: First = None,
    last: Last = None,
    form: LayoutOption = "tiles",
    payloads: Payloads = False,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Write the signed entries of some months with everything needed to verify them. Whole months are exported."""
    reader = open_log(directory, settings)
    shards = _between(reader.shards(), _shard(first, "--from"), _shard(last, "--to"))
    try:
        with progress("exporting") as show:
            exported = export_bundle(reader, keys_of(reader, key), shards, out, form, payloads=payloads, progress=show)
    except (EvidenceError, OSError) as error:
        fail(str(error))
    if as_json:
        facts = {"shards": exported.shards, "documents": exported.documents, "proofs": exported.proofs}
        typer.echo(json.dumps({"out": str(out)} | facts, indent=2))
        return
    for shard, size in exported.shards.items():
        console().print(f"{shard}  {size} entries")
    console().print(
        f"[green]exported[/green] to {escape(str(out))}, with {len(exported.documents)} documents and "
        f"{len(exported.proofs)} proofs; {layout.BUNDLE_README} says how to verify"
    )


def _shard(text: str | None, option: str) -> str | None:
    """The shard that an option names."""
    if text is None or layout.is_shard(text):
        return text
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text!r} is neither a shard, as 2026-11, nor a time, as 2026-11-24T08:00:00Z.", USAGE)
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).astimezone(UTC).strftime("%Y-%m")


def _between(shards: list[str], first: str | None, last: str | None) -> list[str]:
    chosen = [shard for shard in shards if (first is None or shard >= first) and (last is None or shard <= last)]
    if not chosen:
        fail(f"no shard lies there; there are: {', '.join(shards) or 'none'}.")
    return chosen
