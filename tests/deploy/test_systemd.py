"""The unit, as systemd's own tools see it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.deploy.tools import DEPLOY
from tests.parts.monitoring import require

UNIT = DEPLOY / "systemd" / "wachter.service"
PROGRAM = "/opt/wachter/bin/wachter"
MOST_EXPOSED = 15
"""Of 100; systemd calls 20 and less OK."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit with a program that exists here."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(PROGRAM, "/bin/true"))
    return unit


@pytest.mark.parts
def test_systemd_finds_no_mistake(installed: Path) -> None:
    (analyze,) = require("systemd-analyze")
    done = subprocess.run([analyze, "verify", "--man=no", installed], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parts
def test_it_is_exposed_no_more_than_it_needs(installed: Path) -> None:
    (analyze,) = require("systemd-analyze")
    command = [analyze, "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", str(installed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parts
def test_its_user_can_be_made_and_cannot_log_in(tmp_path: Path) -> None:
    (sysusers,) = require("systemd-sysusers")
    directory = tmp_path / "usr" / "lib" / "sysusers.d"
    directory.mkdir(parents=True)
    (directory / "wachter.conf").write_text((UNIT.parent / "wachter.sysusers.conf").read_text())
    (tmp_path / "etc").mkdir()
    subprocess.run([sysusers, f"--root={tmp_path}"], check=True, capture_output=True)
    entry = next(line for line in (tmp_path / "etc" / "passwd").read_text().splitlines() if line.startswith("wachter:"))
    assert entry.endswith(":/var/lib/wachter:/usr/sbin/nologin")


def test_settings_are_checked_before_the_start_and_read_again_by_a_reload() -> None:
    lines = UNIT.read_text().splitlines()
    assert f"ExecStartPre={PROGRAM} check /etc/wachter/wachter.yaml" in lines
    assert "ExecReload=/bin/kill -HUP $MAINPID" in lines


def test_a_stop_has_longer_than_the_agent_takes() -> None:
    assert "TimeoutStopSec=15s" in UNIT.read_text().splitlines()
