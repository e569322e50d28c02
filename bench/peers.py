"""Evidently and NannyML on the same rows, where an environment of their own has them.

``make peers`` makes one with Evidently; ``WACHTER_BENCH_PEERS=/path/to/python`` names another.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from bench import events

VARIABLE = "WACHTER_BENCH_PEERS"
DEFAULT = Path(__file__).resolve().parents[1] / ".parts" / "peers" / "bin" / "python"
QUIET = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
"""Both libraries report their use over the network unless they are told not to."""
SCRIPT = Path(__file__).with_name("peer_runs.py")


def seconds(reference: events.Rows, window: events.Rows) -> dict[str, float]:
    """Seconds per window by library; empty where there is no such environment."""
    python = os.environ.get(VARIABLE, str(DEFAULT))
    if not Path(python).exists():
        return {}
    with tempfile.TemporaryDirectory() as directory:
        for name, rows in (("reference", reference), ("window", window)):
            np.savez(Path(directory) / f"{name}.npz", numbers=rows.numbers, categories=rows.categories,
                     score=rows.score, label=rows.label)  # fmt: skip
        command = [python, "-W", "ignore", str(SCRIPT), directory]
        environment = {**os.environ, **QUIET}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured
