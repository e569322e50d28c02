"""Leaves of what is no record: each in its documented shape."""

from __future__ import annotations

import json

import pytest

from exporters.evidence import leaves
from exporters.evidence.commitment import commitments
from exporters.evidence.leaf import Act, read_leaf

(TEXT,) = commitments([b"x"], bytes(32))
STREAM = ("s", "m", "1", "")

SHAPES = {
    "clock": (leaves.clock_leaf("s", 1, 2, 3), "system watermark label_watermark logged"),
    "window": (
        leaves.window_leaf(STREAM, "window", (1, 2, 3), 9, False, {"ok": 1}, 4, 5, TEXT),
        "stream stage start end due n partial logged verdicts lines payload",
    ),
    "incident": (
        leaves.incident_leaf("harm-1", STREAM, "harm", "opened", 1, 2, TEXT),
        "incident stream track kind at logged payload",
    ),
    "act": (
        leaves.act_leaf("harm-1", "ack", "kim", 1, 2, "done", TEXT),
        "incident kind actor at logged outcome payload",
    ),
    "settings": (leaves.settings_leaf(None, "ab", 1, {"s": 2}, TEXT), "old new logged boundary payload"),
    "reference": (leaves.reference_leaf(("s", "m", None), "ab", "cd", 1, TEXT), "model old new logged payload"),
    "start": (leaves.start_leaf("0.1", 1, [("t", 0, 5)]), "version logged positions"),
    "stop": (leaves.stop_leaf(1, "stopped"), "logged reason"),
    "takeover": (leaves.takeover_leaf(1, [("t", 0, 5)], TEXT), "logged positions payload"),
    "gap": (leaves.gap_leaf(("t", 0), 3, 7, "retention", 1), "source from to cause logged"),
    "idle": (leaves.idle_leaf(("t", 0), 1, 2), "source logged since"),
}


@pytest.mark.parametrize("type_", SHAPES)
def test_a_leaf_has_its_keys_in_the_documented_order(type_: str) -> None:
    leaf, keys = SHAPES[type_]
    assert list(json.loads(leaf)) == ["type", *keys.split()]
    assert json.loads(leaf)["type"] == type_
    assert b" " not in leaf


def test_a_commitment_is_base64_with_its_padding() -> None:
    leaf, _ = SHAPES["window"]
    assert json.loads(leaf)["payload"] == TEXT.decode() + "="
    assert len(TEXT) == 43


def test_positions_name_topic_partition_and_offset() -> None:
    leaf, _ = SHAPES["takeover"]
    assert json.loads(leaf)["positions"] == [["t", 0, 5]]


def test_only_a_silence_has_an_end() -> None:
    leaf = leaves.act_leaf("harm-1", "silence", "kim", 1, 2, "done", TEXT, 9)
    assert list(json.loads(leaf))[-1] == "until"
    told = read_leaf(leaf, "here")
    assert isinstance(told, Act)
    assert told.until == 9
