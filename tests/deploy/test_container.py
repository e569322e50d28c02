"""The container file: what its linter, its stages and a process under the same limits say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.tools import DEPLOY, ROOT, tool
from tests.parts.kafka import free_ports
from tests.parts.monitoring import require

FILE = DEPLOY / "container" / "Containerfile"
HEALTHCHECK = FILE.with_name("healthcheck.py")
USER = "10001"

Stage = list[tuple[str, str]]


def stages() -> dict[str, Stage]:
    """The instructions of each stage: keyword and rest, in order."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", FILE.read_text()))
    found: dict[str, Stage] = {}
    instructions: Stage = []
    for line in filter(None, text.splitlines()):
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            found[rest.rpartition(" AS ")[2]] = instructions = []
        instructions.append((keyword, rest))
    return found


def words_of(stage: Stage, keyword: str) -> list[str]:
    """What follows each instruction of one kind."""
    return [rest for name, rest in stage if name == keyword]


@pytest.fixture
def small_world() -> Iterator[Path]:
    """A directory that an ordinary user can reach, with settings, and a volume that is theirs."""
    directory = Path(tempfile.mkdtemp(prefix="wachter-"))
    directory.chmod(0o755)
    shutil.copy(ROOT / "config" / "examples" / "regression.yaml", directory / "wachter.yaml")
    (directory / "volume").mkdir()
    os.chown(directory / "volume", int(USER), int(USER))
    yield directory
    shutil.rmtree(directory)


@pytest.mark.parts
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([tool("hadolint"), FILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_there_are_a_slim_and_a_full_image() -> None:
    assert {"slim", "full"} <= set(stages())
    assert words_of(stages()["full"], "FROM") == ["slim AS full"]


def test_nothing_runs_as_root() -> None:
    assert words_of(stages()["slim"], "USER") == [f"{USER}:{USER}"]
    assert not any(words_of(stages()[name], "USER") for name in ("full", "demo"))


def test_the_volume_is_the_one_place_that_is_written_to() -> None:
    slim = stages()["slim"]
    (environment,) = words_of(slim, "ENV")
    assert words_of(slim, "VOLUME") == ['["/var/lib/wachter"]']
    assert words_of(slim, "WORKDIR") == ["/var/lib/wachter"]
    assert {"HOME=/var/lib/wachter", "TMPDIR=/var/lib/wachter", "PYTHONDONTWRITEBYTECODE=1"} <= set(environment.split())


def test_signals_reach_the_agent_itself() -> None:
    assert words_of(stages()["slim"], "ENTRYPOINT") == ['["wachter"]']


def test_images_that_run_hold_no_installer_and_no_tool_of_the_build() -> None:
    for name in ("slim", "full", "demo"):
        copied = [rest for rest in words_of(stages()[name], "COPY") if rest.startswith("--from=build")]
        assert all("/opt/wachter" in rest and "/build" not in rest for rest in copied)
        assert not any("pip" in rest for rest in words_of(stages()[name], "RUN"))


def test_everything_that_is_installed_is_locked_with_its_hash() -> None:
    for stage in stages().values():
        for command in re.findall(r"pip (?:--python \S+ )?install [^&]*", " ".join(words_of(stage, "RUN"))):
            assert "--require-hashes" in command or command.strip().endswith("--no-deps dist/*.whl")


def test_the_installer_knows_that_a_pin_with_an_extra_is_a_pin() -> None:
    (major,) = re.findall(r"^pip==(\d+)", (ROOT / "requirements" / "build.txt").read_text(), re.MULTILINE)
    assert int(major) >= 24


def test_every_source_is_there_and_in_the_context() -> None:
    allowed = [line[1:] for line in ignored() if line.startswith("!")]
    for source in sources():
        assert (ROOT / source).exists()
        assert any(source == path or source.startswith(f"{path}/") for path in allowed), source


def test_the_context_leaves_out_whatever_is_not_named() -> None:
    assert ignored()[0] == "*"


@pytest.mark.parts
def test_the_agent_runs_as_nobody_in_particular_and_writes_to_its_volume_alone(small_world: Path) -> None:
    volume = small_world / "volume"
    with confined(volume) as (process, address):
        wait_until_healthy(process, address)
        process.terminate()
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert (volume / "wachter-state" / "state.db").exists()


@contextmanager
def confined(volume: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``wachter run`` as the image runs it: without a name, all but the volume read-only; yields it and its address."""
    unshare, setpriv = require("unshare", "setpriv")
    (port,) = free_ports(1)
    script = f"""
        mount --make-rprivate / && mount --bind {volume} {volume} && mount -o remount,ro,bind / && cd {volume}
        exec {setpriv} --reuid {USER} --regid {USER} --clear-groups \
            {ROOT}/.venv/bin/wachter run --settings ../wachter.yaml --log-json
    """
    own = {"HOME": volume, "TMPDIR": volume, "PYTHONDONTWRITEBYTECODE": "1", "WACHTER_LISTEN__PORT": port}
    environment = {**os.environ, **{name: str(value) for name, value in own.items()}}
    command = [unshare, "--mount", "sh", "-ec", script]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield process, f"http://127.0.0.1:{port}/-/healthy"
    finally:
        process.kill()
        process.communicate()


def wait_until_healthy(process: subprocess.Popen[str], address: str, timeout_seconds: float = 40.0) -> None:
    """Ask what the image's HEALTHCHECK asks, until it is content."""
    deadline = time.monotonic() + timeout_seconds
    while subprocess.run([sys.executable, HEALTHCHECK, address], capture_output=True, check=False).returncode:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "not healthy in time"


def ignored() -> list[str]:
    """Lines of the ignore file, comments left out."""
    lines = FILE.with_name("Containerfile.dockerignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def sources() -> list[str]:
    """What is copied from the context."""
    copied = [rest for stage in stages().values() for rest in words_of(stage, "COPY") if not rest.startswith("--")]
    return [source for rest in copied for source in rest.split()[:-1]]
