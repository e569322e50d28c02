"""``wachter init``."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from agent.commands import init
from agent.commands.settings import find_problems
from tests.agent.reference.credit import credit_events, label_of, write_lines


def run(*arguments: str | Path) -> Result:
    app = typer.Typer()
    init.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_file_passes_its_check(tmp_path: Path) -> None:
    events = credit_events(rows=200)
    sample = write_lines(tmp_path / "scoring.jsonl", [*events, *map(label_of, events)])
    result = run(sample, "-o", tmp_path / "wachter.yaml")
    assert result.exit_code == 0
    assert find_problems(tmp_path / "wachter.yaml") == ()
    assert "credit/scoring, binary, 3 columns, from 400 records" in result.output


def test_the_topic_is_called_like_the_file(tmp_path: Path) -> None:
    run(write_lines(tmp_path / "scoring.2026.jsonl", credit_events(rows=50)), "-o", tmp_path / "w.yaml")
    assert "topics: [scoring]" in (tmp_path / "w.yaml").read_text()


def test_a_file_that_is_there_is_not_overwritten_unasked(tmp_path: Path) -> None:
    sample = write_lines(tmp_path / "scoring.jsonl", credit_events(rows=50))
    settings = tmp_path / "wachter.yaml"
    settings.write_text("mine")
    result = run(sample, "-o", settings)
    assert result.exit_code == 1
    assert settings.read_text() == "mine"
    assert run(sample, "-o", settings, "--force").exit_code == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json\n", "the sample has no JSON object"),
        ('{"a": 1}\n', "no path looks like event_id"),
        ('{"event_type": "label", "system_id": "s"}\n', "the sample has no inference event"),
    ],
)
def test_a_sample_that_shows_no_model_is_explained(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.jsonl").write_text(content)
    result = run(tmp_path / "a.jsonl", "-o", tmp_path / "wachter.yaml")
    assert result.exit_code == 1
    assert message in result.output
    assert not (tmp_path / "wachter.yaml").exists()


def test_a_table_is_mapped_by_its_columns(tmp_path: Path) -> None:
    rows = "".join(f"{i},2026-01-01T00:00:{i % 60:02d}Z,{i * 1.5},{i % 2},0.{i % 10}\n" for i in range(100))
    (tmp_path / "loans.csv").write_text("id,time,amount,prediction,score\n" + rows)
    run(tmp_path / "loans.csv", "-o", tmp_path / "wachter.yaml")
    assert find_problems(tmp_path / "wachter.yaml") == ()
    assert "features.amount: $.amount" in (tmp_path / "wachter.yaml").read_text()
