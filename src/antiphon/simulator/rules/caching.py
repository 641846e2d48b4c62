"""Cache breakpoints: how many, how long, in which order. Source: the prompt caching page."""

from collections.abc import Iterator, Mapping
from typing import Any

from antiphon.simulator.shape import Call, placed_blocks
from antiphon.simulator.signatures import THINKING

MAX_BREAKPOINTS = 4

AUTOMATIC = "cache_control"


def malformed(call: Call) -> str | None:
    for place, mark in marks(call.body):
        if not isinstance(mark, dict) or mark.get("type") != "ephemeral":
            return f"{place}: Input should be an object whose type is 'ephemeral'"
        if mark.get("ttl") not in (None, "5m", "1h"):
            return f"{place}.ttl: Input should be '5m' or '1h'"
    return None


def on_thinking(call: Call) -> str | None:
    for place, block in placed_blocks(call.body):
        if block.get("type") in THINKING and block.get("cache_control"):
            return f"{place}.{block['type']}.cache_control: Extra inputs are not permitted"
    return None


def too_many(call: Call) -> str | None:
    found = len(list(marks(call.body)))
    if found <= MAX_BREAKPOINTS:
        return None
    return f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {found}."


def automatic_with_another_lifetime(call: Call) -> str | None:
    automatic, own = call.body.get("cache_control"), _last_mark(call.body)
    if automatic and own and (automatic.get("ttl") or "5m") != (own.get("ttl") or "5m"):
        return "cache_control.ttl: the last block has a cache_control with another ttl"
    return None


def _last_mark(body: Mapping[str, Any]) -> Any:
    last = body["messages"][-1]["content"]
    return None if isinstance(last, str) or not last else last[-1].get("cache_control")


def short_before_long(call: Call) -> str | None:
    short = False
    for place, mark in marks(call.body):
        long = mark.get("ttl") == "1h"
        if long and short:
            return (
                f"{place}.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control "
                "block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
            )
        short |= not long
    return None


def marks(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every breakpoint with its place, in the order of the prompt; the automatic one is the last."""
    for index, tool in enumerate(body.get("tools") or ()):
        if tool.get("cache_control"):
            yield f"tools.{index}.cache_control", tool["cache_control"]
    for place, block in placed_blocks(body):
        if block.get("cache_control"):
            yield f"{place}.cache_control", block["cache_control"]
    if body.get("cache_control"):
        yield AUTOMATIC, body["cache_control"]


def warming_with_output(call: Call) -> str | None:
    """`max_tokens` 0 fills the cache and writes nothing, so nothing may be asked about what is written."""
    body = call.body
    if body.get("max_tokens") != 0:
        return None
    forbidden = {
        "stream": body.get("stream"),
        "thinking": (body.get("thinking") or {}).get("type") == "enabled",
        "output_config.format": (body.get("output_config") or {}).get("format"),
        "tool_choice": (body.get("tool_choice") or {}).get("type") in ("any", "tool"),
    }
    named = [name for name, is_set in forbidden.items() if is_set]
    return f"max_tokens: 0 cannot be combined with {named[0]}" if named else None


RULES = (
    malformed,
    on_thinking,
    too_many,
    automatic_with_another_lifetime,
    short_before_long,
    warming_with_output,
)
