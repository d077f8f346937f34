"""Validation against the schemas of the API, strictly: a field that is unknown is an error."""

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

from tests.k8s.manifests import Object

SCHEMAS = Path(__file__).parent / "schemas"
VERSIONS = ("1.35", "1.36")


def errors(manifest: Object, version: str) -> list[str]:
    """What the API server of a Kubernetes version would refuse of a manifest's form."""
    kind = manifest["kind"]
    if (SCHEMAS / f"{kind}.json").exists():
        validator = _ours(kind)
    else:
        validator = _kubernetes(kind, manifest["apiVersion"], version)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest)]


@functools.cache
def _kubernetes(kind: str, api: str, version: str) -> Draft202012Validator:
    """The schema of a kind, as the package kubernetes-validate has it."""
    group, _, number = api.rpartition("/")
    parts = [kind.lower(), *filter(None, [group.split(".")[0]]), number]
    resource = _read(version, "-".join(parts))
    registry = resource @ _definitions(version)
    return Draft202012Validator(resource.contents, registry=registry)


@functools.cache
def _definitions(version: str) -> Registry[Any]:
    return _read(version, "_definitions") @ Registry()


def _read(version: str, file: str) -> Resource[Any]:
    path = f"kubernetes-json-schema/v{version}.0-local-strict/{file}.json"
    return Resource.from_contents(schema_contents(path, version))


@functools.cache
def _ours(kind: str) -> Draft202012Validator:
    return Draft202012Validator(_closed(json.loads((SCHEMAS / f"{kind}.json").read_text())))


def _closed(schema: Any) -> Any:
    """The schema, in which no object has other fields than those it names."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and isinstance(schema.get("type"), str):
        closed.setdefault("additionalProperties", False)
    return closed
