"""JSON schemas as Claude's structured outputs take them, and as words for who cannot be held to one. Pure.

Source: the Messages API reference on structured outputs. Objects have named properties and no others; bounds
of numbers, lengths and patterns are not enforced; schemas do not refer to themselves; at most 24 properties
may be left out, and 16 unions stand in one schema.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

MOST_OPTIONAL = 24
MOST_UNIONS = 16
FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
PLAIN = ("string", "integer", "number", "boolean", "null")

SAID = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    | {"minLength", "maxLength", "pattern", "format"}
    | {"minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"}
)
"""Keywords that are not enforced: they are said in the description."""
LEFT_OUT = frozenset(
    {"title", "default", "examples", "discriminator", "deprecated", "readOnly", "writeOnly", "$schema", "$id"}
)
"""Keywords that say nothing about what an answer may be, and are paid for with every request."""
KEPT = frozenset({"type", "description", "properties", "required", "additionalProperties", "items"})

DEFINED = "#/$defs/"

INSTRUCTION = (
    "Answer with one JSON value that fits this JSON schema, and with nothing else: no words before or after "
    "it, no code fence.\n\n{}"
)


def instruction(schema: Schema) -> str:
    """What to say where nothing enforces the schema."""
    return INSTRUCTION.format(json.dumps(schema, ensure_ascii=False, separators=(",", ":")))


class _Inexpressible(Exception):
    """There is no strict form of this."""


def strict_form(schema: Schema) -> dict[str, Any] | None:
    """The nearest schema that structured outputs take; None if there is none that means enough of the same.

    What it admits may lie outside the bounds that `schema` gives, so an answer is still to be checked. The
    same schema gives the same bytes, and properties keep their order: Claude writes them in it. A strict form
    is its own strict form.
    """
    definitions = schema.get("$defs") or {}
    try:
        if any(_refers_to_itself(name, definitions) for name in definitions):
            return None
        strict = _strict({key: value for key, value in schema.items() if key != "$defs"}, definitions)
        used = {name: _strict(definitions[name], definitions) for name in _used(strict, definitions)}
    except _Inexpressible:
        return None
    strict = {**strict, "$defs": used} if used else strict
    parts = list(_parts(strict))
    unions = sum("anyOf" in part for part in parts)
    return strict if sum(map(_optional, parts)) <= MOST_OPTIONAL and unions <= MOST_UNIONS else None


def _strict(schema: Any, definitions: Schema) -> dict[str, Any]:
    """One schema of the tree. Raises _Inexpressible."""
    if not isinstance(schema, Mapping):
        raise _Inexpressible
    told = {key: value for key, value in schema.items() if key not in LEFT_OUT}
    if "$ref" in told:
        return _referring(told, definitions)
    if isinstance(kinds := told.get("type"), list):
        rest = {key: value for key, value in told.items() if key not in ("type", "description")}
        told = {**_described(told), "anyOf": [{**_fitting(rest, kind), "type": kind} for kind in kinds]}
    if "oneOf" in told and "anyOf" not in told:
        told["anyOf"] = told.pop("oneOf")
    if "anyOf" in told:
        return _union(told, definitions)
    if "enum" in told or "const" in told:
        return _literal(told)
    return _typed(told, definitions)


def _referring(told: dict[str, Any], definitions: Schema) -> dict[str, Any]:
    """A reference stands alone; with words of its own beside it, the definition takes its place."""
    name = str(told["$ref"]).removeprefix(DEFINED)
    if name not in definitions:
        raise _Inexpressible
    beside = {key: value for key, value in told.items() if key != "$ref"}
    return _strict({**definitions[name], **beside}, definitions) if beside else {"$ref": told["$ref"]}


def _union(told: dict[str, Any], definitions: Schema) -> dict[str, Any]:
    if told.keys() - {"anyOf", "description"}:
        raise _Inexpressible
    return {**_described(told), "anyOf": [_strict(each, definitions) for each in told["anyOf"]]}


def _literal(told: dict[str, Any]) -> dict[str, Any]:
    values = told["enum"] if "enum" in told else [told["const"]]
    if not values or any(isinstance(value, dict | list) for value in values):
        raise _Inexpressible
    return {**_described(told), **{key: told[key] for key in ("enum", "const") if key in told}}


def _typed(told: dict[str, Any], definitions: Schema) -> dict[str, Any]:
    kind = told.get("type")
    enforced: dict[str, Any] = {"type": kind}
    if kind == "object":
        enforced |= _object(told, definitions)
    elif kind == "array":
        enforced["items"] = _strict(told.get("items"), definitions)
        if told.get("minItems") in (0, 1):
            enforced["minItems"] = told["minItems"]
    elif kind not in PLAIN:
        raise _Inexpressible
    elif told.get("format") in FORMATS:
        enforced["format"] = told["format"]
    said = {key: value for key, value in told.items() if key in SAID and key not in enforced}
    if told.keys() - KEPT - SAID:
        raise _Inexpressible
    return {**_described(told, said), **enforced}


def _object(told: dict[str, Any], definitions: Schema) -> dict[str, Any]:
    properties = told.get("properties") or {}
    if not properties or isinstance(told.get("additionalProperties"), Mapping):
        raise _Inexpressible  # its names are open: a strict one would always be empty
    strict = {name: _strict(each, definitions) for name, each in properties.items()}
    required = [name for name in told.get("required") or () if name in properties]
    return {"properties": strict, "required": required, "additionalProperties": False}


def _described(told: Schema, said: Schema | None = None) -> dict[str, Any]:
    """The description, with what nobody enforces."""
    bounds = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in (said or {}).items()]
    words = [told.get("description"), f"({', '.join(bounds)})" if bounds else None]
    description = " ".join(filter(None, words))
    return {"description": description} if description else {}


def _fitting(schema: Schema, kind: str) -> dict[str, Any]:
    """Of a schema with several types, what concerns one of them."""
    about = {"object": ("properties", "required", "additionalProperties"), "array": ("items",)}
    away = {key for other, keys in about.items() if other != kind for key in keys}
    away |= SAID if kind == "null" else set()
    return {key: value for key, value in schema.items() if key not in away}


def _optional(strict: Schema) -> int:
    return len(strict.get("properties", ())) - len(strict.get("required", ()))


def _parts(schema: Schema) -> Iterator[Schema]:
    """All schemas within a strict one, itself too."""
    yield schema
    inner: list[Schema] = [*schema.get("anyOf", ()), *schema.get("properties", {}).values()]
    inner += [*schema.get("$defs", {}).values(), *([schema["items"]] if "items" in schema else [])]
    for each in inner:
        yield from _parts(each)


def _used(strict: Schema, definitions: Schema) -> Sequence[str]:
    """The definitions that a strict schema still refers to, in the order they are given."""
    used: set[str] = set()
    waiting = list(_names(strict))
    while waiting:
        if (name := waiting.pop()) not in used:
            used.add(name)
            waiting += _names(_strict(definitions[name], definitions))
    return [name for name in definitions if name in used]


def _names(strict: Schema) -> Iterator[str]:
    return (str(part["$ref"]).removeprefix(DEFINED) for part in _parts(strict) if "$ref" in part)


def _refers_to_itself(name: str, definitions: Schema) -> bool:
    seen: set[str] = set()
    waiting = list(_mentioned(definitions[name]))
    while waiting:
        if (found := waiting.pop()) == name:
            return True
        if found in definitions and found not in seen:
            seen.add(found)
            waiting += _mentioned(definitions[found])
    return False


def _mentioned(value: Any) -> Iterator[str]:
    """The names of all references within any JSON."""
    if isinstance(value, Mapping):
        if isinstance(reference := value.get("$ref"), str):
            yield reference.removeprefix(DEFINED)
        for inner in value.values():
            yield from _mentioned(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _mentioned(inner)
