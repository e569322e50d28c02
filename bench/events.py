"""Events to measure with: 600 bytes, 16 numeric and 4 categorical features, and a label for each, always the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

SYSTEM = "bench"
MODEL = "credit"
NUMBERS = tuple(f"x{i:02d}" for i in range(16))
CATEGORIES = ("country", "purpose", "channel", "device")
LEVELS = {"country": 30, "purpose": 12, "channel": 5, "device": 8}
START_US = 1_767_225_600_000_000  # 2026-01-01T00:00Z


@dataclass(frozen=True, slots=True)
class Rows:
    """n events as arrays.

    Attributes:
        at_us: (n,) event times; numbers: (16, n); categories: (4, n) level codes; score: (n,); label: (n,) 0 or 1.
    """

    at_us: NDArray[np.int64]
    numbers: NDArray[np.float64]
    categories: NDArray[np.int64]
    score: NDArray[np.float64]
    label: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at_us)


def rows(n: int, seed: int = 0, days: float = 10.0) -> Rows:
    """Draw n events, evenly spread over ``days``."""
    random = np.random.default_rng(seed)
    numbers = np.round(random.lognormal(1.0, 0.7, (len(NUMBERS), n)), 4)
    categories = np.stack([np.minimum(random.geometric(0.2, n), LEVELS[name]) - 1 for name in CATEGORIES])
    score = 1 / (1 + np.exp(-(numbers[0] - numbers[1]) / 2))
    label = (random.random(n) < score).astype(np.int64)
    at_us = START_US + (np.arange(n) * (days * 86_400e6 / n)).astype(np.int64)
    return Rows(at_us, numbers, categories, np.round(score, 6), label)


def predictions(data: Rows, prefix: str = "e") -> Iterator[bytes]:
    """Native inference events, JSON."""
    for i in range(len(data)):
        features: dict[str, Any] = dict(zip(NUMBERS, data.numbers[:, i].tolist(), strict=True))
        for name, code in zip(CATEGORIES, data.categories[:, i].tolist(), strict=True):
            features[name] = f"{name}-{code:02d}"
        yield msgspec.json.encode(
            {
                "schema_version": "1",
                "event_type": "inference",
                "event_id": f"{prefix}{i:09d}",
                "occurred_at": _text(data.at_us[i]),
                "system_id": SYSTEM,
                "model": {"name": MODEL, "version": "1"},
                "features": features,
                "prediction": "yes" if data.score[i] >= 0.5 else "no",
                "score": float(data.score[i]),
                "protected": {"sex": "F" if data.categories[3, i] % 2 else "M"},
                "latency_ms": 12.5,
            }
        )


def labels(data: Rows, prefix: str = "e") -> Iterator[bytes]:
    """Their labels, an hour later."""
    for i in range(len(data)):
        yield msgspec.json.encode(
            {
                "schema_version": "1",
                "event_type": "label",
                "event_id": f"l{prefix}{i:09d}",
                "ref_event_id": f"{prefix}{i:09d}",
                "occurred_at": _text(data.at_us[i] + 3_600_000_000),
                "system_id": SYSTEM,
                "label": "yes" if data.label[i] else "no",
            }
        )


def _text(at_us: np.int64) -> str:
    return f"{np.datetime64(int(at_us), 'us')}Z"
