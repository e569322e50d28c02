"""The tools that check ``deploy/``: ``tests.parts.provision`` installs them from ``requirements/deploy.txt``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
TOOLS = ROOT / ".parts" / "deploy" / "bin"


def tool(name: str) -> str:
    """Path of a tool. Skips where it is missing; fails where CI promises it."""
    path = TOOLS / name
    if path.exists():
        return str(path)
    reason = f"{name} is missing: python -m tests.parts.provision"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
