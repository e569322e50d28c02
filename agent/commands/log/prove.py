"""``wachter log prove``: the proof that an entry stands in the log, for somebody who does not have the log."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from agent.commands.common import USAGE, AsJson, fail
from agent.commands.log.common import KeyOption, LogArgument, SettingsOption, as_record, console, keys_of, open_log
from agent.commands.log.common import unreadable as cannot
from agent.commands.log.tail import describe
from agent.evidence.lookup import look_up
from config.errors import EvidenceError, KeyFileError, NoteError, ProofError
from exporters.evidence.keys import read_verifiers
from exporters.evidence.note import Verifier
from exporters.evidence.proof_file import ProofFile
from exporters.evidence.prove import Proved, check_proof, prove_entry
from exporters.evidence.reader import LogReader
from exporters.evidence.spelling import encode_base64

EventId = Annotated[str | None, typer.Argument(metavar="[EVENT_ID]", help="Id of the event.", show_default=False)]
EntryOption = Annotated[
    str | None, typer.Option("--entry", help="SHARD/NUMBER of an entry instead, as 2026-11/73894.", show_default=False)
]
LogOption = Annotated[Path | None, typer.Option("--log", help="The directory of the log.", show_default=False)]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File to write; else the proof goes to standard output.")
]
Check = Annotated[
    Path | None, typer.Option("--check", help="Check this proof instead of making one.", show_default=False)
]
EntryFile = Annotated[
    Path | None, typer.Option("--entry-file", help="With --check: the entry's bytes, where the proof lacks them.")
]

_ENTRY = re.compile(r"(\d{4}-\d{2})/(\d{1,18})")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(prove)


def prove(
    event_id: EventId = None,
    directory: LogArgument = None,
    log: LogOption = None,
    settings: SettingsOption = None,
    entry: EntryOption = None,
    key: KeyOption = None,
    output: Output = None,
    check: Check = None,
    entry_file: EntryFile = None,
    as_json: AsJson = False,
) -> None:
    """Write the proof (C2SP tlog-proof) that an entry stands in the log, or --check one. It needs only the public key.

    The proof carries the entry itself in its ``extra`` line. Exit code 1: the proof does not hold.
    """
    if check is not None:
        _check(check, entry_file, directory or log, key, as_json)
        return
    if (event_id is None) == (entry is None):
        fail("name an event, or an entry with --entry SHARD/NUMBER: one of the two.", USAGE)
    reader = open_log(directory or log, settings)
    try:
        shard, index = _place(reader, event_id, entry)
        proved = prove_entry(reader, keys_of(reader, key), shard, index)
        if output is not None:
            output.write_bytes(proved.file.to_bytes())
    except (EvidenceError, OSError) as error:
        fail(str(error))
    if output is None and not as_json:
        typer.echo(proved.file.to_bytes(), nl=False)
    else:
        _tell(proved, output, as_json)


def _place(reader: LogReader, event_id: str | None, entry: str | None) -> tuple[str, int]:
    if event_id is not None:
        story = look_up(reader, event_id, lambda key_id: None)
        found = story.decision or next(iter([*story.incidents, *story.labels, *story.reviews]))
        return found.shard, found.index
    match = _ENTRY.fullmatch(entry or "")
    if match is None:
        fail(f"{entry!r} is no entry; write SHARD/NUMBER, as 2026-11/73894.", USAGE)
    if match[1] not in reader.shards():
        fail(f"there is no shard {match[1]}; there are: {', '.join(reader.shards()) or 'none'}.")
    return match[1], int(match[2])


def _check(path: Path, entry_file: Path | None, log: Path | None, key: str | None, as_json: bool) -> None:
    keys = _keys(log, key)
    try:
        entry = None if entry_file is None else entry_file.read_bytes()
        data = path.read_bytes()
    except OSError as error:
        cannot(error)
    try:
        proved = check_proof(ProofFile.parse(data), entry, keys)
    except (ProofError, NoteError) as error:
        fail(f"{path}: {error}")
    _tell(proved, None, as_json)


def _keys(log: Path | None, key: str | None) -> tuple[Verifier, ...]:
    """Keys to check with: those that are given, or those of a log."""
    try:
        if key is None and log is None:
            fail("give the public key with --key FILE|VKEY, or the log with --log DIRECTORY.", USAGE)
        if log is not None:
            return keys_of(LogReader(log), key)
        assert key is not None
        return read_verifiers(Path(key)) if Path(key).is_file() else (Verifier.parse(key),)
    except (KeyFileError, NoteError, EvidenceError) as error:
        cannot(error)


def _tell(proved: Proved, output: Path | None, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_record(proved, output), indent=2))
        return
    checkpoint = proved.checkpoint
    signers = ", ".join(f"{verifier.name}+{verifier.key_id.hex()}" for verifier in proved.signed_by)
    out = console()
    out.print(f"[green]proven[/green] entry {proved.file.index} of {checkpoint.size} in {escape(checkpoint.origin)}")
    out.print(f"root      {encode_base64(checkpoint.root)}")
    out.print(f"signed by {escape(signers)}")
    out.print(f"entry     {escape(describe(proved.entry))}")
    if output is not None:
        out.print(f"written   {escape(str(output))}")


def _record(proved: Proved, output: Path | None) -> dict[str, Any]:
    shard = proved.checkpoint.origin.rpartition("/")[2]
    return {
        "proven": True,
        "origin": proved.checkpoint.origin,
        "size": proved.checkpoint.size,
        "root": encode_base64(proved.checkpoint.root),
        "keys": [str(verifier) for verifier in proved.signed_by],
        "written": None if output is None else str(output),
    } | as_record(shard, proved.file.index, proved.entry)
