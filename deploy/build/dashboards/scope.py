"""Selectors of declared metric families, so that no panel can ask for something that is not exported."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.build.rules.promql import TARGET
from deploy.build.rules.promql import series as plain
from exporters.families import ALL_FAMILIES

_LABELS = {family.exposed_name: (*TARGET, *family.labels) for family in ALL_FAMILIES}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a dashboard's variables narrow its queries to.

    Attributes:
        variables: names of variables that are also names of labels.
    """

    variables: tuple[str, ...]

    def series(self, name: str, window: str = "", /, **matchers: str) -> str:
        """A selector of a family: ``series("wachter_labels_total", "5m", outcome="=orphan")`` is
        ``wachter_labels_total{job=~"$job", instance=~"$instance", outcome="orphan"}[5m]``.

        Args:
            name: as queries spell it, with ``_total``, ``_bucket`` and ``_info``.
            window: of a range vector; without it an instant vector.
            matchers: operator and value by label, as ``=ok``, ``!=`` or ``=~ok|error``.

        Raises:
            ValueError: no family has this name, or it has no such label.
        """
        family = name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
        plain(family, **dict.fromkeys(matchers, ""))
        narrowed = [_variable(label) for label in self.variables if label in _LABELS[family]]
        said = [_matcher(label, matcher) for label, matcher in matchers.items()]
        return f"{name}{{{', '.join(narrowed + said)}}}" + (f"[{window}]" if window else "")

    def rate(self, name: str, /, **matchers: str) -> str:
        """How often per second a counter of a family counts."""
        return f"rate({self.series(name, '$__rate_interval', **matchers)})"

    def scraped(self, name: str) -> str:
        """A selector of what Prometheus or the client library adds to a target."""
        return f"{name}{{{', '.join(_variable(label) for label in TARGET)}}}"


AGENT = Scope(("job", "instance"))
FLEET = Scope(("job", "instance", "system"))
WHOLE_MODEL = Scope(("job", "instance", "system", "model"))
MODEL = Scope(("job", "instance", "system", "model", "version"))


def one_of(*values: str) -> str:
    """The matcher of a label that has one of these values."""
    return f"=~{'|'.join(values)}"


def _variable(label: str) -> str:
    return f'{label}=~"${label}"'


def _matcher(label: str, matcher: str) -> str:
    operator = next(operator for operator in ("=~", "!=", "=") if matcher.startswith(operator))
    return f'{label}{operator}"{matcher.removeprefix(operator)}"'
