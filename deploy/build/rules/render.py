"""Rules and their cases as YAML, as Prometheus and promtool read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from deploy.build.rules.rule import Alert, Record, RuleFile
from deploy.build.rules.trial import Series

WRITTEN_BY = "# Written by python -m deploy.build.rules; change the rules there, not here."
_LABEL = re.compile(r"{{ \$labels\.(\w+) }}")
_VALUE = re.compile(r"{{ \$value[^}]*}}")


class _Dumper(yaml.SafeDumper):
    """Keeps the order of keys, and writes expressions of several lines as they stand."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def rules_yaml(file: RuleFile, runbooks: str) -> str:
    """A rule file; ``runbooks`` is the address of the page that has a section for each alert."""
    groups = [{"name": group.name, "rules": [_rule(rule, runbooks) for rule in group.rules]} for group in file.groups]
    return _yaml({"groups": groups}, file.head)


def cases_yaml(file: RuleFile, runbooks: str) -> str:
    """The promtool test file of a rule file, to lie in a directory beside the one of the rules."""
    tests = [case for alert in file.alerts for case in _cases(alert, runbooks)]
    head = f"Cases of {file.name}: promtool test rules {file.name}.test.yml"
    return _yaml({"rule_files": [f"../rules/{file.name}.yml"], "evaluation_interval": "1m", "tests": tests}, head)


def runbook_url(alert: Alert, runbooks: str) -> str:
    """The section of the runbooks; anchors are headings in lower case."""
    return f"{runbooks}#{alert.name.lower()}"


def _yaml(document: Mapping[str, Any], head: str) -> str:
    comment = "\n".join(f"# {line}" for line in head.splitlines())
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    return f"{comment}\n#\n{WRITTEN_BY}\n{body}"


def _rule(rule: Record | Alert, runbooks: str) -> dict[str, Any]:
    if isinstance(rule, Record):
        return {"record": rule.name, "expr": rule.expr}
    return {
        "alert": rule.name,
        "expr": rule.expr,
        "for": f"{rule.wait_minutes}m",
        "labels": {"severity": rule.severity} if rule.severity else {},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook_url": runbook_url(rule, runbooks),
        },
    }


def _cases(alert: Alert, runbooks: str) -> Iterator[dict[str, Any]]:
    trials = alert.trials
    fires_at = trials.holds_from + alert.wait_minutes
    yield _case(f"{alert.name} fires", trials.firing, alert, fires_at, [_fired(alert, runbooks)])
    yield _case(f"{alert.name} waits {alert.wait_minutes} minutes", trials.firing, alert, fires_at - 1, [])
    for quiet in trials.quiet:
        yield _case(f"{alert.name} stays quiet: {quiet.why}", quiet.series, alert, quiet.at_minutes, [])


def _case(name: str, series: Series, alert: Alert, minutes: int, expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": selector, "values": values} for selector, values in series.items()],
        "alert_rule_test": [{"eval_time": f"{minutes}m", "alertname": alert.name, "exp_alerts": expected}],
    }


def _fired(alert: Alert, runbooks: str) -> dict[str, Any]:
    labels = {**({"severity": alert.severity} if alert.severity else {}), **alert.trials.labels}
    return {
        "exp_labels": labels,
        "exp_annotations": {
            "summary": _filled(alert.summary, alert),
            "description": _filled(alert.description, alert),
            "runbook_url": runbook_url(alert, runbooks),
        },
    }


def _filled(template: str, alert: Alert) -> str:
    named = _LABEL.sub(lambda found: alert.trials.labels.get(found[1], ""), template)
    return _VALUE.sub(lambda _: alert.trials.value, named)
