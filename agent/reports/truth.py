"""Labels that came later, read back from the log for chosen events; of several about one event, the latest by its own time.

A label counts until the label watermark has passed the window's end plus the horizon of the model; reading ends there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import groupby

from agent.decoders import build_decoder
from agent.evidence.opened import open_payload
from agent.evidence.span import Span
from agent.source import Fetched, Partition
from config.errors import EvidenceError
from config.settings import KafkaSource, Model, Settings
from exporters.evidence.leaf import Clock, Label, Source, read_leaf
from exporters.evidence.payload_text import record_of
from exporters.evidence.reader import LogReader, Payload, payloads_of
from exporters.evidence.seal import FindKey
from exporters.evidence.seek import first_logged

_Record = tuple[Source, bytes]
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
        EvidenceError: the log cannot be read, or a label is not what its leaf commits to.
    """
    if model.labels is None or not wanted:
        return {}
    over_us = span.end_us + model.labels.horizon_us
    found: dict[str, tuple[int, object]] = {}
    decode = _decoder(settings, span)
    for batch in _batches(reader, settings, span, over_us, frozenset(wanted)):
        records = [
            (leaf.source, value) for leaf, payload in batch if (value := _plain(leaf, payload, find_key)) is not None
        ]
        for ref, at_us, label in decode(records):
            if ref not in found or at_us >= found[ref][0]:
                found[ref] = (at_us, label)
    return {ref: label for ref, (_, label) in found.items()}


def _batches(
    reader: LogReader, settings: Settings, span: Span, over_us: int, wanted: frozenset[str]
) -> Iterator[list[tuple[Label, Payload]]]:
    """Labels about the events that are wanted, up to the clock after which none counts; one frame of payloads at a time."""
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
                yield [(chosen[one.index], one) for one in payloads_of(first, block) if one.index in chosen]
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


def _plain(leaf: Label, stored: Payload, find_key: FindKey) -> bytes | None:
    payload, flaw = open_payload(stored, leaf.payload, find_key)
    if flaw == "changed":
        raise EvidenceError(
            f"the label of event {leaf.ref!r} (entry {stored.index}) is not what its leaf commits to. Run wachter log verify"
        )
    return payload


def _decoder(settings: Settings, span: Span) -> Callable[[Sequence[_Record]], Iterator[tuple[str, int, object]]]:
    """What records of labels say: id of the event, the label's own time, the label; those of other models are left out."""
    decoder = build_decoder(settings)
    system, model = span.stream.system, span.stream.model

    def decode(records: Sequence[_Record]) -> Iterator[tuple[str, int, object]]:
        fetched = list(_fetched(records))
        labels = decoder.decode(fetched, {one.partition: number for number, one in enumerate(fetched)}).labels
        if labels is None:
            return
        times = labels.occurred_us.tolist()
        for ref, at_us, label, named in zip(labels.ref_ids, times, labels.labels, labels.addressed, strict=True):
            if named[0] in (None, system) and named[1] in (None, model):
                yield ref, at_us, label

    return decode


def _fetched(records: Sequence[_Record]) -> Iterator[Fetched]:
    """The records by partition, in the order of their offsets."""
    ordered = sorted(records, key=lambda record: record[0])
    for (topic, number), found in groupby(ordered, key=lambda record: record[0][:2]):
        mine = list(found)
        opened = [record_of(payload) for _, payload in mine]
        yield Fetched(
            Partition(topic, number),
            [source[2] for source, _ in mine],
            [value for _, value in opened],
            [headers for headers, _ in opened],
        )
