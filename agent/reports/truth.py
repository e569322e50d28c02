"""Labels that came later, read back from the log for chosen events; of several about one event, the latest by its own time.

A label counts until the label watermark has passed the window's end plus the horizon of the model; reading ends there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from agent.decoders import build_decoder
from agent.evidence.lookup import FindKey
from agent.evidence.span import Span
from agent.source import Fetched, Partition
from config.settings import KafkaSource, Model, Settings
from exporters.evidence.leaf import Clock, Label, read_leaf
from exporters.evidence.payload_text import record_of
from exporters.evidence.reader import LogReader, Payload, payloads_of
from exporters.evidence.seal import open_sealed
from exporters.evidence.seek import first_logged

_LABEL, _CLOCK = b'{"type":"label"', b'{"type":"clock"'


def read_truth(
    reader: LogReader,
    settings: Settings,
    model: Model,
    span: Span,
    wanted: Collection[str],
    find_key: FindKey,
) -> dict[str, object]:
    """Label by event id.

    Args:
        wanted: ids of events; labels about others are passed over.

    Raises:
        EvidenceError: the log cannot be read.
    """
    if model.labels is None or not wanted:
        return {}
    over_us = span.end_us + model.labels.horizon_us
    found: dict[str, tuple[int, object]] = {}
    decode = _decoder(settings, span)
    for leaf, payload in _labels(reader, settings, span, over_us, frozenset(wanted)):
        value = _plain(payload, find_key)
        for ref, at_us, label in decode(leaf, value) if value is not None else ():
            if ref not in found or at_us >= found[ref][0]:
                found[ref] = (at_us, label)
    return {ref: label for ref, (_, label) in found.items()}


def _labels(
    reader: LogReader, settings: Settings, span: Span, over_us: int, wanted: frozenset[str]
) -> Iterator[tuple[Label, Payload]]:
    """Labels about the events that are wanted, up to the clock after which none counts."""
    from_us = _looked_for_from(settings, span)
    for shard in reader.shards():
        begin = 0 if from_us is None else first_logged(reader, shard, from_us)
        stop = reader.size(shard)
        for first, block in reader.payload_blocks(shard, begin, stop):
            end = min(first + len(block), stop)
            chosen: dict[int, Label] = {}
            is_over = False
            for index, entry in enumerate(reader.entries(shard, first, end), first):
                if entry.startswith(_LABEL):
                    leaf = read_leaf(entry, f"{reader.path(shard)}, entry {index}")
                    if isinstance(leaf, Label) and leaf.ref in wanted:
                        chosen[index] = leaf
                elif entry.startswith(_CLOCK) and (is_over := _is_past(entry, span.stream.system, over_us)):
                    break
            if chosen:
                yield from ((chosen[one.index], one) for one in payloads_of(first, block) if one.index in chosen)
            if is_over:
                return


def _looked_for_from(settings: Settings, span: Span) -> int | None:
    """When the earliest of them can have been logged; ``None`` where event time has nothing to do with the agent's clock."""
    source = settings.source
    if not isinstance(source, KafkaSource) or source.clock != "wall":
        return None
    return span.start_us - source.max_ahead_us


def _is_past(entry: bytes, system: str, over_us: int) -> bool:
    leaf = read_leaf(entry, "a clock of the log")
    return isinstance(leaf, Clock) and leaf.system == system and leaf.label_watermark >= over_us


def _plain(payload: Payload, find_key: FindKey) -> bytes | None:
    if payload.data is None or payload.state == "plain":
        return payload.data
    return open_sealed(payload.data, payload.salt, find_key)


def _decoder(settings: Settings, span: Span) -> Callable[[Label, bytes], Iterator[tuple[str, int, object]]]:
    """What the record of a label says: id of the event, its own time, the label; nothing where it names another model."""
    decoder = build_decoder(settings)
    stream = span.stream

    def decode(leaf: Label, payload: bytes) -> Iterator[tuple[str, int, object]]:
        headers, value = record_of(payload)
        topic, number, offset = leaf.source
        partition = Partition(topic, number)
        labels = decoder.decode([Fetched(partition, [offset], [value], [headers])], {partition: 0}).labels
        for at, (system, model, _) in enumerate(labels.addressed if labels is not None else ()):
            assert labels is not None
            if system in (None, stream.system) and model in (None, stream.model):
                yield labels.ref_ids[at], int(labels.occurred_us[at]), labels.labels[at]

    return decode
