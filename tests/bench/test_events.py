"""The benchmarks measure what they say they measure."""

from __future__ import annotations

import json

import numpy as np

from bench import events, floor


def test_an_event_has_600_bytes_within_a_tenth() -> None:
    sizes = [len(value) for value in events.predictions(events.rows(200))]
    assert 540 <= float(np.mean(sizes)) <= 660


def test_the_same_seed_gives_the_same_events() -> None:
    assert list(events.predictions(events.rows(50))) == list(events.predictions(events.rows(50)))


def test_every_prediction_gets_its_label() -> None:
    data = events.rows(20)
    predicted = [json.loads(value)["event_id"] for value in events.predictions(data)]
    assert [json.loads(value)["ref_event_id"] for value in events.labels(data)] == predicted


def test_the_floor_decodes_predictions_and_labels() -> None:
    data = events.rows(20)
    floor.columns([*events.predictions(data), *events.labels(data)])
