"""``python -m bench [windows] [pipeline] [evidence] [evidence_verify] [install]``: measure, and print a table.

``--json FILE`` writes the figures too.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from importlib import import_module
from pathlib import Path

from rich.console import Console

from bench.report import Figure, machine, table
from tests.parts import kafka, provision

BENCHES = ("windows", "pipeline", "evidence", "evidence_verify", "install")
NEED_KAFKA = ("pipeline",)
WIDTH = 130  # of the table; a narrow terminal wraps whole lines rather than cells


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHES)}; all without one")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; choose from {', '.join(BENCHES)}")
    provision.extend_path()
    console = Console(highlight=False)
    figures: list[Figure] = []
    for name in arguments.names or BENCHES:
        if name in NEED_KAFKA and (reason := kafka.missing()):
            console.print(f"{name} is skipped: {reason}")
            continue
        with console.status(f"measuring: {name}"):
            figures += import_module(f"bench.{name}").run()
    Console(highlight=False, width=max(console.width, WIDTH)).print(table(figures))
    if arguments.json:
        shown = [{**dataclasses.asdict(figure), "verdict": figure.verdict} for figure in figures]
        arguments.json.write_text(json.dumps({"machine": machine(), "figures": shown}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
