"""The figures of the fault tests: one table at the end of ``make test-faults``, and JSON where it is asked for.

``WACHTER_FAULTS_SCALE`` stretches durations and repetitions (1 is the quick form, 20 that of a release),
``WACHTER_FAULTS_REPORT`` names the file that gets the figures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

SCALE = float(os.environ.get("WACHTER_FAULTS_SCALE", "1"))
"""How much longer and how much more often than in the quick form."""
SEED = int(os.environ.get("WACHTER_TEST_SEED", "23"))
"""Of all that is drawn at random."""
PROPERTY = "figures"

Figures = Mapping[str, object]


def scaled(quick: int, most: int) -> int:
    """A number that grows with the scale, up to that of a release."""
    return max(1, min(most, round(quick * SCALE)))


def table(results: Iterable[tuple[str, str, Figures]]) -> str:
    """(test, outcome, figures) as text, one test a line."""
    rows = [
        (test, outcome, ", ".join(f"{k} {_short(v)}" for k, v in found.items())) for test, outcome, found in results
    ]
    width = max((len(test) for test, _, _ in rows), default=0)
    return "\n".join(f"{test:<{width}}  {outcome:<7}  {found}".rstrip() for test, outcome, found in sorted(rows))


def write(results: Iterable[tuple[str, str, Figures]], path: Path) -> None:
    """The same as JSON, with scale and seed."""
    tests = [{"test": test, "outcome": outcome, "figures": dict(found)} for test, outcome, found in sorted(results)]
    path.write_text(json.dumps({"scale": SCALE, "seed": SEED, "tests": tests}, indent=1) + "\n")


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
