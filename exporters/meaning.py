"""What an incident means and what to look at first, in words for whoever is called at night."""

from __future__ import annotations

from typing import NamedTuple

from detectors.measurement import Track


class Meaning(NamedTuple):
    """What trouble of a family means for people, and what to do first."""

    means: str
    first: tuple[str, ...]


TRACKS: dict[Track, str] = {
    Track.HARM: "Somebody is called: the model may be giving people wrong or unfair answers now.",
    Track.HEALTH: "A ticket: something moved that deserves a look; harm is not shown.",
    Track.AGENT: "Wachter itself is in trouble, so what it says about models may be old or incomplete.",
}

FAMILIES: dict[str, Meaning] = {
    "performance": Meaning(
        "The model is right less often than it was, by more than was tolerated. The interval, not only the point, lies "
        "beyond the tolerance, so chance alone does not explain it.",
        (
            "Limit the harm: go back to the last good version, or let people decide meanwhile.",
            "Look at what moved with it, and at the data quality: broken input comes before a worn-out model.",
            "Ask whether the labels changed: another source or another definition looks the same from here.",
        ),
    ),
    "bias": Meaning(
        "Groups of people are treated more differently than was tolerated.",
        (
            "Tell the owner of the system: decisions about people may have to be stopped or looked at again.",
            "Look at which groups differ, and whether their mix or their input changed.",
            "Do not wait for more data: the interval already lies beyond the tolerance.",
        ),
    ),
    "quality": Meaning(
        "The model gets data that it was not made for: missing, invalid, unknown or out of range.",
        (
            "Look at the columns below and at the example events: which field, since which hour.",
            "Find the producer that changed: a new release, a new source, another unit or format.",
            "Answers that were given on broken input may have to be given again.",
        ),
    ),
    "drift": Meaning(
        "The values of columns are spread differently than in the reference. That explains other trouble; it is none by "
        "itself.",
        (
            "Compare the columns below: a jump in one cell is a fault upstream, a slow shift is the world.",
            "See whether performance holds. If it does, and the change stays, build a new reference.",
        ),
    ),
    "service": Meaning(
        "The model answers less, slower, with more errors, or to an unusual number of requests.",
        (
            "Look at the service that runs the model: deployments, errors, load.",
            "See whether the events still reach Kafka: silence here may be a producer that stopped.",
        ),
    ),
    "representativeness": Meaning(
        "The groups of people are no longer those of the reference, so what was shown about fairness may not hold.",
        ("Ask what changed in who is served, and whether the attribute is still recorded the same way.",),
    ),
    "agent": Meaning(
        "Wachter cannot read what it should watch.",
        (
            "See whether the agent is ready, and what it says of its source, at the foot of the list of incidents.",
            "Look at the broker, the topic's retention, and the producers.",
        ),
    ),
}

OTHER = Meaning("A measure is beyond its tolerance.", ("Look at what moved with it.",))


def meaning(family: str) -> Meaning:
    """What trouble of a family means; a general sentence for one that has none of its own."""
    return FAMILIES.get(family, OTHER)
