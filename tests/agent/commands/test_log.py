"""``wachter log``: verify, tail, show, prove and export, as people and programs call them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from agent.commands import log as commands
from agent.commands.common import time_text
from exporters.evidence import layout
from exporters.evidence.entries import Entries
from exporters.evidence.note import Signer
from exporters.evidence.proof_file import ProofFile
from tests.exporters.evidence.payload_edits import edit_payloads, replaced
from tests.exporters.evidence.whole_log import NAME, NOVEMBER_US, SIGNER, WholeLog, small_log

app = typer.Typer()
commands.register(app)
STRANGER = str(Signer(NAME, bytes(32)).verifier)


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["log", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def told(*arguments: object) -> Any:
    code, out, error = run(*arguments, "--json")
    assert code == 0, error
    return json.loads(out)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_log(tmp_path_factory.mktemp("small") / "log")


@pytest.fixture
def damaged(log: Path, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(log, tmp_path / "log"))
    segment = layout.range_path(copy / "2026-12", layout.SEGMENT, 0)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    return copy


def test_a_sound_log_is_told_with_its_sizes(log: Path) -> None:
    code, out, _ = run("verify", log)
    assert code == 0
    assert "2026-11  376 entries, 376 signed, 3 checkpoints" in out
    assert "ok 672 entries and 5 checkpoints are what was written" in out


def test_damage_is_named_by_file_and_byte_with_exit_code_1(damaged: Path) -> None:
    code, out, _ = run("verify", damaged)
    assert code == 1
    assert "wrong 2026-12/segment/000, byte" in out
    assert "its digest differs" in out
    code, out, _ = run("verify", damaged, "--json")
    report = json.loads(out)
    assert (code, report["ok"]) == (1, False)
    assert report["findings"][0]["where"].startswith("2026-12/segment/000, byte")


def test_what_verify_tells_programs_is_whole(log: Path) -> None:
    report = told("verify", log)
    assert report["ok"]
    assert [shard["signed"] for shard in report["shards"]] == [376, 296]
    assert report["shards"][0]["payloads"] == {"absent": 5, "plain": 331, "sealed": 40}
    assert report["positions"] == [["scoring", 0, 661]]
    assert (report["findings"], report["notes"], report["gaps"]) == ([], [], [])


def test_a_key_that_is_held_elsewhere_decides(log: Path, tmp_path: Path) -> None:
    held = tmp_path / "held.vkey"
    held.write_text(f"{SIGNER.verifier}\n")
    assert run("verify", log, "--key", held)[0] == 0
    code, out, _ = run("verify", log, "--key", STRANGER)
    assert code == 1
    assert "no known key signed the note" in out


def test_a_kept_checkpoint_is_compared(log: Path, damaged: Path) -> None:
    assert run("verify", log, "--checkpoint", log / "2026-11" / layout.CHECKPOINT)[0] == 0
    code, out, _ = run("verify", log, "--checkpoint", log / layout.VERIFIERS)
    assert code == 1
    assert "the checkpoint that was kept" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "nowhere"), "there is no such directory"),
        (("verify", "."), "holds no log"),
        (("verify",), "name the directory of the log, or give --settings FILE"),
        (("tail", "nowhere"), "there is no such directory"),
        (("verify", ".", "--settings", "nowhere.yaml"), "holds no log"),
        (("verify", "--settings", "nowhere.yaml"), "the settings cannot be used"),
    ],
)
def test_what_cannot_be_read_is_said_with_exit_code_2(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, error = run(*arguments)
    assert code == 2
    assert said in error


def test_tail_prints_the_last_entries_the_newest_last(log: Path) -> None:
    _, out, _ = run("tail", log, "-n", 3)
    assert [line.split()[0] for line in out.splitlines()] == ["2026-12/293", "2026-12/294", "2026-12/295"]


def test_tail_goes_back_over_shards_for_a_type(log: Path) -> None:
    _, out, _ = run("tail", log, "--type", "window", "--json")
    entries = [json.loads(line) for line in out.splitlines()]
    assert [(one["shard"], one["leaf"]["type"]) for one in entries] == [("2026-11", "window"), ("2026-12", "window")]


def test_tail_knows_its_types(log: Path) -> None:
    code, _, error = run("tail", log, "--type", "rumour")
    assert code == 2
    assert "there is no type rumour" in error


def test_show_tells_one_decision_on_one_screen_without_its_payload(log: Path) -> None:
    code, out, _ = run("show", "e-3", log)
    assert code == 0
    for line in (
        "decided   approve", "by        lending/credit, version 1", "envelope  inside", "class     accepted",
        "record    scoring partition 0 offset 3", "label     at", "by kim: checked", "proof     checked: entry 6 of 376",
        f"signed by {SIGNER.verifier.name}+{SIGNER.verifier.key_id.hex()}",
    ):  # fmt: skip
        assert line in out
    assert "income" not in out
    assert len(out.splitlines()) < 24


def test_show_prints_payloads_only_where_asked(log: Path) -> None:
    assert '"income":3' in run("show", "e-3", log, "--payload")[1]
    assert "income" not in json.dumps(told("show", "e-3", log))
    assert "income" in told("show", "e-3", log, "--payload")["decision"]["value"]


def test_show_tells_programs_what_it_tells_people(log: Path) -> None:
    record = told("show", "e-3", log)
    assert record["decision"]["leaf"]["output"] == "approve"
    assert record["reviews"][0]["actor"] == "kim"
    assert len(record["labels"]) == 1
    assert record["proof"]["checked"]
    assert record["proof"]["size"] == 376


def test_show_names_copies_with_other_bytes(tmp_path: Path) -> None:
    whole = WholeLog(tmp_path / "log")
    whole.step(whole.events(1))
    again = whole.events(1)
    leaf = again.leaves[0].replace(b'"e-1"', b'"e-0"').replace(b"accepted", b"duplicate")
    whole.step(Entries([leaf], again.payloads, again.salts))
    _, out, _ = run("show", "e-0", whole.close())
    assert "copy      duplicate" in out
    assert "other bytes" in out


def test_show_says_which_shards_were_searched(log: Path) -> None:
    code, _, error = run("show", "nobody", log)
    assert code == 1
    assert "bears the id 'nobody'; shards searched: 2026-11, 2026-12" in error


def test_show_says_that_no_checkpoint_covers_an_event_yet(tmp_path: Path) -> None:
    whole = WholeLog(tmp_path / "log")
    whole.step(whole.events(1))
    code, out, _ = run("show", "e-0", whole.directory)
    whole.log.close()
    assert code == 0
    assert "no checkpoint covers it yet" in out


def test_an_id_cannot_disturb_a_terminal(tmp_path: Path) -> None:
    whole = WholeLog(tmp_path / "log")
    events = whole.events(1)
    leaf = events.leaves[0].replace(b'"approve"', b'"\\u001b[31m[red]"')
    whole.step(Entries([leaf], events.payloads, events.salts))
    _, out, _ = run("show", "e-0", whole.close())
    assert "\x1b[31m" not in out
    assert "\\x1b[31m[red]" in out


def test_a_proof_is_checked_before_it_is_written_and_later_without_the_log(log: Path, tmp_path: Path) -> None:
    file = tmp_path / "e-3.tlog-proof"
    code, out, _ = run("prove", "e-3", log, "-o", file)
    assert code == 0
    assert "proven entry 6 of 376" in out
    code, out, _ = run("prove", "--check", file, "--key", str(SIGNER.verifier))
    assert code == 0
    assert "id=e-3" in out
    assert ProofFile.parse(file.read_bytes()).index == 6


def test_an_entry_is_proven_by_its_number(log: Path) -> None:
    record = told("prove", "--entry", "2026-12/0", "--log", log)
    assert record["leaf"]["type"] == "shard"
    assert (record["shard"], record["entry"], record["size"]) == ("2026-12", 0, 296)


def test_a_changed_proof_or_another_key_does_not_pass(log: Path, tmp_path: Path) -> None:
    file = tmp_path / "e-3.tlog-proof"
    run("prove", "e-3", log, "-o", file)
    assert run("prove", "--check", file, "--key", STRANGER)[0] == 1
    file.write_bytes(file.read_bytes().replace(b"index 6", b"index 7"))
    code, _, error = run("prove", "--check", file, "--key", str(SIGNER.verifier))
    assert code == 1
    assert "leads to the root" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prove",), "name an event, or an entry"),
        (("prove", "--entry", "nine"), "write SHARD/NUMBER"),
        (("prove", "--check", "nowhere"), "give the public key"),
    ],
)
def test_prove_says_how_it_is_called(arguments: tuple[str, ...], said: str, log: Path) -> None:
    more = ("--log", log) if "--entry" in arguments else ()
    code, _, error = run(*arguments, *more)
    assert code == 2
    assert said in error


def test_an_export_is_verified_and_shown_like_the_log(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, printed, _ = run("export", out, log)
    assert code == 0
    assert "README.txt says how to verify" in printed
    assert run("verify", out)[0] == 0
    assert told("show", "e-3", out)["decision"] == told("show", "e-3", log)["decision"] | {
        "payload": "absent",
        "is_right": None,
    }


def test_months_are_chosen_by_name_or_time(log: Path, tmp_path: Path) -> None:
    facts = told("export", tmp_path / "out", log, "--from", "2026-12-05T00:00:00Z", "--to", "2026-12")
    assert facts["shards"] == {"2026-12": 296}
    code, _, error = run("export", tmp_path / "none", log, "--from", "2027-01")
    assert code == 1
    assert "no shard lies there; there are: 2026-11, 2026-12" in error
    assert run("export", tmp_path / "none", log, "--from", "soon")[0] == 2


def test_a_time_beyond_the_calendar_is_told_as_its_number() -> None:
    assert time_text(NOVEMBER_US) == "2026-11-18T11:06:40.000Z"
    assert time_text(10**20) == str(10**20)


def test_show_ends_with_exit_code_1_where_a_payload_was_changed(log: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(log, tmp_path / "log"))
    edit_payloads(copy / "2026-11", replaced(b'"reason":"checked"', b'"reason":"refused"'))
    code, out, _ = run("show", "e-3", copy)
    assert code == 1
    assert "payload   not what the leaf commits to" in out
    assert run("show", "e-3", copy, "--json")[0] == 1
    assert run("show", "e-4", copy)[0] == 0


@pytest.fixture
def unreadable(log: Path, tmp_path: Path) -> Path:
    """A segment that the system does not open, whoever asks: a link to itself."""
    copy = Path(shutil.copytree(log, tmp_path / "log"))
    segment = layout.range_path(copy / "2026-12", layout.SEGMENT, 0)
    segment.unlink()
    segment.symlink_to(segment.name)
    return copy


@pytest.mark.parametrize("arguments", [("tail",), ("show", "e-3")])
def test_a_file_that_cannot_be_opened_is_said_without_a_traceback(unreadable: Path, arguments: tuple[str, ...]) -> None:
    code, out, error = run(*arguments, unreadable)
    assert (code, out) == (2, "")
    assert "2026-12/segment/000" in error


@pytest.mark.parametrize("arguments", [("tail",), ("show", "nobody")])
def test_a_month_without_its_file_is_not_passed_over(log: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    copy = Path(shutil.copytree(log, tmp_path / "log"))
    layout.range_path(copy / "2026-11", layout.SEGMENT, 0).unlink()
    code, _, error = run(*arguments, copy, *(("-n", "400") if arguments == ("tail",) else ()))
    assert code != 0
    assert "holds 0 entries, but its checkpoint covers 376" in error
