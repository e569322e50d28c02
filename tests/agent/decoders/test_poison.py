"""Whatever arrives: nothing raises, everything is counted, neighbours are as if it had not been there."""

from __future__ import annotations

import gc
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.decoders import Decoded
from agent.flow.declare import declaration_of
from config.contract import REJECT_REASONS
from config.settings import from_mapping
from detectors.encode import encode, encode_truth
from detectors.layouts import declared_layout
from tests.agent.decoders.events import MODEL, decode, decoder, inference, label
from tests.agent.decoders.test_mapped import PREDICT, TRUTH, foreign, same
from tests.config import sample

LAYOUT = declared_layout(declaration_of(from_mapping(sample.settings(MODEL)).systems[0].models[0]))
NATIVE = decoder()
MAPPED = decoder(PREDICT, TRUTH)
GOOD = [inference(event_id="g1"), inference(event_id="g2", features={"income": 1})]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
paths = st.sampled_from([*inference(), *label(), "data", "specversion"])
foreign_paths = st.sampled_from([*foreign(), "of", "is", "id"])


@st.composite
def damaged(draw: st.DrawFn, event: dict[str, Any], names: st.SearchStrategy[str]) -> bytes:
    """An event with some of its fields replaced, perhaps cut or with foreign bytes in it."""
    record = event | draw(st.dictionaries(names, values, max_size=3))
    data = json.dumps(record, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    match draw(st.integers(0, 3)):
        case 0:
            return data[: draw(st.integers(0, len(data)))]
        case 1:
            at = draw(st.integers(0, len(data)))
            return data[:at] + draw(st.binary(max_size=4)) + data[at:]
    return data


records = st.one_of(st.none(), st.binary(max_size=200), damaged(inference(), paths), damaged(label(), paths))


def events_of(decoded: Decoded) -> int:
    kinds = (decoded.inferences, decoded.labels, decoded.oversights)
    return sum(len(events) for events in kinds if events is not None)


def is_sound(decoded: Decoded) -> bool:
    """Counts add up, reasons are known, every column has a row per event and can be counted."""
    assert decoded.received == events_of(decoded) + len(decoded.rejects)
    assert {reject.reason for reject in decoded.rejects} <= set(REJECT_REASONS)
    assert all(reject.detail.isprintable() and len(reject.detail) <= 200 for reject in decoded.rejects)
    batch = decoded.inferences
    if batch is not None:
        assert all(len(column) == len(batch) for column in batch.values.values())
        assert all(0 < len(name.encode()) <= 512 for name in batch.ids)
        assert {int(i) for i in batch.model_of} == set(range(len(batch.models)))
        for column in batch.values.values():
            _ = [value.encode() for value in column if isinstance(value, str)]
        assert len(encode(batch, None, LAYOUT)) == len(batch)
    if decoded.labels is not None:
        assert len(encode_truth(decoded.labels.labels, LAYOUT)) == len(decoded.labels)
        assert all(name.encode() for name in (*decoded.labels.ids, *decoded.labels.ref_ids))
    return True


@given(st.lists(records, max_size=5))
def test_any_bytes_are_events_or_rejects_and_disturb_nobody(poison: list[bytes | None]) -> None:
    decoded = decode([GOOD[0], *poison, GOOD[1]], NATIVE)
    assert is_sound(decoded)
    alone = decode([GOOD[0], *[None] * len(poison), GOOD[1]], NATIVE).inferences
    assert alone is not None
    assert decoded.inferences is not None
    rows = [0, len(decoded.inferences) - 1]
    assert [decoded.inferences.ids[row] for row in rows] == list(alone.ids)
    for name, column in decoded.inferences.values.items():
        assert [column[row] for row in rows] == list(alone.values[name])


@given(st.lists(damaged(foreign(), foreign_paths), min_size=1, max_size=5))
def test_any_damage_to_mapped_events_is_sound(poison: list[bytes]) -> None:
    assert is_sound(decode(poison, MAPPED))


@given(st.lists(records, min_size=1, max_size=5))
def test_what_becomes_of_a_record_does_not_depend_on_its_batch(batch: list[bytes | None]) -> None:
    together = decode(batch, NATIVE)
    alone = [decode([record], NATIVE) for record in batch]
    assert [r.reason for r in together.rejects] == [r.reason for one in alone for r in one.rejects]
    ids = [i for one in alone if one.inferences is not None for i in one.inferences.ids]
    assert (list(together.inferences.ids) if together.inferences is not None else []) == ids


def test_a_value_of_another_type_takes_the_careful_way_to_the_same_columns() -> None:
    plain = decode([inference()]).inferences
    careful = decode([inference(scores={"x": []}) | {"scores": [0]}]).inferences
    assert plain is not None
    assert careful is not None
    careful.values["scores"] = plain.values["scores"]
    assert same(plain, careful)


def test_the_collector_is_as_it_was() -> None:
    assert gc.isenabled()
    decode([inference(), b"{"])
    assert gc.isenabled()
