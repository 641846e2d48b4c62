"""What may be asked about the answer: length, form, speed, place. Source: the Messages API reference."""

from collections.abc import Iterator
from typing import Any

from antiphon.simulator.shape import NO_SAMPLING_SINCE, SAMPLING_FIELDS, Call, all_blocks

MOST_OPTIONAL = 24
MOST_UNIONS = 16

FAST_BY_BETA = ("claude-opus-5", "claude-opus-4-8")
"""Models whose fast mode needs its beta header."""

SAMPLING_DEFAULTS = {"temperature": 1}


def too_long(call: Call) -> str | None:
    wanted, most = call.body.get("max_tokens", 0), call.model.max_tokens
    if wanted <= most:
        return None
    return (
        f"max_tokens: {wanted} > {most}, which is the maximum allowed number of output tokens for "
        f"{call.model.id}"
    )


def sampling(call: Call) -> str | None:
    """Under the old version old models alone take other values than the defaults."""
    if call.version >= NO_SAMPLING_SINCE or call.model.sampling:
        return None
    for name in sorted(SAMPLING_FIELDS & call.body.keys()):
        if call.body[name] != SAMPLING_DEFAULTS.get(name):
            return f"{name}: this model only supports the default value"
    return None


def stop_sequence(call: Call) -> str | None:
    for each in call.body.get("stop_sequences") or ():
        if not isinstance(each, str) or not each.strip():
            return "stop_sequences: each stop sequence must contain non-whitespace"
    return None


def output_format(call: Call) -> str | None:
    wanted = (call.body.get("output_config") or {}).get("format")
    if wanted is None:
        return None
    if wanted.get("type") != "json_schema" or not isinstance(wanted.get("schema"), dict):
        return "output_config.format: Input should be {'type': 'json_schema', 'schema': {…}}"
    if any((block.get("citations") or {}) == {"enabled": True} for _, block in all_blocks(call.body)):
        return "output_config.format: structured output cannot be combined with citations"
    return _schema_problem(wanted["schema"])


def _schema_problem(schema: dict[str, Any]) -> str | None:
    parts = list(_schemas(schema))
    objects = [part for part in parts if part.get("type") == "object"]
    if any(part.get("additionalProperties") is not False for part in objects):
        return (
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set "
            "to false"
        )
    optional = sum(_optional(part) for part in objects)
    if optional > MOST_OPTIONAL:
        return f"output_config.format.schema: at most {MOST_OPTIONAL} properties may be optional"
    unions = sum("anyOf" in part or isinstance(part.get("type"), list) for part in parts)
    if unions > MOST_UNIONS:
        return f"output_config.format.schema: at most {MOST_UNIONS} unions are allowed"
    return None


def _optional(schema: dict[str, Any]) -> int:
    return len(set(schema.get("properties") or ()) - set(schema.get("required") or ()))


def _schemas(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a schema that may be a schema itself."""
    match value:
        case dict():
            yield value
            for inner in value.values():
                yield from _schemas(inner)
        case list():
            for inner in value:
                yield from _schemas(inner)
        case _:
            pass


def speed(call: Call) -> str | None:
    wanted = call.body.get("speed")
    if wanted in (None, "standard"):
        return None
    if wanted != "fast":
        return "speed: Input should be 'standard' or 'fast'"
    by_beta = call.model.id in FAST_BY_BETA
    if not call.model.fast or (by_beta and not call.has_beta("fast-mode-")):
        return "speed: 'fast' is not supported on this model" + (
            " without its beta header" if by_beta else ""
        )
    return None


def geography(call: Call) -> str | None:
    if call.body.get("inference_geo") is not None and not call.model.geo:
        return "inference_geo: this model does not support it"
    return None


def service_tier(call: Call) -> str | None:
    if call.body.get("service_tier") not in (None, "auto", "standard_only"):
        return "service_tier: Input should be 'auto' or 'standard_only'"
    return None


def compaction(call: Call) -> str | None:
    """A summary on demand is asked for alone, at the end of a turn."""
    if not call.body.get("compaction"):
        return None
    refused = {
        "context_management": call.body.get("context_management"),
        "stop_sequences": call.body.get("stop_sequences"),
        "output_config.format": (call.body.get("output_config") or {}).get("format"),
        "tool_choice": (call.body.get("tool_choice") or {}).get("type") in ("any", "tool"),
    }
    named = [name for name, is_set in refused.items() if is_set]
    return f"compaction cannot be combined with {named[0]}" if named else None


RULES = (compaction, too_long, sampling, stop_sequence, output_format, speed, geography, service_tier)
