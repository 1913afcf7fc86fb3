"""What an API server with strict validation accepts, from the definitions of KubeRay's resources."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

Schema = dict[str, Any]

_METADATA = {
    "type": "object",
    "required": ["name", "namespace"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$", "maxLength": 47},
        "namespace": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def _unique_keys(validator: Any, keys: list[str], items: Any, schema: Schema) -> Iterator[ValidationError]:
    """Refuse a list in which two entries have the same keys, where it stands for a map."""
    found = [tuple(item.get(key) for key in keys) for item in items]
    for twice in {one for one in found if found.count(one) > 1}:
        yield ValidationError(f"two entries have {', '.join(keys)} = {twice}")


Validator = extend(Draft202012Validator, {"x-kubernetes-list-map-keys": _unique_keys})


def validators(folder: Path) -> dict[str, Any]:
    """Give a validator for each kind that is rendered; other kinds would be a KeyError.

    Core kinds take their schemas from where KubeRay's resources embed the same types.
    """
    own = {
        kind: _definition(folder / f"ray.io_{kind.lower()}s.yaml") for kind in ("RayCluster", "RayJob", "RayService")
    }
    service = own["RayService"]["properties"]["spec"]["properties"]
    cluster = service["rayClusterConfig"]["properties"]
    pod = cluster["headGroupSpec"]["properties"]["template"]
    volume = pod["properties"]["spec"]["properties"]["volumes"]["items"]["properties"]
    claim = volume["ephemeral"]["properties"]["volumeClaimTemplate"]["properties"]["spec"]
    traffic = cluster["networkPolicy"]["properties"]["head"]["properties"]["ingressRules"]
    labels = {"type": "object", "additionalProperties": {"type": "string"}}
    selector = {"type": "object", "required": ["matchLabels"], "properties": {"matchLabels": labels}}
    text = {"type": "object", "additionalProperties": {"type": "string"}}
    core = {
        "Service": {"spec": service["serveService"]["properties"]["spec"]},
        "PersistentVolumeClaim": {"spec": claim},
        "ServiceAccount": {"automountServiceAccountToken": {"type": "boolean"}},
        "ConfigMap": {"data": text},
        "Deployment": {
            "spec": {
                "type": "object",
                "required": ["selector", "template"],
                "properties": {
                    "replicas": {"type": "integer"},
                    "strategy": {"properties": {"type": {"enum": ["Recreate", "RollingUpdate"]}}, "type": "object"},
                    "selector": selector,
                    "template": pod,
                },
            }
        },
        "NetworkPolicy": {
            "spec": {
                "type": "object",
                "required": ["podSelector"],
                "properties": {
                    "podSelector": selector,
                    "policyTypes": {"items": {"enum": ["Ingress", "Egress"]}, "type": "array"},
                    "ingress": traffic,
                },
            }
        },
    }
    whole = {kind: {"type": "object", "properties": properties} for kind, properties in core.items()} | own
    return {kind: Validator(_whole(kind, schema)) for kind, schema in whole.items()}


def _definition(file: Path) -> Schema:
    definition = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    [version] = [one for one in definition["spec"]["versions"] if one["name"] == "v1"]
    return version["schema"]["openAPIV3Schema"]


def _whole(kind: str, schema: Schema) -> Schema:
    """Add what every object has, and refuse what is not known."""
    properties = {
        **schema["properties"],
        "apiVersion": {"type": "string"},
        "kind": {"const": kind},
        "metadata": _METADATA,
    }
    return _strict({**schema, "properties": properties, "required": ["apiVersion", "kind", "metadata"]})


def _strict(schema: Any) -> Any:
    """Refuse unknown fields everywhere, unless the schema says that there are any."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    strict = {
        key: {name: _strict(one) for name, one in value.items()} if key == "properties" else _strict(value)
        for key, value in schema.items()
    }
    open_ended = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if schema.get("type") == "object" and not open_ended:
        strict["additionalProperties"] = False
    return strict
