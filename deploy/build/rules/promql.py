"""Selectors of declared metric families, so that no rule can speak of something that is not exported."""

from __future__ import annotations

from exporters.families import ALL_FAMILIES

_LABELS = {family.exposed_name: family.labels for family in ALL_FAMILIES}
TARGET = ("job", "instance")
"""What Prometheus adds to every series it scrapes."""


def series(name: str, /, window: str = "", **labels: str) -> str:
    """A selector: ``series("wachter_labels_total", "5m", outcome="orphan")`` is
    ``wachter_labels_total{outcome="orphan"}[5m]``.

    Args:
        name: as queries spell it, with ``_total`` and ``_info``.
        window: of a range vector; without it an instant vector.
        labels: value by name; a value behind ``!`` is what the label must not be.

    Raises:
        ValueError: no family has this name, or it has no such label.
    """
    if name not in _LABELS:
        raise ValueError(f"{name}: no such metric family; see exporters/families")
    unknown = labels.keys() - {*_LABELS[name], *TARGET}
    if unknown:
        raise ValueError(f"{name}: no label {', '.join(sorted(unknown))}; it has {', '.join(_LABELS[name]) or 'none'}")
    matchers = ", ".join(_matcher(label, value) for label, value in labels.items())
    return name + (f"{{{matchers}}}" if matchers else "") + (f"[{window}]" if window else "")


def _matcher(label: str, value: str) -> str:
    return f'{label}!="{value[1:]}"' if value.startswith("!") else f'{label}="{value}"'


def by(*labels: str) -> str:
    """The grouping of an aggregation: ``by (job, instance)``."""
    return f"by ({', '.join(labels)})"


AGENT = by(*TARGET)
