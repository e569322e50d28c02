"""``wachter log show``: one event on one screen, with its proof."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from agent.commands.common import AsJson, fail, time_text
from agent.commands.log.common import (
    KeyOption,
    LogArgument,
    SettingsOption,
    as_record,
    console,
    keys_of,
    open_log,
    unreadable,
)
from agent.commands.log.keys import people_keys
from agent.evidence.lookup import Found, Story, look_up
from agent.visible import printable
from config.errors import EvidenceError, ProofError
from exporters.evidence.leaf import Act, Incident, Inference, Label, Oversight
from exporters.evidence.note import Verifier
from exporters.evidence.prove import Proved, prove_entry
from exporters.evidence.reader import LogReader
from exporters.evidence.spelling import encode_base64

EventId = Annotated[str, typer.Argument(help="Id of the event, or of an incident.", show_default=False)]
WithPayload = Annotated[
    bool, typer.Option("--payload", help="Show the records themselves; they may hold personal data.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(show)


def show(
    event_id: EventId,
    directory: LogArgument = None,
    settings: SettingsOption = None,
    key: KeyOption = None,
    payload: WithPayload = False,
    as_json: AsJson = False,
) -> None:
    """Show what was decided, by which model, within which envelope, who reviewed it, its labels, and the proof.

    Sealed payloads are opened with the keys of the agent's state, where --settings leads to it.
    """
    reader = open_log(directory, settings)
    keys = keys_of(reader, key)
    try:
        with people_keys(settings) as find_key:
            story = look_up(reader, event_id, find_key)
    except EvidenceError as error:
        fail(str(error))
    except OSError as error:
        unreadable(error)
    main = story.decision or next(iter([*story.incidents, *story.labels, *story.reviews]))
    proof = _proof(reader, keys, main)
    if as_json:
        typer.echo(json.dumps(_record(story, main, proof, payload), indent=2))
    else:
        _print(console(), event_id, story, payload)
        _print_proof(console(), main, proof)
    unproven = isinstance(proof, ProofError) and "no checkpoint covers it yet" not in str(proof)
    if unproven or story.changed:
        raise typer.Exit(1)


def _proof(reader: LogReader, keys: tuple[Verifier, ...], found: Found) -> Proved | ProofError:
    try:
        return prove_entry(reader, keys, found.shard, found.index)
    except ProofError as error:
        return error
    except (EvidenceError, OSError) as error:
        unreadable(error)


def _print(out: Console, event_id: str, story: Story, with_payload: bool) -> None:
    out.print(f"[bold]{escape(printable(event_id.encode()))}[/bold]")
    if story.decision is not None:
        _print_decision(out, story.decision)
        _print_payload(out, story.decision, with_payload)
    _print_copies(out, story)
    for found in story.labels:
        assert isinstance(found.leaf, Label)
        out.print(f"label     at {time_text(found.leaf.at)}  entry {found.where}")
        _print_payload(out, found, with_payload)
    for found in story.reviews:
        assert isinstance(found.leaf, Oversight)
        who = printable((found.member("actor_ref") or "not told").encode())
        why = printable((found.member("reason") or "").encode())
        out.print(
            f"{found.leaf.action:<9} at {time_text(found.leaf.at)} by {escape(who)}"
            f"{': ' if why else ''}{escape(why)}  entry {found.where}"
        )
        _print_payload(out, found, with_payload)
    if story.decision is not None and not story.reviews:
        out.print("reviewed  by nobody")
    for found in story.incidents:
        assert isinstance(found.leaf, Incident | Act)
        actor = f" by {printable(found.leaf.actor.encode())}" if isinstance(found.leaf, Act) else ""
        out.print(f"incident  {found.leaf.kind}{escape(actor)} at {time_text(found.leaf.at)}  entry {found.where}")


def _print_decision(out: Console, found: Found) -> None:
    leaf = found.leaf
    assert isinstance(leaf, Inference)
    system, model, version = (printable(part.encode()) for part in leaf.stream)
    output = "a number, or no declared class" if leaf.output is None else printable(leaf.output.encode())
    topic, partition, offset = leaf.source
    reason = f": {leaf.reason}" if leaf.reason else ""
    out.print(f"decided   {escape(output)}")
    out.print(f"by        {escape(f'{system}/{model}')}, version {escape(version)}")
    out.print(f"at        {time_text(leaf.at)}, logged {time_text(leaf.logged)}")
    out.print(f"envelope  {leaf.envelope}")
    out.print(f"class     {leaf.class_}{reason}")
    out.print(f"record    {escape(printable(topic.encode()))} partition {partition} offset {offset}")
    out.print(f"entry     {found.where}")


def _print_payload(out: Console, found: Found, with_payload: bool) -> None:
    if found.is_right is False:
        out.print("payload   [red]not what the leaf commits to[/red]")
    elif found.payload is None:
        out.print(f"payload   {found.state}")
    elif not with_payload:
        out.print(f"payload   {found.state}, {len(found.payload)} bytes; --payload shows it")
    else:
        out.print(f"payload   {escape(printable(found.value() or found.payload))}")


def _print_copies(out: Console, story: Story) -> None:
    conflicting = story.conflicting
    for found in story.copies:
        assert isinstance(found.leaf, Inference)
        unlike = "  [yellow]other bytes[/yellow]" if found in conflicting else ""
        out.print(f"copy      {found.leaf.class_}, at {time_text(found.leaf.at)}  entry {found.where}{unlike}")


def _print_proof(out: Console, main: Found, proof: Proved | ProofError) -> None:
    if isinstance(proof, ProofError):
        out.print(f"proof     [red]none[/red]: {escape(str(proof))}")
        return
    checkpoint = proof.checkpoint
    signers = ", ".join(f"{verifier.name}+{verifier.key_id.hex()}" for verifier in proof.signed_by)
    out.print(
        f"proof     [green]checked[/green]: entry {main.index} of {checkpoint.size} in {escape(checkpoint.origin)}"
    )
    out.print(f"          root {encode_base64(checkpoint.root)}")
    out.print(f"          signed by {escape(signers)}")


def _record(story: Story, main: Found, proof: Proved | ProofError, with_payload: bool) -> dict[str, Any]:
    conflicting = story.conflicting

    def told(found: Found) -> dict[str, Any]:
        record = as_record(found.shard, found.index, found.entry) | {"payload": found.state, "is_right": found.is_right}
        if with_payload and found.payload is not None:
            record["value"] = printable(found.value() or found.payload)
        return record

    return {
        "decision": None if story.decision is None else told(story.decision),
        "copies": [told(copy) | {"conflicts": copy in conflicting} for copy in story.copies],
        "labels": [told(found) for found in story.labels],
        "reviews": [
            told(found) | {"actor": found.member("actor_ref"), "reason": found.member("reason")}
            for found in story.reviews
        ],
        "incidents": [told(found) for found in story.incidents],
        "proof": _proof_record(main, proof),
    }


def _proof_record(main: Found, proof: Proved | ProofError) -> dict[str, Any]:
    if isinstance(proof, ProofError):
        return {"checked": False, "why": str(proof)}
    return {
        "checked": True,
        "entry": main.where,
        "origin": proof.checkpoint.origin,
        "size": proof.checkpoint.size,
        "root": encode_base64(proof.checkpoint.root),
        "keys": [str(verifier) for verifier in proof.signed_by],
    }
