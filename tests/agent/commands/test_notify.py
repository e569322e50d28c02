from __future__ import annotations

from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from agent.commands import notify
from tests.agent.delivery.smtp_sink import smtp_sink
from tests.config import sample
from tests.faults.receiver import receiving

app = typer.Typer()
notify.register(app)
KEY = "hunter2-correct-horse"


def run(directory: Path, name: str, *receivers: dict[str, object]) -> tuple[int, str]:
    file = directory / "wachter.yaml"
    file.write_text(yaml.safe_dump(sample.settings(receivers=list(receivers))))
    result = CliRunner().invoke(app, ["notify", "test", name, "--settings", str(file)])
    return result.exit_code, result.output


def test_a_webhook_is_sent_a_test_and_its_end(tmp_path: Path) -> None:
    with receiving() as receiver:
        code, output = run(tmp_path, "oncall", receiver.settings(secret=KEY))
    assert code == 0
    assert [told.status for told in receiver.told] == ["firing", "resolved"]
    assert b"This is a test of the receiver oncall; nothing is wrong" in receiver.raw[0].body
    assert output.count("taken") == 2


def test_a_mail_server_is_sent_both_as_well(tmp_path: Path) -> None:
    with smtp_sink() as sink:
        mail = {"type": "email", "name": "mail", "host": "localhost", "port": sink.port, "security": "none"}
        code, _ = run(tmp_path, "mail", {**mail, "sender": "w@example.org", "to": "a@example.org"})
    assert code == 0
    assert [mail["Subject"].partition(":")[0] for mail in sink.mails] == ["[Wachter] info", "[Wachter] resolved"]


def test_a_receiver_that_refuses_is_said_with_its_answer(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.status = 403
        code, output = run(tmp_path, "oncall", receiver.settings())
    assert code == 1
    assert "not taken" in output
    assert "403" in output


@pytest.mark.parametrize("name", ["slack", "pager", "tail"])
def test_no_output_shows_a_secret(tmp_path: Path, name: str) -> None:
    dead = "http://127.0.0.1:9"
    code, output = run(
        tmp_path,
        name,
        {"type": "slack", "name": "slack", "webhook_url": f"{dead}/{KEY}"},
        {"type": "pagerduty", "name": "pager", "routing_key": KEY, "url": dead},
        {"type": "apprise", "name": "tail", "url": f"nowhere://{KEY}"},
    )
    assert code == 1
    assert "not taken" in output
    assert KEY not in output


def test_a_name_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    code, output = run(tmp_path, "nobody", {"type": "webhook", "name": "oncall", "url": "http://x"})
    assert code == 1
    assert "there are: oncall" in output
