"""What happened, week by week, computed by scikit-learn from the rows: for a reader to hold against what the agent says.

Nothing here knows of the agent, its tables or its events.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from rich.table import Table
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score

from deploy.demo.model import MONDAY, Year

WEEK = pd.Timedelta(days=7)
TOLERANCE = 0.02
"""How far below the reference the AUC may fall: the agent's default."""

HEADINGS = ("week", "flights", "late", "AUC", "below", "accuracy", "caught", "on time, late")
"""Week's Monday, flights, share late, AUC and its distance below the reference, accuracy, share of the late flights that the
model called, share of the flights that left on time and arrived late."""


@dataclass(frozen=True, slots=True)
class Week:
    """One week of flights whose outcome was reported; ``start`` is its Monday.

    ``late``: share that arrived late. ``caught``: of those, the share that the model called (recall). ``on_time_but_late``:
    of the flights that left within five minutes of schedule, the share that arrived late.
    """

    start: pd.Timestamp
    flights: int
    late: float
    auc: float
    accuracy: float
    caught: float
    on_time_but_late: float


def weeks(year: Year) -> list[Week]:
    """The live weeks in order; the last one is left out if the year cuts it short."""
    table = year.live
    number = (table["left"] - MONDAY["live"]) // WEEK
    whole = number < (table["left"].max() - MONDAY["live"]) // WEEK
    return [week(MONDAY["live"] + n * WEEK, rows) for n, rows in table[whole].groupby(number[whole])]


def week(start: pd.Timestamp, rows: pd.DataFrame) -> Week:
    """Measure one set of flights."""
    known = rows[rows["reported"].notna()]
    late, said = known["late"], known["said_late"]
    punctual = known["departure_delay_minutes"] <= 5
    return Week(
        start=start,
        flights=len(known),
        late=float(late.mean()),
        auc=float(roc_auc_score(late, known["score"])),
        accuracy=float(accuracy_score(late, said)),
        caught=float(recall_score(late, said)),
        on_time_but_late=float(late[punctual].mean()),
    )


def report(year: Year) -> Table:
    """The live weeks beside the reference; those whose AUC is beyond the tolerance stand out."""
    reference = week(MONDAY["reference"], year.reference)
    table = Table(title="What happened, by scikit-learn from the rows", title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    table.add_row("Mar-May", *_cells(reference, reference), style="bold")
    for one in weeks(year):
        beyond = reference.auc - one.auc > TOLERANCE
        table.add_row(f"{one.start:%d %b}", *_cells(one, reference), style="red" if beyond else "")
    return table


def _cells(one: Week, reference: Week) -> tuple[str, ...]:
    shares = (one.accuracy, one.caught, one.on_time_but_late)
    below = f"{reference.auc - one.auc:+.3f}"
    return (f"{one.flights}", f"{one.late:.1%}", f"{one.auc:.3f}", below, *(f"{share:.1%}" for share in shares))
