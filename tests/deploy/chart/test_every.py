"""The chart with every value that its schema knows changed at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.deploy.chart import cases
from tests.deploy.chart.every import SETS, every
from tests.deploy.chart.render import model_chart, of_kind, render, with_value
from tests.deploy.chart.restricted import violations

pytestmark = pytest.mark.parts

Answers = list[dict[str, Any]]


@pytest.fixture(scope="module")
def standalone() -> Answers:
    return render(every("standalone"))


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return render([{"wachter": values} for values in every("sidecar")], model_chart(tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize("number", range(SETS))
def test_standalone_every_object_is_what_its_api_takes(standalone: Answers, number: int) -> None:
    assert standalone[number].get("invalid") == [], standalone[number].get("error")
    assert standalone[number]["lint"] == []


@pytest.mark.parametrize("number", range(SETS))
def test_standalone_pods_meet_pod_security_restricted(standalone: Answers, number: int) -> None:
    assert violations(of_kind(standalone[number], "StatefulSet")["spec"]["template"]["spec"]) == []


@pytest.mark.parametrize("number", range(SETS))
def test_beside_a_model_every_object_is_what_its_api_takes(beside: Answers, number: int) -> None:
    assert beside[number].get("invalid") == [], beside[number].get("error")
    assert beside[number]["lint"] == []


@pytest.mark.parametrize("number", range(SETS))
def test_no_two_objects_have_one_name(standalone: Answers, beside: Answers, number: int) -> None:
    for answer in (standalone[number], beside[number]):
        named = Counter((one["kind"], one["metadata"]["name"]) for one in answer["objects"])
        assert max(named.values()) == 1


def test_long_names_stay_apart() -> None:
    (answer,) = render([{**cases.EVERYTHING, "fullnameOverride": "w" * 60}])
    named = Counter((one["kind"], one["metadata"]["name"]) for one in answer["objects"])
    assert (max(named.values()), answer["invalid"], answer["lint"]) == (1, [], [])


def test_a_large_number_in_the_environment_stays_one() -> None:
    (answer,) = render(
        [{**cases.MINIMAL, "environment": {"WACHTER_A": 1_000_000, "WACHTER_B": 0.25, "WACHTER_C": "1e3"}}]
    )
    (container,) = of_kind(answer, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    set_here = {one["name"]: one["value"] for one in container["env"] if len(one["name"]) == len("WACHTER_A")}
    assert set_here == {"WACHTER_A": "1000000", "WACHTER_B": "0.25", "WACHTER_C": "1e3"}


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (
            "monitor.authorization",
            {"basicAuth": {"user": {"name": "web", "key": "user"}}},
            "spec/endpoints/0/basicAuth",
        ),
        ("monitor.authorization", {"tlsConfig": {"minVersion": "1.3"}}, "spec/endpoints/0/tlsConfig/minVersion"),
    ],
)
def test_what_the_operator_does_not_take_is_found(path: str, value: Any, where: str) -> None:
    (answer,) = render([with_value({**cases.MINIMAL, "monitor": {"enabled": True}}, path, value)])
    assert [said.partition(":")[0] for said in answer["invalid"]] == [where]
