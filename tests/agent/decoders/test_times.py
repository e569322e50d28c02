from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decoders.times import NO_TIME, epoch_us, iso_us, read_times
from config.contract import TimeFormat

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1000, 1, 3), datetime(8999, 12, 29), timezones=offsets)


def oracle(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@given(st.lists(moments, max_size=20))
def test_iso_times_are_those_of_datetime(times: list[datetime]) -> None:
    assert read_times([time.isoformat() for time in times], "iso").tolist() == [oracle(time) for time in times]


@given(st.lists(moments, min_size=1, max_size=20), st.sampled_from(["seconds", "milliseconds", "microseconds"]))
def test_zulu_times_of_one_length_are_those_of_datetime(times: list[datetime], precision: str) -> None:
    written = [time.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z") for time in times]
    expected = [oracle(datetime.fromisoformat(text)) for text in written]
    assert read_times(written, "iso").tolist() == expected


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01 00:00:00z", 0),
        ("1970-01-01t00:00:00", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00+0100", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1969-12-31T23:59:59.9999999Z", -1),
        ("1970-01-01T00:00:00.0000019Z", 1),
        ("1970-01-01T00:00:00.123456789Z", 123_456),
        ("1970-01-01T00:00:00.1234567891Z", 123_456),
        ("1970-01-01T00:00:00.5Z", 500_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
        ("2016-12-31T23:59:60.5Z", 1_483_228_800_500_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
        ("1000-01-01T00:00:00Z", -30_610_224_000_000_000),
        ("8999-12-31T23:59:59.999999Z", 221_845_391_999_999_999),
    ],
)
def test_corners_of_iso(text: str, microseconds: int) -> None:
    assert read_times([text, text], "iso").tolist() == [microseconds, microseconds]


@pytest.mark.parametrize(
    "text",
    [
        "", "Z", "now", "today", "NaT", "2026-11-23", "2026-11", "20261123T200000Z", "2026-11-23T20:00Z",
        "2026-02-29T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T20:60:00Z", "2026-11-23T20:00:61Z",
        "2026-11-23T20:00:00.Z", "2026-11-23T20:00:00,5Z", "2026-11-23T20:00:00+24:00", "2026-11-23T20:00:00+01:60",
        "2026-11-23T20:00:00ZZ", " 2026-11-23T20:00:00Z", "２026-11-23T20:00:00Z", "0000-01-01T00:00:00Z",
        "1000-01-01T00:00:00+01:00", "8999-12-31T23:59:59-01:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
        "9000-01-01T00:00:00Z", "0999-12-31T23:59:59Z", "2026-11-23T20:00:00\x00", "-026-11-23T20:00:00Z",
        None, 1, 1.5, True, [], {},
    ],
)  # fmt: skip
def test_what_is_no_iso_time_has_no_time_and_disturbs_no_neighbour(text: object) -> None:
    good = "2026-11-23T20:00:00Z"
    first, middle, last = read_times([good, text, good], "iso").tolist()
    assert middle == NO_TIME
    assert first == last == 1_795_464_000_000_000


@pytest.mark.parametrize("text", ["2026-02-29T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T20:00:00.999x99Z"])
def test_no_iso_time_among_very_many_is_alone(text: str) -> None:
    """numpy's cast of more than 500 texts to datetime64 ended the process where one of them was no date."""
    times = read_times(["2026-11-23T20:00:00Z"] * 600 + [text], "iso").tolist()
    assert times == [1_795_464_000_000_000] * 600 + [NO_TIME]


@given(
    st.lists(
        st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,9})?Z", fullmatch=True)
    )
)
def test_many_iso_times_are_read_as_one_is(texts: list[str]) -> None:
    assert read_times(texts, "iso").tolist() == [iso_us(text) for text in texts]


@pytest.mark.parametrize(
    ("value", "form", "microseconds"),
    [
        (1, "s", 1_000_000),
        (-1, "s", -1_000_000),
        (1_795_464_000.123, "s", 1_795_464_000_123_000),
        (-0.5, "s", -500_000),
        (1_795_464_000_123, "ms", 1_795_464_000_123_000),
        ("1795464000123", "ms", 1_795_464_000_123_000),
        (0.5, "ms", 500),
        (7, "us", 7),
        (1_999, "ns", 1),
        (-1, "ns", -1),
        (1_795_464_000_123_456_789, "ns", 1_795_464_000_123_456),
    ],
)
def test_epoch_times_are_read_in_their_unit(value: object, form: TimeFormat, microseconds: int) -> None:
    assert read_times([value], form).tolist() == [microseconds]


@pytest.mark.parametrize(
    "value", [None, True, "", "1.5", "1e3", "٣", float("nan"), float("inf"), 1e300, 10**40, [], "9" * 30]
)
@pytest.mark.parametrize("form", ["s", "ms", "us", "ns"])
def test_what_is_no_epoch_time_has_no_time(value: object, form: TimeFormat) -> None:
    assert read_times([value], form).tolist() == [NO_TIME]


@given(st.integers(-(10**13), 10**13), st.sampled_from([("s", 10**6), ("ms", 10**3), ("us", 1)]))
def test_whole_epoch_times_are_exact(value: int, unit: tuple[TimeFormat, int]) -> None:
    form, factor = unit
    expected = value * factor
    inside = -62_135_596_800_000_000 <= expected < 253_402_300_800_000_000
    assert epoch_us(value, form) == (expected if inside else NO_TIME)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_none(text: str) -> None:
    assert read_times([text], "iso").shape == (1,)
