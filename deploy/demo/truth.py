"""What happened, week by week, computed by scikit-learn from the rows: for a reader to hold against what the agent says.

Nothing here knows of the agent, its tables or its events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.table import Table
from scipy.stats import rankdata
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score

from deploy.demo.model import MONDAY, Year

WEEK = pd.Timedelta(days=7)
TOLERANCE = 0.02
"""How far below the reference the AUC may fall: the agent's default."""

HEADINGS = ("week", "flights", "late", "AUC", "below", "error", "accuracy", "caught", "on time, late")
"""Week's Monday, flights, share late, AUC, its distance below the reference and the standard error of that, accuracy, share
of the late flights that the model called, share of the flights that left on time and arrived late."""


@dataclass(frozen=True, slots=True)
class Week:
    """One week of flights whose outcome was reported.

    Attributes:
        start: its Monday.
        late: share that arrived late.
        auc_error: standard error of the AUC.
        caught: share of the late flights that the model called (recall).
        on_time_but_late: of the flights that left within five minutes of schedule, the share that arrived late.
    """

    start: pd.Timestamp
    flights: int
    late: float
    auc: float
    auc_error: float
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
        auc_error=delong_error(late.to_numpy(), known["score"].to_numpy()),
        accuracy=float(accuracy_score(late, said)),
        caught=float(recall_score(late, said)),
        on_time_but_late=float(late[punctual].mean()),
    )


def delong_error(late: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Standard error of the AUC (DeLong, DeLong and Clarke-Pearson 1988), from the rows' ranks.

    The placement of a late flight is the share of punctual ones that score below it, and the other way round; the AUC is
    the mean of either, and its variance the sum of the variances of both means.
    """
    ranks, late_ranks, other_ranks = rankdata(score), rankdata(score[late]), rankdata(score[~late])
    of_late = (ranks[late] - late_ranks) / (~late).sum()
    of_others = (ranks[~late] - other_ranks) / late.sum()
    return float(np.sqrt(of_late.var(ddof=1) / late.sum() + of_others.var(ddof=1) / (~late).sum()))


def beyond(one: Week, reference: Week) -> bool:
    """Whether the AUC fell by more than the tolerance, surely: by three standard errors."""
    error = float(np.hypot(one.auc_error, reference.auc_error))
    return reference.auc - one.auc - 3 * error > TOLERANCE


def report(year: Year) -> Table:
    """The live weeks beside the reference; those whose AUC is surely beyond the tolerance stand out."""
    reference = week(MONDAY["reference"], year.reference)
    table = Table(title="What happened, by scikit-learn from the rows", title_justify="left", box=None)
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    table.add_row("Aug-Sep", *_cells(reference, reference), style="bold")
    for one in weeks(year):
        style = "red" if beyond(one, reference) else ""
        table.add_row(f"{one.start:%d %b}", *_cells(one, reference), style=style)
    return table


def _cells(one: Week, reference: Week) -> tuple[str, ...]:
    shares = (one.accuracy, one.caught, one.on_time_but_late)
    below, error = f"{reference.auc - one.auc:+.3f}", f"{np.hypot(one.auc_error, reference.auc_error):.3f}"
    return (f"{one.flights}", f"{one.late:.1%}", f"{one.auc:.3f}", below, error, *(f"{share:.1%}" for share in shares))
