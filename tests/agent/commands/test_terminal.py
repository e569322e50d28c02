"""No text of an event or a person steers the terminal."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.markup import escape
from rich.table import Table

from agent.commands.terminal import Console, visible_values
from agent.visible import visible

HOSTILE = "a\x1b]0;owned\x07b\x1b[2Jc\x9b31md\r\u202ee\u2028f\x00"
STEERS = "\x1b\x07\x9b\r\u202e\u2028\x00"


def printed(renderable: object, *, terminal: bool) -> str:
    out = io.StringIO()
    Console(file=out, force_terminal=terminal, color_system=None, width=200, highlight=False).print(renderable)
    return out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_what_steers_is_shown_as_text(terminal: bool) -> None:
    table = Table("[bold]head[/bold]")
    table.add_row(escape(HOSTILE))
    for renderable in (escape(HOSTILE), table):
        shown = printed(renderable, terminal=terminal).replace("\x1b[1m", "").replace("\x1b[0m", "")
        assert not set(STEERS) & set(shown)
        assert r"\x1b[2Jc\x9b31md" in shown


def test_colours_of_ours_come_through() -> None:
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system="standard").print("[red]not done[/red]")
    assert "\x1b[31mnot done\x1b[0m" in out.getvalue()


def test_text_of_all_scripts_stays_as_it_is() -> None:
    text = "Größe 数 مرحبا می\u200cخواهم\n\tnext ✓ \U0001f469\u200d\U0001f4bb"
    assert visible(text) == text


@given(st.text())
def test_nothing_that_is_visible_steers_and_twice_is_once(text: str) -> None:
    shown = visible(text)
    assert not set(STEERS) & set(shown)
    assert visible(shown) == shown


def test_log_lines_hold_only_what_is_visible() -> None:
    line = visible_values(None, "info", {"event": "x", "why": HOSTILE, "count": 3})
    assert not set(STEERS) & set(str(line["why"]))
    assert line["count"] == 3
