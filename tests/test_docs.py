"""The documents speak of what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TARGET = re.compile(r"^([a-z-]+):.*##", re.MULTILINE)
MAKE = re.compile(r"\bmake ([a-z]+(?:-[a-z]+)*)")


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors that a hosting service makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_make_targets_that_are_named_exist(page: Path) -> None:
    code = "\n".join(re.findall(r"^ {4}.*$|`[^`\n]+`", page.read_text(), re.MULTILINE))
    assert set(MAKE.findall(code)) <= set(TARGET.findall((ROOT / "Makefile").read_text()))


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(page.read_text()) if "://" not in link)
        waiting += [(page.parent / name).resolve() for name in links if name]
    assert [ids(page) for page in PAGES if page not in seen] == []


def test_the_rooms_are_those_of_the_import_contract() -> None:
    contract = re.search(r"^layers = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert contract is not None
    rooms = re.findall(r'"(\w+)"', contract.group(1))
    assert "  <-  ".join(reversed(rooms)) in (ROOT / "CONTRIBUTING.md").read_text()
