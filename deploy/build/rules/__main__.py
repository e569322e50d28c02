"""``python -m deploy.build.rules``: write the rule files and the cases that prove them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from deploy.build.rules import consuming, evidence, incidents, keeping, objectives, presence, telling
from deploy.build.rules.objectives import Targets
from deploy.build.rules.render import cases_yaml, rules_yaml
from deploy.build.rules.rule import RuleFile

SHIPPED = Path(__file__).resolve().parents[2] / "prometheus"
RUNBOOKS = "docs/runbooks.md"

AGENT_HEAD = """\
The agent itself: away, standing still, behind, unable to keep or to tell. For everybody."""


def rule_files(targets: Targets) -> tuple[RuleFile, ...]:
    """Every shipped file of rules."""
    groups = (presence.GROUP, consuming.GROUP, evidence.GROUP, keeping.GROUP, telling.GROUP)
    return RuleFile("wachter-agent", AGENT_HEAD, groups), objectives.rule_file(targets), incidents.FILE


def written(targets: Targets, runbooks: str) -> Iterator[tuple[str, str]]:
    """Path below the output directory, and text, of every file that is built."""
    for file in rule_files(targets):
        yield f"rules/{file.name}.yml", rules_yaml(file, runbooks)
        yield f"tests/{file.name}.test.yml", cases_yaml(file, runbooks)


def main() -> None:
    """Write all files."""
    parser = _parser()
    arguments = parser.parse_args()
    try:
        targets = Targets(arguments.answered, arguments.understood, arguments.in_time)
    except ValueError as error:
        parser.error(str(error))
    for name, text in written(targets, arguments.runbooks):
        path: Path = arguments.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _parser() -> argparse.ArgumentParser:
    default = Targets()
    parser = argparse.ArgumentParser(prog="python -m deploy.build.rules", description=__doc__)
    parser.add_argument("--output", type=Path, default=SHIPPED, help="directory that gets rules/ and tests/")
    parser.add_argument("--runbooks", default=RUNBOOKS, help="address of the page of runbooks that alerts link to")
    parser.add_argument("--answered", type=float, default=default.answered, help="share of predictions without error")
    parser.add_argument("--understood", type=float, default=default.understood, help="share of records not rejected")
    parser.add_argument("--in-time", type=float, default=default.in_time, help="share of events that are not late")
    return parser


if __name__ == "__main__":
    main()
