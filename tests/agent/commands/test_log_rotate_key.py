"""``wachter log rotate-key``: the log goes on under a new key, and who holds the old one can follow."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from agent.cli import app
from agent.clock import WallClock
from agent.evidence import rotating
from agent.evidence.begin import key_file, log_directory, open_log
from agent.state.store import Store
from config.errors import KeyFileError, NoteError
from config.settings import load
from exporters.evidence.keys import read_key, read_verifiers
from exporters.evidence.note import open_checkpoint
from exporters.evidence.reader import LogReader
from exporters.evidence.signer import Verifier
from exporters.evidence.verify import verify
from tests.agent.commands.test_log_upkeep import SETTINGS
from tests.agent.stage import Stage, events


def run(file: Path, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["log", "rotate-key", "--settings", str(file), "--by", "kim", *arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The settings of an agent that has run and ended."""
    path = tmp_path / "wachter.yaml"
    path.write_text(yaml.safe_dump({**SETTINGS, "state": {"directory": str(tmp_path / "state")}}))
    run_agent(path, "a", 0)
    return path


def run_agent(file: Path, name: str, minute: int) -> None:
    stage = Stage(load(file, {}))
    stage.run(*events(name, minute, minute + 9, 20))
    stage.step.end("stopped")
    stage.close()


def open_again(file: Path) -> None:
    """Open state and log, as an agent does when it starts."""
    settings = load(file, {})
    with Store(settings.state.directory) as store:
        open_log(settings, store, WallClock())[0].close()


def log_of(file: Path) -> Path:
    return log_directory(load(file, {}))


def last_note(file: Path) -> bytes:
    shard = LogReader(log_of(file)).shards()[-1]
    return (log_of(file) / shard / "checkpoint").read_bytes()


def key_leaves(file: Path) -> list[dict[str, object]]:
    reader = LogReader(log_of(file))
    found = [json.loads(entry) for shard in reader.shards() for entry in reader.entries(shard)]
    return [leaf for leaf in found if leaf["type"] == "key"]


def assert_verifies(file: Path) -> None:
    assert verify(log_of(file), read_verifiers(log_of(file) / "log.vkey")).findings == ()


def test_both_keys_sign_the_checkpoint_over_the_entry_that_names_them(file: Path) -> None:
    (old,) = read_verifiers(log_of(file) / "log.vkey")
    code, output, error = run(file, "--json")
    assert code == 0, error
    answer = json.loads(output)
    new = Verifier.parse(answer["new"])
    assert read_verifiers(log_of(file) / "log.vkey") == (old, new)
    assert [open_checkpoint(last_note(file), [key]).size for key in (old, new)] == [answer["size"]] * 2
    (leaf,) = key_leaves(file)
    assert (
        (leaf["old"], leaf["new"], leaf["actor"])
        == (answer["old"], answer["new"], "kim")
        == (str(old), str(new), "kim")
    )
    assert_verifies(file)


def test_the_agent_goes_on_under_the_new_key_alone(file: Path) -> None:
    assert run(file)[0] == 0
    run_agent(file, "b", 20)
    old, new = read_verifiers(log_of(file) / "log.vkey")
    path = key_file(load(file, {}))
    assert read_key(path).verifier == new
    assert path.stat().st_mode & 0o777 == 0o600
    assert [name.name for name in path.parent.glob("log.key*")] == ["log.key"]
    open_checkpoint(last_note(file), [new])
    with pytest.raises(NoteError, match="no known key signed"):
        open_checkpoint(last_note(file), [old])
    assert_verifies(file)
    assert verify(log_of(file), [old]).findings == ()


def test_people_are_told_which_line_to_keep(file: Path) -> None:
    code, output, _ = run(file)
    assert code == 0
    assert f"new {read_verifiers(log_of(file) / 'log.vkey')[-1]}" in output
    assert "elsewhere" in output


def test_an_exchange_that_was_interrupted_keeps_the_agent_from_starting_until_it_is_done_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise KeyFileError(f"{path}: the signing key cannot be exchanged: Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(rotating, "exchange_key", fail)
        code, _, error = run(file)
    assert (code, "cannot be exchanged" in error) == (1, True)
    with pytest.raises(KeyFileError, match="`wachter log rotate-key` was interrupted, run it again"):
        open_again(file)
    assert run(file)[0] == 0
    run_agent(file, "b", 20)
    assert len(read_verifiers(log_of(file) / "log.vkey")) == 2
    assert_verifies(file)


def test_the_key_of_an_agent_that_runs_is_not_exchanged(file: Path) -> None:
    before = key_file(load(file, {})).read_bytes()
    stage = Stage(load(file, {}))
    try:
        code, _, error = run(file)
    finally:
        stage.close()
    assert code == 1
    assert "stop it first" in error
    assert key_file(load(file, {})).read_bytes() == before


def test_an_old_key_that_is_put_back_signs_nothing(file: Path, tmp_path: Path) -> None:
    path = key_file(load(file, {}))
    shutil.copy2(path, tmp_path / "kept.key")
    assert run(file)[0] == 0
    shutil.copy2(tmp_path / "kept.key", path)
    with pytest.raises(KeyFileError, match="was exchanged for a newer one"):
        open_again(file)


def test_an_agent_can_start_after_two_exchanges(file: Path) -> None:
    for _ in range(2):
        assert run(file)[0] == 0
    run_agent(file, "b", 20)
    assert len(read_verifiers(log_of(file) / "log.vkey")) == 3
    assert_verifies(file)
