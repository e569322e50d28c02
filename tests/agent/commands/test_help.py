"""Every command says what it is for: a bracket in a help text must not be taken for markup."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from agent.cli import app


def commands(group: typer.Typer, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command and group."""
    yield before
    for one in group.registered_commands:
        name = one.name or (one.callback.__name__ if one.callback else "")
        yield (*before, name.strip("_").replace("_", "-"))
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, (*before, str(inner.name or inner.typer_instance.info.name)))


@pytest.mark.parametrize("words", list(commands(app)), ids=" ".join)
def test_every_command_has_a_help_that_can_be_shown(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], terminal_width=200)
    assert shown.exception is None or isinstance(shown.exception, SystemExit), shown.exception
    assert shown.exit_code == 0, shown.output
    assert "Usage: " in shown.output
