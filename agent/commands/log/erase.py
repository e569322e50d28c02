"""``wachter log erase``: forget a person."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from agent.commands.common import USAGE, AsJson, fail, open_state
from agent.commands.log.ask import Actor, NeededSettings, actor_of, ask, settings_with_log
from agent.commands.log.common import console, progress
from agent.evidence.begin import log_directory
from agent.evidence.erasing import persons_of, search
from agent.state.requests import Body
from config.errors import EvidenceError
from config.settings import Settings
from exporters.evidence.reader import LogReader

Subject = Annotated[
    str | None, typer.Argument(help="The person, as events name them in subject_ref.", show_default=False)
]
FromFile = Annotated[
    str | None, typer.Option("--from-file", help="A file of persons, one a line; - reads standard input.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how much would be erased.")]
_STANDARD_INPUT = "-"
_COUNTED = {
    "payloads": "payloads of the log",
    "keys": "keys of sealed payloads",
    "rejects": "rejected records",
    "pending_labels": "labels that waited",
    "outbox": "notices that waited",
    "acts": "comments on acts",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(erase)


def erase(
    settings: NeededSettings,
    subject: Subject = None,
    from_file: FromFile = None,
    by: Actor = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person: payloads, keys, and all else that the agent keeps of them. The log, and all its proofs, stay valid.

    It cannot be undone. A hold keeps months from being removed, not persons from being erased.
    """
    subjects = _subjects(subject, from_file)
    loaded = settings_with_log(settings)
    asked: Body = {"subjects": subjects}
    answer = _would(loaded, subjects) if dry_run else ask(loaded, "erase", actor_of(by), asked, "erasing")
    if as_json:
        typer.echo(json.dumps(answer))
        return
    _print(answer, dry_run)


def _subjects(subject: str | None, from_file: str | None) -> list[str]:
    if (subject is None) == (from_file is None):
        fail("name a person, or give --from-file FILE: one of the two.", USAGE)
    try:
        text = subject if from_file is None else _read(from_file)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{from_file} cannot be read: {error}", USAGE)
    assert text is not None
    subjects = list(dict.fromkeys(filter(None, text.splitlines()))) if from_file else [text]
    if not any(subjects):
        fail("there is nobody to erase: the name is empty.", USAGE)
    return subjects


def _read(name: str) -> str:
    return sys.stdin.read() if name == _STANDARD_INPUT else Path(name).read_text(encoding="utf-8")


def _would(settings: Settings, subjects: list[str]) -> Body:
    """What would be erased from the log; nothing is changed, and an agent that runs is not disturbed."""
    try:
        with open_state(None, settings.state.directory) as connection, progress("searching") as show:
            found = search(LogReader(log_directory(settings)), connection, persons_of(connection, subjects), show)
    except (EvidenceError, OSError, sqlite3.Error) as error:
        fail(str(error), USAGE)
    return {"dry_run": True, "payloads": len(found)}


def _print(answer: Body, dry_run: bool) -> None:
    out = console()
    if dry_run:
        out.print(f"would erase {answer['payloads']} payloads of the log; nothing was changed")
        return
    told = [f"{answer[name]} {words}" for name, words in _COUNTED.items() if answer.get(name)]
    out.print(f"[green]erased[/green] {', '.join(told) or 'nothing: there was nothing to erase'}")
    incidents = answer.get("incidents")
    if isinstance(incidents, list) and incidents:
        out.print("people have written the name into these incidents, which stay: " + escape(", ".join(incidents)))
