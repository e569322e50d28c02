"""Bundles the page, serves it beside the dashboards, and takes pictures of it in headless Chromium."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlencode

from deploy.build.draw.server import Quiet, serving

ROOT = Path(__file__).resolve().parents[3]
SOURCES = Path(__file__).resolve().parent
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
PARTS = ROOT / ".parts" / "draw"
PAGE = """\
<!doctype html><meta charset="utf-8"><title>Dashboards</title><link rel="stylesheet" href="draw.css">
<style>body { margin: 0 } #root { padding: 4px } .wrong { color: red } .empty { display: block; padding: 12px }</style>
<div id="root"></div><script src="draw.js"></script>
"""
SECONDS_OF_WAITING = 20


def bundle() -> Path:
    """Install Grafana's components where they are missing, and bundle the page; returns its directory."""
    PARTS.mkdir(parents=True, exist_ok=True)
    package = (SOURCES / "package.json").read_text()
    if not (PARTS / "package.json").exists() or (PARTS / "package.json").read_text() != package:
        (PARTS / "package.json").write_text(package)
        install = [
            "npm",
            "install",
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
            "--legacy-peer-deps",
            "--ignore-scripts",
        ]
        subprocess.run(install, cwd=PARTS, check=True)
    shutil.copytree(SOURCES, PARTS / "src", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    page = PARTS / "page"
    esbuild = ["node_modules/.bin/esbuild", "src/draw.jsx", "--bundle", f"--outfile={page / 'draw.js'}"]
    esbuild += ["--jsx=automatic", '--define:process.env.NODE_ENV="production"', "--log-level=warning"]
    esbuild += [f"--loader:.{kind}=dataurl" for kind in ("svg", "woff", "woff2", "ttf")]
    subprocess.run(esbuild, cwd=PARTS, check=True)
    (page / "index.html").write_text(PAGE)
    return page


@contextmanager
def served(page: Path, scene: dict[str, object]) -> Iterator[str]:
    """Serve the page with the shipped dashboards and a scene: Prometheus, times, variables; yields its address."""
    (page / "scene.json").write_text(json.dumps(scene))
    for path in DASHBOARDS.glob("*.json"):
        shutil.copy(path, page)
    with serving(partial(_Files, directory=str(page))) as address:
        yield address


def pictures(
    address: str, dashboard: str, out: Path, *, width: int, theme: str, rows: Iterable[str] = ()
) -> Iterator[Path]:
    """Draw every row of a dashboard, or those named, one picture each; yields their paths."""
    asked: dict[str, object] = {"dashboard": dashboard, "width": width - 8, "theme": theme}
    heights = _heights(f"{address}?{urlencode(asked)}")
    for row in rows or heights:
        path = out / f"{dashboard}-{row.lower().replace(' ', '-')}.png"
        size = f"--window-size={width},{heights[row] + 16}"
        _chromium(f"{address}?{urlencode({**asked, 'row': row})}", f"--screenshot={path}", size)
        yield path


def _heights(url: str) -> dict[str, int]:
    page = _chromium(url, "--dump-dom")
    found = re.search(r'data-heights="([^"]*)"', page)
    if found is None:
        raise RuntimeError(f"{url}: the page drew nothing; open it in a browser and look at its console")
    heights: dict[str, int] = json.loads(html.unescape(found.group(1)))
    return heights


def _chromium(url: str, *options: str) -> str:
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--disable-accelerated-2d-canvas", "--run-all-compositor-stages-before-draw"]
    command += [f"--virtual-time-budget={SECONDS_OF_WAITING * 1000}", *options, url]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


class _Files(Quiet, SimpleHTTPRequestHandler):
    """The files of a directory."""
