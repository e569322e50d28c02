"""Locks, make targets and the licence."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("runtime.txt", "dev.txt", "reports.txt")
ROOMS = ("agent", "config", "detectors", "exporters")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def locked(lock: str) -> dict[str, str]:
    """Name to block of lines."""
    blocks = re.split(r"(?m)^(?=\S)", (ROOT / "requirements" / lock).read_text())
    return {name_of(block): block for block in blocks if block.strip()}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_and_no_addresses(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert "://" not in text
    assert "--index" not in text
    for name, block in locked(lock).items():
        assert "==" in block, f"{name} is not pinned"
        assert "--hash=sha256:" in block, f"{name} has no hash"


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("runtime.txt", PROJECT["project"]["dependencies"]),
        ("dev.txt", PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]),
        ("dev.txt", [r for e in ("demo", "parquet") for r in PROJECT["project"]["optional-dependencies"][e]]),
        ("reports.txt", PROJECT["project"]["optional-dependencies"]["reports"]),
    ],
)
def test_a_lock_holds_what_the_project_declares(lock: str, requirements: list[str]) -> None:
    missing = {name_of(requirement) for requirement in requirements} - set(locked(lock))
    assert not missing, f"run make lock: {missing}"


def test_nobody_is_told_to_install_wachter_from_an_index() -> None:
    """The name is nobody's there: whoever takes it would be installed in our place."""
    from_an_index = re.compile(r"pip install[^\n]*['\" ]wachter(\[|['\"\s])")
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/helm/**/*.*")]
    texts += chain.from_iterable(ROOT.glob(f"{room}/**/*.py") for room in ROOMS)
    assert [str(file) for file in texts if from_an_index.search(file.read_text())] == []


def imported(file: Path) -> Iterator[str]:
    """Top-level names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def test_whatever_the_agent_imports_is_declared() -> None:
    """A package that comes only because another one needs it today may be gone tomorrow."""
    extras = [PROJECT["project"]["optional-dependencies"][extra] for extra in ("parquet", "apprise", "reports")]
    declared = {name_of(requirement) for requirement in chain(PROJECT["project"]["dependencies"], *extras)}
    names = {name for room in ROOMS for file in (ROOT / room).rglob("*.py") for name in imported(file)}
    distributions = packages_distributions()
    for name in names - sys.stdlib_module_names - set(ROOMS):
        known_as = {name_of(one) for one in distributions.get(name, [name])}
        assert declared & known_as, f"{name} is imported, but not declared"


def test_evidently_stays_out_of_the_development_environment() -> None:
    assert "evidently" not in locked("dev.txt")


def test_make_help_names_every_target() -> None:
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"(?m)^  make (\S+)", printed) == [
        "help", "setup", "parts", "peers", "demo", "test", "test-quick", "test-faults", "check", "audit", "format",
        "bench", "deploy-files", "lock", "clean",
    ]  # fmt: skip


def test_the_licence_is_the_one_that_the_package_states() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()
