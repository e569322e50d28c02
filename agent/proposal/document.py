"""A proposal as the text of a settings file: one line a column, a comment wherever something was guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.proposal.native import Outcome, Proposal
from detectors.profile import Profile

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_NOT_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where events come from."""

    brokers: Sequence[str]
    topics: Sequence[str]


def to_yaml(proposal: Proposal, origin: Origin) -> str:
    """The settings file; it passes ``wachter check``."""
    return "\n".join((*_source(origin), *_mappings(proposal), *_system(proposal), *_model(proposal))) + "\n"


def quoted(text: str) -> str:
    """Text as a YAML scalar that is read as this text and nothing else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT:
        return text
    return json.dumps(text, ensure_ascii=False)


def _source(origin: Origin) -> Iterator[str]:
    yield "source:"
    yield "  type: kafka"
    yield f"  brokers: {_list(origin.brokers)}"
    yield f"  topics: {_list(origin.topics)}"


def _mappings(proposal: Proposal) -> Iterator[str]:
    if not proposal.mapping:
        return
    yield "mappings:  # guessed from names and values: look at each line"
    yield f"  - time: {proposal.time}"
    constants = ", ".join(f"{field}: {quoted(value)}" for field, value in proposal.constants.items())
    yield f"    constants: {{{constants}}}"
    yield "    fields:"
    for field, path in proposal.mapping.items():
        yield f"      {quoted(field)}: {_path(path)}"


def _system(proposal: Proposal) -> Iterator[str]:
    yield "systems:"
    yield f"  - id: {quoted(proposal.system)}"
    yield "    owner: unknown  # who answers for the system"
    yield "    purpose: unknown  # its intended purpose, in a sentence"
    yield "    models:"


def _model(proposal: Proposal) -> Iterator[str]:
    outcome = proposal.outcome
    yield f"      - name: {quoted(proposal.model)}"
    yield _noted(f"        task: {outcome.task}", outcome.notes.get("task", ""))
    yield from (f"        {line}" for line in _answers(outcome))
    yield f"        # reference: {quoted(proposal.model + '.reference')}  # after: wachter reference build"
    yield "        columns:" if _watched(proposal.columns) else "        columns: {}"
    yield from (f"          {line}" for line in _columns(proposal.columns))
    if proposal.protected:
        yield "        protected:"
        yield from (f"          {quoted(name)}: {_list(groups)}" for name, groups in proposal.protected.items())
    if proposal.labels == "in_event":
        yield "        labels: {in_event: true}"
    elif proposal.labels == "events":
        yield "        labels: {}"
    else:
        yield "        # labels: {}  # once the truth comes too; the sample has none"


def _answers(outcome: Outcome) -> Iterator[str]:
    if outcome.classes:
        yield _noted(f"classes: {_list(outcome.classes)}", outcome.notes.get("classes", ""))
    if outcome.positive is not None:
        yield _noted(f"positive: {quoted(outcome.positive)}", outcome.notes.get("positive", ""))
    if outcome.task != "regression":
        yield f"scored: {'true' if outcome.scored else 'false'}"


def _columns(profiles: Sequence[Profile]) -> Iterator[str]:
    for profile in profiles:
        name = quoted(profile.name)
        if profile.kind == "left_out":
            yield f"# {name}: left out, {profile.note}"
        elif profile.required:
            yield _noted(f"{name}: {profile.kind}", profile.note)
        else:
            missing = f"missing in {100 * profile.missing / profile.rows:.1f} %"
            note = f"{missing}; {profile.note}" if profile.note else missing
            yield _noted(f"{name}: {{type: {profile.kind}, required: false}}", note)


def _watched(profiles: Sequence[Profile]) -> bool:
    return any(profile.kind != "left_out" for profile in profiles)


def _noted(line: str, note: str) -> str:
    return f"{line}  # {note}" if note else line


def _list(names: Sequence[str]) -> str:
    return "[" + ", ".join(quoted(name) for name in names) + "]"


def _path(path: str) -> str:
    return path if re.fullmatch(r"[$A-Za-z0-9_.]+", path) else json.dumps(path, ensure_ascii=False)
