"""``python -m deploy.build.dashboards``: write the dashboards as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.build.dashboards import agent, fleet, model

SHIPPED = Path(__file__).resolve().parents[2] / "grafana" / "dashboards"


def main() -> None:
    """Write all of them."""
    parser = argparse.ArgumentParser(prog="python -m deploy.build.dashboards", description=__doc__)
    parser.add_argument("--output", type=Path, default=SHIPPED, help="directory that gets the files")
    output: Path = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    for built in (fleet.build(), model.build(), agent.build()):
        text = json.dumps(built, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False)
        (output / f"{built.uid}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
