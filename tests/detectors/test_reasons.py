from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import detectors
from detectors import reasons
from detectors.measurement import Measurement, Status
from detectors.reasons import CURED_BY_MORE_EVENTS, NOT_CURED_BY_MORE_EVENTS, NOTHING_TO_ADD
from detectors.thresholds import Carry, decide
from detectors.verdict import ABOVE_TOLERANCE, WITHIN_TOLERANCE
from tests.detectors.judging import auc_policy, day, drop

KINDS = (CURED_BY_MORE_EVENTS, NOT_CURED_BY_MORE_EVENTS, NOTHING_TO_ADD)
OF_VERDICTS = {ABOVE_TOLERANCE, WITHIN_TOLERANCE}


def named() -> list[str]:
    return [value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)]


def given() -> Iterator[tuple[str, ast.expr]]:
    """Every expression that a detector gives as ``reason`` or ``blocked``, with its module."""
    for path in sorted(Path(detectors.__path__[0]).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in ("reason", "blocked"):
                yield path.stem, node.value


def spoken() -> Iterator[tuple[str, str]]:
    """Module and reason: literals, and constants by their value."""
    for module, expression in given():
        scope = vars(import_module(f"detectors.{module}"))
        for node in ast.walk(expression):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield module, node.value
            elif isinstance(node, ast.Name) and node.id.isupper():
                yield module, scope[node.id]


def test_every_reason_is_known_to_be_cured_by_more_events_or_not() -> None:
    assert sorted(reason for kind in KINDS for reason in kind) == sorted(named())


def test_detectors_give_no_reason_that_is_not_named_there() -> None:
    found = set(spoken())
    assert len(found) > 20
    assert {(module, reason) for module, reason in found if reason not in named()} <= {
        ("incidents", reason) for reason in OF_VERDICTS
    }


@pytest.mark.parametrize("reason", sorted(CURED_BY_MORE_EVENTS))
def test_windows_that_more_events_may_decide_are_judged_as_one(reason: str) -> None:
    few = Measurement("roc_auc", value=0.5, n=20, reason=reason, blocked=reason)
    _, carry = decide(Carry(), day(0), few, auc_policy(), lambda run: None)
    judgement, carry = decide(carry, day(1), few, auc_policy(), lambda run: drop(0.3))
    assert (judgement.status, len(judgement.run), carry) == (Status.CRITICAL, 2, Carry())


@pytest.mark.parametrize("reason", sorted(NOT_CURED_BY_MORE_EVENTS | NOTHING_TO_ADD))
def test_other_windows_leave_the_run_alone(reason: str) -> None:
    before = Carry((0,), end_us=1)
    absent = Measurement("roc_auc", reason=reason)
    assert decide(before, day(1), absent, auc_policy(), lambda run: drop(0.3))[1] == before
