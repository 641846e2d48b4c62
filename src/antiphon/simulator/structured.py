"""The smallest JSON value that a schema admits, for answers to requests with an output format."""

from collections.abc import Mapping
from typing import Any

MOST_NESTED = 20
"""Levels; a schema that needs more than this refers to itself."""


def example(schema: Mapping[str, Any]) -> Any:
    """A value that fits the schema, as far as the API's subset of JSON Schema goes; always the same."""
    return _example(schema, schema, MOST_NESTED)


def _example(schema: Mapping[str, Any], root: Mapping[str, Any], left: int) -> Any:
    match schema:
        case _ if left == 0:
            value = None
        case {"$ref": str(path)}:
            value = _example(_resolved(path, root), root, left - 1)
        case {"const": given} | {"enum": [given, *_]} | {"default": given}:
            value = given
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]} | {"allOf": [first, *_]}:
            value = _example(first, root, left - 1)
        case {"type": [first, *_]}:
            value = _example({**schema, "type": first}, root, left - 1)
        case {"type": "array"}:
            item = _example(schema.get("items") or {}, root, left - 1)
            value = [item] * (schema.get("minItems") or 0)
        case {"type": "object"} | {"properties": _}:
            properties = schema.get("properties") or {}
            wanted = schema.get("required", list(properties))
            value = {name: _example(properties.get(name, {}), root, left - 1) for name in wanted}
        case _:
            value = _scalar(schema)
    return value


def _scalar(schema: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "string":
            return FORMATS.get(schema.get("format", ""), "text")
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case _:
            return None


FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "email": "someone@example.com",
    "hostname": "example.com",
    "uri": "https://example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-0000-0000-000000000000",
}


def _resolved(path: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for name in path.removeprefix("#").strip("/").split("/"):
        found = found.get(name, {}) if name else found
    return found if isinstance(found, dict) else {}
