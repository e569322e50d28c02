"""Value sets out of values.schema.json: in each of them every value differs from its default, or is at a bound.

The i-th set takes the i-th of what a value may be, over and over: all of an enumeration, the bounds of a number, texts that
YAML would take for something else. What the schema cannot suggest is taken from ``EFFECTS``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.deploy.chart.cases import EFFECTS, MAPPED, Values
from tests.deploy.chart.render import CHART, with_value

Schema = dict[str, Any]
Choices = dict[str, list[Any]]

AWKWARD = ("true", "1e3", "null", "007")
"""Names that Kubernetes takes, and YAML without quotes for a truth value, numbers and nothing."""
SETS = 5
BOTH: Choices = {"settings": [MAPPED, None], "existingSettings": ["", "true"]}
TOGETHER: dict[str, Choices] = {
    "standalone": {**BOTH, "state.kind": ["claim", "existing", "ephemeral", ""], "replicas": [0, 1, 9]},
    "sidecar": {**BOTH, "state.kind": ["pod", "existing", "ephemeral", ""], "monitor.kind": ["PodMonitor"]},
}
"""By mode, what goes together: others are refused, see ``REFUSED``."""


def every(mode: str) -> list[Values]:
    """The sets for one mode."""
    possible = {path: choices(path, value) for path, value in leaves(json.loads(schema_text())) if path != "global"}
    possible |= {**TOGETHER[mode], "mode": [mode]}
    return [_nested({path: values[i % len(values)] for path, values in possible.items()}) for i in range(SETS)]


def schema_text() -> str:
    """``values.schema.json``."""
    return (CHART / "values.schema.json").read_text()


def leaves(schema: Schema, prefix: str = "") -> Iterator[tuple[str, Schema]]:
    """Path and schema of all values that are set on their own."""
    for name, value in schema["properties"].items():
        path = prefix + name
        if "properties" in value and path not in EFFECTS:
            yield from leaves(value, f"{path}.")
        else:
            yield path, value


def choices(path: str, value: Schema) -> list[Any]:
    """What a value may be."""
    kind = value.get("type")
    if path.endswith(".enabled"):
        return [True]
    if kind == "boolean":
        return [True, False]
    if kind == "integer":
        return [value[bound] for bound in ("minimum", "maximum") if bound in value]
    return value.get("enum") or _texts(value) or [EFFECTS[path][0]]


def _texts(value: Schema) -> list[Any]:
    kind, inner = value.get("type"), value.get("additionalProperties") or value.get("items", {})
    if kind == "string":
        return [text for text in AWKWARD if re.search(value.get("pattern", ""), text)]
    if inner.get("type") != "string":
        return []
    return [list(AWKWARD)] if kind == "array" else [{"example.org/label": text} for text in AWKWARD]


def _nested(paths: Values) -> Values:
    values: Values = {}
    for path, value in paths.items():
        values = with_value(values, path, value)
    return values
