"""Who is called when: steps, acknowledgements, further calls, silences and maintenance windows, all in the outbox."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from agent.delivery import outbox
from agent.delivery.schedule import QuietTime
from agent.delivery.sender import Courier, open_for_sending
from agent.delivery.target import Target
from exporters.notice import Notice, NoticeKind
from tests.agent.outbox_stage import MINUTE_US, FakeReceiver, firing, new_database, resolved
from tests.exporters.sample import NOW_US

HOUR_US = 60 * MINUTE_US
FIRST = Target("first", "http://first", standing=False, waits=(("warning", (0,)),))
SECOND = Target("second", "http://second", standing=False, waits=(("warning", (15 * MINUTE_US,)),))
BOSS = Target("boss", "http://boss", standing=False, waits=(("warning", (45 * MINUTE_US,)),))
NIGHT = QuietTime(NOW_US - HOUR_US, NOW_US + HOUR_US)


class House:
    """Everybody who may be called, and a clock."""

    def __init__(self, database: Path, *targets: Target) -> None:
        self.database = database
        self.targets = targets or (FIRST, SECOND, BOSS)
        self.now_us = NOW_US
        self.told: list[tuple[str, str]] = []
        self.connection = open_for_sending(database)

    def happens(self, kind: NoticeKind, notice: Notice) -> None:
        outbox.enqueue(self.connection, [(kind, notice)], self.targets, self.now_us)

    def passes(self, us: int) -> list[tuple[str, str]]:
        """Let time pass, minute by minute; who was told what in it."""
        before, until = len(self.told), self.now_us + us
        while True:
            for target in self.targets:
                self.deliver(target)
            if self.now_us >= until:
                return self.told[before:]
            self.now_us = min(self.now_us + MINUTE_US, until)

    def deliver(self, target: Target) -> None:
        receiver = FakeReceiver()
        courier = Courier(self.connection, target, lambda *_: None, receiver, lambda: self.now_us)
        while courier.step() == 0.0:
            continue
        self.told += [(target.receiver, status) for _, _, status in receiver.told]

    def takes_over(self, *open_incidents: Notice) -> None:
        """As an owner does when it begins to speak."""
        outbox.reconcile(self.connection, open_incidents, self.targets, self.now_us)

    def restarts(self) -> None:
        self.connection.close()
        self.connection = open_for_sending(self.database)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(new_database(tmp_path))
    yield house
    house.connection.close()


def acknowledged(call: int = 1) -> Notice:
    return msgspec.structs.replace(firing(call=call), acknowledged_by="Ada")


def opened() -> Notice:
    return msgspec.structs.replace(firing(), opened_us=NOW_US)


def silenced(until_us: int) -> Notice:
    return msgspec.structs.replace(firing(), silenced_until_us=until_us)


def test_each_step_is_called_when_its_time_has_come(house: House) -> None:
    house.happens("fire", firing())
    assert house.passes(14 * MINUTE_US) == [("first", "firing")]
    assert house.passes(MINUTE_US) == [("second", "firing")]
    assert house.passes(29 * MINUTE_US) == []
    assert house.passes(MINUTE_US) == [("boss", "firing")]


def test_due_times_survive_a_restart(house: House) -> None:
    house.happens("fire", firing())
    house.passes(10 * MINUTE_US)
    house.restarts()
    assert house.passes(4 * MINUTE_US) == []
    assert house.passes(MINUTE_US) == [("second", "firing")]


def test_an_acknowledgement_stops_the_steps_that_are_still_to_come(house: House) -> None:
    house.happens("fire", firing())
    house.passes(20 * MINUTE_US)
    house.happens("acknowledge", acknowledged())
    assert house.passes(5 * HOUR_US) == []


def test_an_acknowledgement_stops_a_step_that_is_due_and_could_not_be_told(house: House) -> None:
    house.happens("fire", firing())
    house.now_us += 20 * MINUTE_US
    house.happens("acknowledge", acknowledged())
    assert house.passes(HOUR_US) == [("first", "firing")]


def test_the_end_is_told_to_those_who_were_called_and_to_nobody_else(house: House) -> None:
    house.happens("fire", firing())
    house.passes(20 * MINUTE_US)
    house.happens("resolve", resolved(at_us=house.now_us))
    assert house.passes(5 * HOUR_US) == [("first", "resolved"), ("second", "resolved")]
    assert house.connection.execute("SELECT count(*) FROM called").fetchone() == (0,)


def test_who_was_spared_by_an_acknowledgement_does_not_hear_of_the_end(house: House) -> None:
    house.happens("fire", firing())
    house.passes(0)
    house.happens("acknowledge", acknowledged())
    house.happens("resolve", resolved(at_us=house.now_us))
    assert house.passes(HOUR_US) == [("first", "resolved")]


def test_a_further_call_begins_anew(house: House) -> None:
    house.happens("fire", firing())
    house.passes(20 * MINUTE_US)
    house.happens("acknowledge", acknowledged())
    house.happens("call_again", firing(call=2))
    assert house.passes(14 * MINUTE_US) == [("first", "firing")]
    assert house.passes(HOUR_US) == [("second", "firing"), ("boss", "firing")]


def test_a_further_call_takes_the_place_of_steps_that_are_still_to_come(house: House) -> None:
    house.happens("fire", firing())
    house.passes(10 * MINUTE_US)
    house.happens("call_again", firing(call=2))
    assert house.passes(14 * MINUTE_US) == [("first", "firing")]
    assert house.passes(2 * MINUTE_US) == [("second", "firing")]


def test_a_receiver_that_no_step_names_is_told_at_once_of_everything(tmp_path: Path) -> None:
    free = Target("free", "http://free", standing=False)
    house = House(new_database(tmp_path), free, replace(FIRST, waits=(("critical", (0,)),)))
    house.happens("fire", firing())
    assert house.passes(HOUR_US) == [("free", "firing")]
    house.connection.close()


def test_a_silence_postpones_the_steps_and_its_early_end_brings_them_back(house: House) -> None:
    house.happens("fire", firing())
    house.passes(10 * MINUTE_US)
    house.happens("update", silenced(NOW_US + 2 * HOUR_US))
    assert house.passes(20 * MINUTE_US) == []
    house.happens("update", silenced(house.now_us))
    assert house.passes(0) == [("second", "firing")]
    assert house.passes(HOUR_US) == [("boss", "firing")]


def test_after_a_silence_whoever_would_have_been_called_is_called(house: House) -> None:
    house.happens("fire", silenced(NOW_US + HOUR_US))
    assert house.passes(59 * MINUTE_US) == []
    assert {name for name, _ in house.passes(MINUTE_US)} == {"first", "second", "boss"}


def test_nobody_hears_of_an_incident_that_began_and_ended_in_a_silence(house: House) -> None:
    house.happens("fire", silenced(NOW_US + HOUR_US))
    house.passes(30 * MINUTE_US)
    house.happens("resolve", resolved(at_us=house.now_us))
    assert house.passes(5 * HOUR_US) == []


def test_in_a_maintenance_window_calls_wait_for_its_end(tmp_path: Path) -> None:
    house = House(new_database(tmp_path), replace(FIRST, quiet=(NIGHT,)))
    house.happens("fire", firing())
    assert house.passes(HOUR_US - 1) == []
    assert house.passes(1) == [("first", "firing")]
    house.connection.close()


def test_a_window_that_begins_after_the_opening_holds_the_step_that_falls_into_it(tmp_path: Path) -> None:
    later = QuietTime(NOW_US + 10 * MINUTE_US, NOW_US + 30 * MINUTE_US)
    house = House(new_database(tmp_path), replace(FIRST, quiet=(later,)), replace(SECOND, quiet=(later,)))
    house.happens("fire", firing())
    assert house.passes(29 * MINUTE_US) == [("first", "firing")]
    assert house.passes(MINUTE_US) == [("second", "firing")]
    house.connection.close()


def test_an_alert_is_not_told_again_in_a_window_that_begins_while_it_fires(tmp_path: Path) -> None:
    later = QuietTime(NOW_US + 10 * MINUTE_US, NOW_US + 30 * MINUTE_US)
    house = House(new_database(tmp_path), Target("am", "http://am", standing=True, quiet=(later,)))
    house.happens("fire", firing())
    assert len(house.passes(9 * MINUTE_US)) == 10
    assert house.passes(20 * MINUTE_US) == []
    assert len(house.passes(MINUTE_US)) == 1
    house.connection.close()


def test_what_could_not_be_told_before_a_window_waits_for_its_end(tmp_path: Path) -> None:
    later = QuietTime(NOW_US + 10 * MINUTE_US, NOW_US + 30 * MINUTE_US)
    house = House(new_database(tmp_path), replace(FIRST, quiet=(later,)))
    house.happens("fire", firing())
    house.now_us += 15 * MINUTE_US
    assert house.passes(14 * MINUTE_US) == []
    assert outbox.status(house.connection, house.now_us)[0].waiting == 0
    assert house.passes(MINUTE_US) == [("first", "firing")]
    house.connection.close()


def test_a_window_that_was_taken_out_of_the_settings_holds_nobody_back(tmp_path: Path) -> None:
    house = House(new_database(tmp_path), replace(FIRST, quiet=(NIGHT,)))
    house.happens("fire", firing())
    house.targets = (FIRST,)
    outbox.reconcile(house.connection, [firing()], house.targets, house.now_us)
    assert house.passes(0) == [("first", "firing")]
    house.connection.close()


def test_steps_that_wait_on_purpose_do_not_count_as_stuck(house: House) -> None:
    house.happens("fire", firing())
    waiting = {status.receiver: status for status in outbox.status(house.connection, NOW_US)}
    assert (waiting["first"].waiting, waiting["first"].oldest_us) == (1, NOW_US)
    assert (waiting["second"].waiting, waiting["second"].oldest_us) == (0, None)
    later_us = NOW_US + HOUR_US
    waiting = {status.receiver: status for status in outbox.status(house.connection, later_us)}
    assert waiting["second"].oldest_us == NOW_US + 15 * MINUTE_US


def test_an_outbox_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    outbox.create_schema(connection)
    for column in ("later", "planned_us", "owed_us"):
        connection.execute(f"ALTER TABLE outbox DROP COLUMN {column}")
    connection.execute("DROP TABLE called")
    connection.execute(
        """INSERT INTO outbox (receiver, url, incident_id, call, kind, standing, notice, created_us, due_us)
           VALUES ('first', 'http://first', 'h-1-1', 1, 'fire', 0, ?, 5, 5)""",
        (msgspec.json.encode(firing()).decode(),),
    )
    outbox.create_schema(connection)
    connection.close()
    house = House(tmp_path / "state.db", FIRST)
    house.happens("update", silenced(NOW_US - 1))
    assert outbox.status(house.connection, NOW_US)[0].oldest_us == 5
    house.happens("resolve", resolved())
    assert house.passes(0) == [("first", "firing"), ("first", "resolved")]
    house.connection.close()


def test_who_takes_over_plans_the_steps_that_are_still_to_come(house: House) -> None:
    house.now_us += 20 * MINUTE_US
    house.takes_over(opened())
    house.takes_over(opened())
    assert house.passes(HOUR_US) == [("boss", "firing")]
    assert house.now_us == NOW_US + 20 * MINUTE_US + HOUR_US


def test_steps_of_the_past_are_taken_as_made(tmp_path: Path) -> None:
    twice = replace(FIRST, waits=(("warning", (0, 45 * MINUTE_US)),))
    house = House(new_database(tmp_path), twice, SECOND)
    house.now_us += 20 * MINUTE_US
    house.takes_over(opened())
    house.happens("acknowledge", acknowledged())
    house.happens("resolve", resolved())
    assert house.passes(HOUR_US) == [("first", "resolved"), ("second", "resolved")]


def test_of_an_acknowledged_incident_no_step_is_planned_by_who_takes_over(house: House) -> None:
    house.takes_over(msgspec.structs.replace(acknowledged(), opened_us=NOW_US))
    assert house.passes(HOUR_US) == []


def test_a_start_with_the_same_state_plans_nothing_again(house: House) -> None:
    house.happens("fire", firing())
    house.takes_over(opened())
    house.passes(20 * MINUTE_US)
    house.takes_over(opened())
    house.passes(HOUR_US)
    assert house.told == [("first", "firing"), ("second", "firing"), ("boss", "firing")]


def test_a_member_that_learns_of_an_incident_by_itself_begins_with_the_first_step(house: House) -> None:
    house.takes_over()
    house.happens("fire", firing())
    assert house.passes(HOUR_US) == [("first", "firing"), ("second", "firing"), ("boss", "firing")]


def test_steps_that_are_planned_anew_wait_for_the_end_of_a_silence(house: House) -> None:
    house.takes_over(msgspec.structs.replace(opened(), silenced_until_us=NOW_US + HOUR_US))
    assert house.passes(HOUR_US - MINUTE_US) == []
    assert house.passes(2 * MINUTE_US) == [("second", "firing"), ("boss", "firing")]


def test_windows_come_again_and_concern_what_they_name() -> None:
    week_us = 7 * 24 * HOUR_US
    weekly = replace(NIGHT, repeats_us=week_us, systems=frozenset({"elsewhere"}))
    assert weekly.end_of(NOW_US + 3 * week_us) == NIGHT.ends_us + 3 * week_us
    assert weekly.end_of(NOW_US + week_us + HOUR_US) is None
    assert weekly.end_of(NIGHT.starts_us - 1) is None
    assert not weekly.concerns(firing().stream)
    assert replace(weekly, systems=frozenset()).concerns(firing().stream)
