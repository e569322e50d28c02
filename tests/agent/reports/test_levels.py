"""Texts of events are harmless before another library puts them into scripts and markup."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from agent.reports.levels import MOST_CHARACTERS, MOST_LEVELS, OTHERS, harmless, names_of_levels


@given(st.text())
def test_no_text_carries_markup_control_signs_or_great_length(text: str) -> None:
    shown = harmless(text)
    assert not set(shown) & set("<>&\"'`\\{}")
    assert not any(unicodedata.category(sign)[0] == "C" for sign in shown if sign != "�")
    assert len(shown) <= MOST_CHARACTERS


def test_a_plain_text_stays_as_it_is() -> None:
    assert harmless("self-employed (2 years)") == "self-employed (2 years)"


def test_levels_that_are_not_revealed_are_numbered_by_their_frequency_in_both_samples() -> None:
    names = names_of_levels([["kim", "lee", "lee"], ["lee", "ada", None, "ada"]], is_revealed=False)
    assert names == {"lee": "level 1", "ada": "level 2", "kim": "level 3"}


def test_levels_that_are_revealed_keep_their_text() -> None:
    assert names_of_levels([["a", "<b>"]], is_revealed=True) == {"a": "a", "<b>": "‹b›"}


def test_rare_levels_become_one() -> None:
    names = names_of_levels([[f"v{number}" for number in range(1000)]], is_revealed=True)
    assert len(set(names.values())) == MOST_LEVELS + 1
    assert list(names.values()).count(OTHERS) == 1000 - MOST_LEVELS
