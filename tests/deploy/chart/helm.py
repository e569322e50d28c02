"""Runs with the Python of ``.parts/deploy``: JSON of jobs on standard input, JSON of what Helm says on standard output.

A job is ``{"chart", "values", "versions"}``; its answer ``{"lint", "notes", "objects", "invalid"}``, or ``{"error"}`` where
the chart refuses the values. ``invalid`` lists what the API schemas of the Kubernetes versions, or of the Prometheus
operator, do not accept, unknown fields included.
"""

import json
import sys
from functools import cache

import helm_python
import kubernetes_validate
import operator_schemas
import yaml

INFO = 1  # severity: the icon that is recommended


def answer(job):
    """What Helm and Kubernetes make of one set of values."""
    try:
        with helm_python.Chart.load(job["chart"]) as chart:
            chart.validate_schema(job["values"])
            manifests = chart.render(job["values"], name="watch", namespace="models")
    except helm_python.HelmError as error:
        return {"error": str(error)}
    report = helm_python.lint(job["chart"], job["values"], strict=True, kube_version="v1.37.0")
    objects = [one for text in manifests.values() for one in documents(text)]
    return {
        "lint": [m["error"] for m in report["messages"] if m["severity"] > INFO] + report["errors"],
        "notes": next((text for name, text in manifests.items() if name.endswith("NOTES.txt")), ""),
        "objects": objects,
        "invalid": [said for one in objects for said in invalid(json.dumps(one), tuple(job["versions"]))],
    }


def documents(text):
    """The objects of one rendered file; NOTES.txt has none."""
    loaded = yaml.load_all(text, yaml.CSafeLoader) if "kind:" in text else ()
    return [one for one in loaded if isinstance(one, dict) and "kind" in one]


@cache
def invalid(text, versions):
    """What those who define its kind do not accept in an object, given as JSON: most objects come again and again."""
    one = json.loads(text)
    if one["apiVersion"] == operator_schemas.API_VERSION:
        return list(operator_schemas.invalid(one))
    return [said for version in versions for said in invalid_in_kubernetes(one, version)]


def invalid_in_kubernetes(one, version):
    """What Kubernetes of this version does not accept in an object."""
    try:
        kubernetes_validate.validate(one, version, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        yield f"{version} does not know {one['apiVersion']} {one['kind']}"
    except kubernetes_validate.ValidationError as error:
        yield f"{version} {one['kind']}: {'/'.join(map(str, error.path))}: {error.message}"


json.dump([answer(job) for job in json.load(sys.stdin)], sys.stdout)
