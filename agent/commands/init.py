"""``wachter init``: a first settings file from a sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from agent.commands.common import fail
from agent.commands.settings import find_problems
from agent.commands.terminal import Console
from agent.proposal.document import Origin, to_yaml
from agent.proposal.foreign import propose_foreign
from agent.proposal.native import NothingToPropose, Proposal, propose_native
from agent.proposal.sample import SAMPLE_RECORDS, Sample, first_of, sample_files, sample_of
from agent.reference.topics import TopicRange
from config.errors import WachterError
from config.settings.source import KafkaSource

Samples = Annotated[
    list[Path] | None,
    typer.Argument(help="Files to look at: JSON lines (.jsonl, .zst too), .csv, .parquet.", show_default=False),
]
Topics = Annotated[list[str] | None, typer.Option("--topic", help="Look at this topic instead. Repeatable.")]
Brokers = Annotated[list[str] | None, typer.Option("--broker", help="HOST:PORT to start from. Repeatable.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The settings file to write.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the settings file.")]

DEFAULT_BROKER = "localhost:9092"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    samples: Samples = None,
    topic: Topics = None,
    broker: Brokers = None,
    output: Output = Path("wachter.yaml"),
    force: Force = False,
) -> None:
    """Write a first settings file from a sample of events. Guesses are marked: look at each line once."""
    if bool(samples) == bool(topic):
        fail("Name files of events, or topics with --topic: one of the two.")
    if output.exists() and not force:
        fail(f"{output} is already there. Choose another name with -o, or overwrite it with --force.")
    brokers = broker or [DEFAULT_BROKER]
    try:
        sample = sample_files(samples) if samples else _sample_topics(brokers, topic or [])
        topics = topic or sorted({_stem(path) for path in samples or []})
        proposal = propose(sample, topics[0])
    except (WachterError, NothingToPropose, OSError) as error:
        fail(str(error))
    output.write_text(to_yaml(proposal, Origin(brokers, topics)), encoding="utf-8")
    _tell(output, sample, proposal)


def propose(sample: Sample, name: str) -> Proposal:
    """What a sample shows: native events as they say it themselves, others by their paths.

    Raises:
        NothingToPropose: there is no event, or not what a model needs.
    """
    if not sample.events:
        raise NothingToPropose(f"the sample has no JSON object ({sample.unreadable} records are something else)")
    native = any("event_type" in event and "system_id" in event for event in sample.events)
    return propose_native(sample.events) if native else propose_foreign(sample.events, name)


def _sample_topics(brokers: list[str], topics: list[str]) -> Sample:
    source = KafkaSource.model_validate({"type": "kafka", "brokers": brokers, "topics": topics})
    return sample_of(first_of(TopicRange(source).read(lambda _: None), SAMPLE_RECORDS))


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _tell(output: Path, sample: Sample, proposal: Proposal) -> None:
    console = Console(highlight=False, soft_wrap=True)
    watched = sum(profile.kind != "left_out" for profile in proposal.columns)
    console.print(
        f"[green]written[/green] {escape(str(output))}: {escape(proposal.system)}/{escape(proposal.model)}, "
        f"{proposal.outcome.task}, {watched} columns, from {len(sample.events)} records"
    )
    if sample.unreadable:
        console.print(f"[yellow]note[/yellow] {sample.unreadable} records are no JSON objects")
    for problem in find_problems(output):
        console.print(f"[yellow]to correct[/yellow] {escape(str(problem))}")
    console.print(f"Look at each line, then: wachter check {escape(str(output))}")
