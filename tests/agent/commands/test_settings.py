from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from agent.commands import settings as commands
from config.settings import from_mapping
from tests.config import sample

app = typer.Typer()
commands.register(app)
GOLDEN = Path(__file__).resolve().parents[2] / "config" / "golden"
EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "config" / "examples").glob("*.yaml"))


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def write(tmp_path: Path, **changes: Any) -> Path:
    file = tmp_path / "wachter.yaml"
    file.write_text(yaml.safe_dump(sample.settings(**changes)))
    return file


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_each_example_passes(example: Path) -> None:
    code, output, _ = run("check", example)
    assert (code, output) == (0, f"ok {example}\n")


def test_a_broken_file_prints_every_mistake_and_exits_with_one() -> None:
    code, output, errors = run("check", GOLDEN / "broken.yaml")
    assert (code, output) == (1, "")
    assert errors.replace(str(GOLDEN), "GOLDEN") == (GOLDEN / "check.txt").read_text()


def test_json_is_one_object_with_every_mistake() -> None:
    code, output, _ = run("check", "--json", GOLDEN / "broken.yaml")
    found = json.loads(output)
    assert (code, found["ok"]) == (1, False)
    assert found["problems"][1] == {
        "path": "source.broker",
        "line": 3,
        "what": "unknown key",
        "remedy": "Did you mean brokers?",
    }


def test_names_that_no_detector_has_are_mistakes(tmp_path: Path) -> None:
    model = sample.model(detectors={"drfit": False}, thresholds={"js_distnace": {"tolerance": 0.2}})
    file = tmp_path / "wachter.yaml"
    file.write_text(yaml.safe_dump(sample.settings(model, thresholds={"js_distance": {"tolerance": 0.2}})))
    code, output, _ = run("check", "--json", file)
    assert code == 1
    assert [(p["path"], p["remedy"]) for p in json.loads(output)["problems"]] == [
        ("systems[0].models[0].detectors.drfit", "Did you mean drift?"),
        ("systems[0].models[0].thresholds.js_distnace", "Did you mean js_distance?"),
    ]


@pytest.mark.parametrize("owner", ["team", "7"])
def test_names_that_no_detector_has_come_with_their_line(tmp_path: Path, owner: str) -> None:
    text = f"""source: {{type: kafka, brokers: [b:9092], topics: [t]}}
systems:
  - {{id: s, purpose: p, owner: {owner}, models: [
      {{name: m, task: regression,
        detectors: {{drfit: false}},
        baseline: {{maee: 3}},
        thresholds: {{js_distnace: {{tolerance: 0.2}}}}}}]}}
exposition:
  measures:
    - psy
"""
    file = tmp_path / "wachter.yaml"
    file.write_text(text)
    _, output, _ = run("check", "--json", file)
    found = [(p["path"].split(".")[-1], p["line"]) for p in json.loads(output)["problems"]]
    unknown = [("drfit", 5), ("maee", 6), ("js_distnace", 7), ("psy", 9)]
    assert found == ([("owner", 3), *unknown] if owner == "7" else unknown)


def test_paths_that_cannot_both_be_read_are_mistakes(tmp_path: Path) -> None:
    names = ("event_id", "occurred_at", "system_id", "model", "version")
    fields = {name: f"$.{name}" for name in names} | {"features": "$.x", "segment": "$.x.income"}
    file = tmp_path / "wachter.yaml"
    model = sample.model(segments="country")
    file.write_text(yaml.safe_dump(sample.settings(model, mappings=[{"fields": fields}])))
    code, output, _ = run("check", "--json", file)
    assert code == 1
    assert [p["path"] for p in json.loads(output)["problems"]] == ["mappings[0].fields"]


def test_the_effective_settings_can_be_read_again(tmp_path: Path) -> None:
    file = write(tmp_path, retire_after="3d")
    code, output, _ = run("config", "show", file)
    assert code == 0
    assert from_mapping(yaml.safe_load(output)).retire_after_us == 3 * 86_400_000_000
    assert json.loads(run("config", "show", "--json", file)[1]) == yaml.safe_load(output)


def test_the_effective_settings_show_the_environment_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WACHTER_SOURCE__SASL", '{"mechanism": "PLAIN", "username": "agent", "password": "hunter2"}')
    code, output, errors = run("config", "show", write(tmp_path))
    assert code == 0
    assert "agent" in output
    assert "hunter2" not in output + errors


def test_settings_that_cannot_be_shown_exit_with_one(tmp_path: Path) -> None:
    code, output, errors = run("config", "show", tmp_path / "none.yaml")
    assert (code, output) == (1, "")
    assert "No such file" in errors


def test_the_schema_is_json_and_names_every_section() -> None:
    code, output, _ = run("schema")
    assert code == 0
    assert {"source", "systems", "receivers"} <= set(json.loads(output)["properties"])


def test_names_that_no_detector_has_are_told_with_the_other_mistakes(tmp_path: Path) -> None:
    text = (EXAMPLES[0].read_text()).replace("type: kafka", "type: kafka\n  flavour: mild")
    path = tmp_path / "wachter.yaml"
    path.write_text(text + "thresholds: {js_distanc: {tolerance: 0.2}}\n")
    assert {problem.path for problem in commands.find_problems(path)} == {"source.flavour", "thresholds.js_distanc"}


def test_a_default_that_waits_for_a_wrong_key_is_no_mistake_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "wachter.yaml"
    text = EXAMPLES[0].read_text()
    path.write_text(text.replace("task:", "window: {length: 10 parsecs}\n        task:", 1))
    assert [problem.path for problem in commands.find_problems(path)] == ["systems[0].models[0].window.length"]


def test_a_mistake_in_the_web_config_is_one_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("basic_auth_users: {ada: hunter2}\n")
    code, _, errors = run("check", write(tmp_path, listen={"web_config": "web.yml"}))
    assert code == 1
    assert "web.yml: basic_auth_users" in errors
    assert "hunter2" not in errors
