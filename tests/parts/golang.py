"""The Go program that checks evidence logs without our code: ``tests/evidence_go``, built once in a session of tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "tests" / "evidence_go"
HOME = ROOT / ".parts" / "go"
VERIFIER = HOME / "bin" / "verify"

_ENVIRONMENT = {
    "GOPATH": str(HOME),
    "GOMODCACHE": str(HOME / "mod"),
    "GOCACHE": str(HOME / "cache"),
    "GOFLAGS": "-buildvcs=false -modcacherw -mod=readonly",
    "CGO_ENABLED": "0",
}


def missing() -> str | None:
    """Why the program cannot be built here; ``None`` if it can."""
    if shutil.which("go") is None:
        return "Go is missing: python -m tests.parts.provision"
    if not _module().is_dir():
        return "golang.org/x/mod is missing: python -m tests.parts.provision"
    return None


def provision() -> None:
    """Fetch the modules that ``go.mod`` names; ``go.sum`` holds their hashes."""
    go("mod", "download")


@cache
def build() -> Path:
    """Build the program; Go's own cache makes that quick when nothing changed."""
    go("build", "-o", str(VERIFIER), "./verify")
    return VERIFIER


def verifier() -> Callable[..., tuple[int, str]]:
    """Runs the program: exit code, and what it printed. Without Go the test is skipped, in CI it fails."""
    reason = missing()
    if reason is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    program = build()

    def run(*arguments: object) -> tuple[int, str]:
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def go(*arguments: str) -> str:
    """Run Go on the program's sources; returns what it prints."""
    environment = {**os.environ, **_ENVIRONMENT}
    done = subprocess.run(["go", *arguments], cwd=SOURCE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
    return done.stdout


def _module() -> Path:
    """Where Go keeps the one module that ``go.mod`` requires."""
    line = next(line for line in (SOURCE / "go.mod").read_text().splitlines() if line.startswith("require "))
    _, name, version = line.split()
    return HOME / "mod" / f"{name}@{version}"
