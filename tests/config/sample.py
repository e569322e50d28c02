"""Small valid settings to start a test from."""

from __future__ import annotations

from typing import Any


def model(**changes: Any) -> dict[str, Any]:
    return {
        "name": "credit",
        "task": "binary",
        "classes": ["reject", "approve"],
        "positive": "approve",
        "columns": {"income": "number", "purpose": "category"},
        **changes,
    }


def settings(*models: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "source": {"type": "kafka", "brokers": ["localhost:9092"], "topics": ["scoring"]},
        "systems": [{"id": "lending", "owner": "risk", "purpose": "Decide", "models": list(models or [model()])}],
        **changes,
    }
