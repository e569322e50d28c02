"""The agent's own troubles: a source that cannot be read, a model that fell silent."""

from __future__ import annotations

from agent.clock import FixedClock
from agent.flow.watch import AGENT_STREAM, MISSING_SECONDS, PATIENCE_SECONDS
from agent.source import Trouble
from agent.state.store import incident_lines
from detectors.incident import Incident
from tests.agent.conftest import OpenStage
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import PART, Stage, events, us

GONE = Trouble("unavailable", "no broker answers")
WALL = {"clock": "wall"}


def agent_incidents(stage: Stage) -> list[Incident]:
    found = [state.incidents for state in stage.step.pipeline.ledger.streams.values()]
    return [incident for incidents in found for incident in incidents if incident.track.value == "agent"]


def after(stage: Stage, seconds: float) -> None:
    stage.clock.at_us += int(seconds * 1e6)
    stage.turn()


def test_a_source_that_cannot_be_read_is_told_after_a_while(stage: Stage) -> None:
    stage.run(*events("a", 0, 30))
    stage.source.trouble = GONE
    stage.turn()
    after(stage, PATIENCE_SECONDS - 1)
    assert agent_incidents(stage) == []
    after(stage, 1)
    (incident,) = agent_incidents(stage)
    assert incident.is_open
    assert incident.stream == AGENT_STREAM


def test_a_trouble_that_passes_soon_is_not_told(stage: Stage) -> None:
    stage.run(*events("a", 0, 30))
    for _ in range(3):
        stage.source.trouble = GONE
        stage.turn()
        after(stage, PATIENCE_SECONDS - 1)
        stage.source.trouble = None
        after(stage, 2)
    assert agent_incidents(stage) == []


def test_it_is_resolved_when_the_source_is_read_again(stage: Stage) -> None:
    stage.run(*events("a", 0, 30))
    stage.source.trouble = GONE
    stage.turn()
    after(stage, PATIENCE_SECONDS)
    stage.source.trouble = None
    stage.turn()
    (incident,) = agent_incidents(stage)
    assert not incident.is_open


def test_a_model_that_falls_silent_is_told_and_resolved_when_it_speaks(open_stage: OpenStage) -> None:
    stage = open_stage(clock=FixedClock(us(30)), kafka=WALL, expected_silence="30m")
    stage.run(*events("a", 0, 30)).turn()
    after(stage, 29 * 60)
    assert agent_incidents(stage) == []
    after(stage, 2 * 60)
    (incident,) = agent_incidents(stage)
    assert incident.is_open
    stage.run(*events("b", 59, 61)).turn()
    (incident,) = agent_incidents(stage)
    assert not incident.is_open


def test_a_silence_that_we_cannot_hear_is_none(open_stage: OpenStage) -> None:
    stage = open_stage(clock=FixedClock(us(30)), kafka=WALL, expected_silence="30m")
    stage.run(*events("a", 0, 30)).turn()
    stage.source.assign([])
    stage.turn()
    after(stage, 3600)
    assert agent_incidents(stage) == []


def test_who_still_reads_history_does_not_call_it_a_silence(open_stage: OpenStage) -> None:
    """An agent that began on a topic with two weeks of events told of a silence of 15 720 minutes while it caught up."""
    source = ScriptedSource(batch=10)
    stage = open_stage(source, clock=FixedClock(us(400)), kafka=WALL, expected_silence="30m")
    stage.run(*events("a", 0, 400))
    assert agent_incidents(stage) == []
    after(stage, 31 * 60)
    assert len(agent_incidents(stage)) == 1


def test_without_an_expected_silence_none_is_watched(open_stage: OpenStage) -> None:
    stage = open_stage(clock=FixedClock(us(30)), kafka=WALL)
    stage.run(*events("a", 0, 30)).turn()
    after(stage, 86_400)
    assert agent_incidents(stage) == []


def test_the_agents_own_troubles_stand_outside_of_what_a_replay_repeats(stage: Stage) -> None:
    stage.run(*events("a", 0, 30))
    stage.source.trouble = GONE
    stage.turn()
    after(stage, PATIENCE_SECONDS)
    connection = stage.store.connection
    assert list(incident_lines(connection, agent=False)) == []
    assert len(list(incident_lines(connection, agent=True))) == 1


def test_records_that_were_gone_are_an_incident_that_names_their_range(stage: Stage) -> None:
    stage.run(*events("a", 0, 30))
    stage.source.append(*events("b", 30, 40, 30))
    stage.source.delete_before(PART, 75)
    stage.turn(2)
    (incident,) = agent_incidents(stage)
    assert incident.is_open
    (line,) = incident_lines(stage.store.connection, agent=True)
    assert b"t/0: offsets [60, 75) were gone before they were read" in line
    after(stage, MISSING_SECONDS)
    (incident,) = agent_incidents(stage)
    assert not incident.is_open
