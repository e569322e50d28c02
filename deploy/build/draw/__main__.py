"""``python -m deploy.build.draw``: run the scene, then draw every row of every dashboard from what was seen of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.build.draw import browser, tsdb
from deploy.build.draw.record import Page, recorded
from deploy.build.draw.scene import PICKED

RESOLUTION_SECONDS = 43_200
"""Of the pictures: about the distance of two pages of a quarter that passes in some minutes."""


def main() -> None:
    """Draw all of them."""
    arguments = _parser().parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    page = browser.bundle()
    with TemporaryDirectory(prefix="draw-") as scratch:
        directory = Path(scratch)
        pages = recorded(directory, arguments.seconds)
        with tsdb.serving(tsdb.blocks(pages, directory), directory) as prometheus:
            _draw(page, {"prometheus": prometheus, **_span(pages), "picked": PICKED}, arguments)


def _draw(page: Path, scene: dict[str, object], arguments: argparse.Namespace) -> None:
    with browser.served(page, scene) as address:
        for dashboard in sorted(browser.DASHBOARDS.glob("*.json")):
            drawn = browser.pictures(
                address, dashboard.stem, arguments.out, width=arguments.width, theme=arguments.theme
            )
            for path in drawn:
                print(path)


def _span(pages: list[Page]) -> dict[str, object]:
    return {"from": int(pages[0].event_time), "to": int(pages[-1].event_time), "scrape": RESOLUTION_SECONDS}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.build.draw", description=__doc__)
    parser.add_argument("--out", type=Path, default=browser.PARTS / "out", help="directory that gets the pictures")
    parser.add_argument("--seconds", type=float, default=240, help="how long October to December shall take")
    parser.add_argument("--width", type=int, default=1600, help="of the pictures, in pixels")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    return parser


if __name__ == "__main__":
    main()
