"""The size of a slim install: the runtime lock and Wachter in a fresh environment, without pip."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.report import Figure

ROOT = Path(__file__).resolve().parents[1]


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "slim"
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-compile"]
        lock = ["--require-hashes", "-r", str(ROOT / "requirements" / "runtime.txt")]
        subprocess.run([*pip, "--target", str(target), *lock], check=True)
        yield Figure("slim install", _megabytes(target), "MB", target=300, note="no extras, no pip, no byte code")
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(target)], check=False, capture_output=True)
        yield Figure("slim install, all byte code written", _megabytes(target), "MB", target=300)


def _megabytes(directory: Path) -> float:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file()) / 1e6
