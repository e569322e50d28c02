from __future__ import annotations

from pathlib import Path

import pytest

from exporters.families import ALL_FAMILIES, MetricFamily
from exporters.metrics_page import page

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_of_metrics_is_written_from_the_families() -> None:
    assert PAGE.read_text() == page(), "write it anew: python -m exporters.metrics_page > docs/metrics.md"


@pytest.mark.parametrize("family", ALL_FAMILIES, ids=lambda family: family.name)
def test_every_family_has_its_heading(family: MetricFamily[object]) -> None:
    assert f"### `{family.exposed_name}`" in PAGE.read_text()
