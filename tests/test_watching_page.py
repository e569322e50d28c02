"""docs/watching.md asks for what the agent exports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporters.families import ALL_FAMILIES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "watching.md"
EXPRESSIONS = [
    line for block in re.findall(r"```promql\n(.*?)```", PAGE.read_text(), re.DOTALL) for line in block.splitlines()
]
EXPOSED = {family.exposed_name for family in ALL_FAMILIES}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_families_that_exist(expression: str) -> None:
    asked = set(re.findall(r"wachter_\w+", expression))
    assert asked
    assert asked <= EXPOSED
