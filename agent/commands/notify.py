"""``wachter notify test``: one message and its end to a receiver of the settings, past the outbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from agent.commands.common import fail
from agent.commands.terminal import Console
from agent.delivery.channels import channel_of
from agent.delivery.post import post
from agent.delivery.target import Due, Parcel, Target
from agent.delivery.targets import targets_of
from config.errors import DeliveryError, SettingsError
from config.settings import Settings, load
from detectors.columns import StreamKey
from detectors.measurement import Track
from exporters.notice import Notice

Name = Annotated[str, typer.Argument(help="Name of the receiver, as in the settings.", show_default=False)]
SettingsFile = Annotated[Path, typer.Option("--settings", "-s", help="The settings file, YAML.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Try what people are told.", no_args_is_help=True)
    group.command()(test)
    app.add_typer(group, name="notify")


def test(receiver: Name, settings: SettingsFile) -> None:
    """Send a receiver a message that says it is a test, and at once its end. Exit code 0: it took both."""
    try:
        loaded = load(settings)
    except SettingsError as error:
        fail(f"the settings cannot be used:\n{error}")
    targets = [target for target in targets_of(loaded.receivers) if target.receiver == receiver]
    if not targets:
        fail(_who_there_is(loaded, receiver))
    taken = [_try(target) for target in targets]
    raise typer.Exit(0 if all(taken) else 1)


def _who_there_is(settings: Settings, name: str) -> str:
    known = ", ".join(receiver.name for receiver in settings.receivers) or "none at all"
    return f"the settings have no receiver {name!r}; there are: {known}."


def _try(target: Target) -> bool:
    """Tell one address; what it answered is printed."""
    console = Console(highlight=False, soft_wrap=True)
    handle = ""
    for due in _messages(target, time.time_ns() // 1000):
        what = "the message" if due.notice.firing else "its end"
        parcel = Parcel(target, (due,), due.created_us, post, handle)
        try:
            handle = channel_of(target).send(parcel)
        except DeliveryError as error:
            console.print(f"[red]not taken[/red] {escape(target.url)}: {what}: {escape(str(error))}")
            return False
        console.print(f"[green]taken[/green] {escape(target.url)}: {what}")
    return True


def _messages(target: Target, now_us: int) -> Iterator[Due]:
    notice = Notice(
        incident_id=f"test-{now_us // 1_000_000}-1",
        stream=StreamKey("wachter", "test", "1", ""),
        track=Track.AGENT,
        severity="info",
        firing=True,
        call=1,
        headline=f"This is a test of the receiver {target.receiver}; nothing is wrong",
        opened_us=now_us,
    )
    yield Due(0, notice, now_us, None, "fire")
    yield Due(1, msgspec.structs.replace(notice, firing=False, resolved_us=now_us), now_us, None, "resolve")
