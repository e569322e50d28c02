"""Figures say whether their target was reached."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bench.__main__ import main
from bench.report import Figure, table


@pytest.mark.parametrize(("value", "verdict"), [(1.2, "reached"), (1.3, "reached"), (1.31, "missed")])
def test_a_target_is_the_largest_value_that_is_wanted(value: float, verdict: str) -> None:
    assert Figure("ratio", value, "x", target=1.3).verdict == verdict


def test_a_figure_without_a_target_is_not_judged() -> None:
    assert Figure("ratio", 5.0, "x").verdict == ""


def test_the_table_shows_value_target_and_verdict() -> None:
    shown = io.StringIO()
    Console(file=shown, width=120).print(table([Figure("agent / floor", 1.456, "x", target=1.3)]))
    assert "1.46 x" in shown.getvalue()
    assert "<= 1.3 x" in shown.getvalue()
    assert "missed" in shown.getvalue()


def test_an_unknown_benchmark_is_refused_with_the_names_of_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "windos"])
    with pytest.raises(SystemExit):
        main()
    assert "choose from windows, pipeline, evidence, evidence_verify, install" in capsys.readouterr().err
