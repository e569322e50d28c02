"""JSON Schemas of the Prometheus operator's kinds, for ``helm.py``; runs with the Python of ``.parts/deploy``.

They come from models that were generated out of the operator's own CustomResourceDefinitions (v0.80.1). The models let
unknown fields pass; the API server would drop them, so a typing error would go unseen. Here no object has any.
"""

from functools import cache

import jsonschema

API_VERSION = "monitoring.coreos.com/v1"


def invalid(one):
    """What the operator's definition does not accept in an object: path and reason of each mistake."""
    for error in validator(one["kind"]).iter_errors(one):
        found = jsonschema.exceptions.best_match([error])
        yield f"{'/'.join(map(str, found.absolute_path))}: {found.message}"


@cache
def validator(kind):
    """Of one kind. The models take a second to import, so that waits until a kind of theirs is rendered."""
    from cloudcoil.models.prometheus_operator import v1

    return jsonschema.Draft202012Validator(closed(getattr(v1, kind).model_json_schema(by_alias=True)))


def closed(schema):
    """A schema whose objects take only the fields that it names; a map of free names stays one."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    fields = {"additionalProperties": False} if schema.get("type") == "object" and "properties" in schema else {}
    return {**fields, **{name: closed(part) for name, part in schema.items()}}
