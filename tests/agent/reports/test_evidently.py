"""The report itself, by Evidently, in an environment of its own (``make parts`` makes it)."""

from __future__ import annotations

import html
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from agent.commands import report as commands
from agent.reports.launch import PYTHON
from tests.agent.conftest import OpenStage
from tests.agent.stage import Stage, at, event, label, model_of

ROOT = Path(__file__).parents[3]
PEERS = ROOT / ".parts" / "peers" / "bin" / "python"
HOSTILE = '</script><script>document.title="taken"</script>'
ROWS = 1200
MODELS: dict[str, dict[str, Any]] = {
    "binary": {},
    "multiclass": {"task": "multiclass", "classes": ["no", "yes", "later"], "positive": None},
    "regression": {"task": "regression", "classes": [], "positive": None},
}

ANSWERS = {"binary": ["no", "yes"], "multiclass": ["no", "yes", "later"]}

pytestmark = [
    pytest.mark.parts,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not PEERS.is_file(), reason="Evidently's environment is not here; make parts makes it"),
]
app = typer.Typer()
commands.register(app)


@pytest.fixture(autouse=True)
def _in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON, str(PEERS))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MPLCONFIGDIR", os.devnull)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["report", "evidently", *map(str, arguments)])
    return result.exit_code, result.stderr


def records(task: str, hour: int, shift: float, chance: random.Random) -> Iterator[bytes]:
    """Events of an hour and labels for half of them; x is shifted."""
    for number in range(ROWS):
        minute = 60 * hour + 60 * number / ROWS
        answer = chance.gauss(10, 3) if task == "regression" else chance.choice(ANSWERS[task])
        features = {"x": chance.gauss(shift, 1), "c": chance.choice(["a", "b", HOSTILE])}
        score = chance.random() if task == "binary" else None
        yield event(f"h{hour}-{number}", minute, features=features, prediction=answer, score=score)
        if number % 2:
            yield label(
                f"h{hour}-{number}",
                minute,
                answer if task == "regression" or number % 5 else chance.choice(ANSWERS[task]),
            )


def logged(open_stage: OpenStage, task: str) -> Stage:
    """Three hours in the log, the last one shifted."""
    changes = {"columns": {"x": "number", "c": "category"}, "labels": {"horizon": "1h"}, **MODELS[task]}
    model = {name: value for name, value in model_of(**changes).items() if value is not None}
    stage = open_stage(models=[model])
    chance = random.Random(7)
    for hour in range(3):
        stage.run(*records(task, hour, 1.0 if hour == 2 else 0.0, chance))
    stage.finish()
    stage.step.end("stopped")
    return stage


@pytest.mark.parametrize("task", MODELS)
def test_it_holds_drift_quality_and_performance_as_the_kind_of_model_asks(
    open_stage: OpenStage, tmp_path: Path, task: str
) -> None:
    log = logged(open_stage, task).settings.state.directory / "log"
    out = tmp_path / "report.html"
    code, error = run(log, "--window", f"lending/credit/1@{at(120)}/{at(180)}", "--out", out)
    assert code == 0, error
    page = out.read_text()
    for title in ("Data drift", "Data quality", "Regression" if task == "regression" else "Classification"):
        assert f'"title": "{title}"' in page
    said = html.unescape(re.sub(r"<[^>]+>", "", page.partition("<section")[2].partition("</section>")[0]))
    assert f"{ROWS} rows of {ROWS} accepted events" in said
    assert f"over the {ROWS // 2} rows of the window that have a label" in said
    assert "could not compute" not in said
    assert f"Reference: {at(0)} to {at(60)}" in said


def test_no_text_of_an_event_becomes_markup_and_nothing_is_fetched(open_stage: OpenStage, tmp_path: Path) -> None:
    log = logged(open_stage, "binary").settings.state.directory / "log"
    out = tmp_path / "report.html"
    assert run(log, "--window", f"lending/credit/1@{at(120)}/{at(180)}", "--out", out)[0] == 0
    page = out.read_text()
    assert HOSTILE not in page.replace("\\", "")
    assert r"\u2039/script\u203a\u2039script\u203adocument.title" in page
    assert re.search(r'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'', page)


def test_more_rows_than_are_allowed_are_sampled_and_it_is_said(open_stage: OpenStage, tmp_path: Path) -> None:
    log = logged(open_stage, "binary").settings.state.directory / "log"
    out = tmp_path / "report.html"
    assert run(log, "--window", f"lending/credit/1@{at(120)}/{at(180)}", "--out", out, "--rows", 500)[0] == 0
    assert f"500 rows of {ROWS} accepted events that the log holds of the model in that time, chosen by" in (
        out.read_text().replace("\n", " ")
    )


def test_what_needs_more_memory_than_it_may_take_says_so(open_stage: OpenStage, tmp_path: Path) -> None:
    log = logged(open_stage, "binary").settings.state.directory / "log"
    window = f"lending/credit/1@{at(120)}/{at(180)}"
    code, error = run(log, "--window", window, "--out", tmp_path / "report.html", "--memory", 512)
    assert code == 1
    assert "more than 512 MiB of memory" in error
    assert list(tmp_path.glob("report.html*")) == []
