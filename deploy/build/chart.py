"""``python -m deploy.build.chart``: copy rules and dashboards into the chart, which cannot read outside its directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[1]
FILES = DEPLOY / "helm" / "wachter" / "files"

ORIGINALS = {
    "rules": (DEPLOY / "prometheus" / "rules", "*.yml"),
    "dashboards": (DEPLOY / "grafana" / "dashboards", "*.json"),
}
"""Directory below ``files``: where its files come from, and which of them."""


def copies() -> Iterator[tuple[Path, bytes]]:
    """Path and content of every file that the chart shall hold, and no other."""
    for name, (directory, pattern) in ORIGINALS.items():
        for original in sorted(directory.glob(pattern)):
            yield FILES / name / original.name, original.read_bytes()


def main() -> None:
    """Write the copies; remove those whose original is gone."""
    wanted = dict(copies())
    for stale in set(FILES.glob("*/*")) - set(wanted):
        stale.unlink()
    for path, content in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
