"""The model that is watched: a logistic regression, fitted on January to July."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from deploy.demo import flights

MONDAY = {
    "fit": pd.Timestamp("2012-12-31", tz="UTC"),
    "reference": pd.Timestamp("2013-07-29", tz="UTC"),
    "live": pd.Timestamp("2013-09-30", tz="UTC"),
    "end": pd.Timestamp("2014-01-06", tz="UTC"),
}
"""Where each part of the year begins: on Mondays, so that weekly windows are whole."""


@dataclass(frozen=True, slots=True)
class Year:
    """The year's flights with the model's answers (``score``, ``said_late``): held-out reference and live stream."""

    reference: pd.DataFrame
    live: pd.DataFrame


def run() -> Year:
    """Fit the model on its part of the year and let it answer on the others."""
    table = flights.load()
    seen = flights.between(table, MONDAY["fit"], MONDAY["reference"])
    model = fit(seen[seen["reported"].notna()])
    reference = flights.between(table, MONDAY["reference"], MONDAY["live"])
    live = flights.between(table, MONDAY["live"], MONDAY["end"])
    return Year(answer(model, reference), answer(model, live))


def fit(seen: pd.DataFrame) -> Pipeline:
    """Fit on flights whose outcome is known."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer((numbers, list(flights.NUMBERS)), (categories, list(flights.CATEGORIES)))
    return make_pipeline(columns, LogisticRegression(max_iter=1_000)).fit(seen, seen["late"])


def answer(model: Pipeline, table: pd.DataFrame) -> pd.DataFrame:
    """The table with the probability that a flight arrives late, and what the model says about it."""
    score = model.predict_proba(table)[:, 1].round(6)
    return table.assign(score=score, said_late=score >= 0.5)
