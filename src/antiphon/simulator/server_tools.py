"""What Claude's own tools leave in an answer and in its usage. Source: the web search and web fetch pages."""

from collections.abc import Iterable, Mapping
from typing import Any

from antiphon.simulator.clock import rfc3339
from antiphon.simulator.tokens import block_bytes, tokens

COUNTED = {"web_search": "web_search_requests", "web_fetch": "web_fetch_requests"}


def server_tool_use(content: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How often each was used; empty if none was. Only uses with a result count."""
    blocks = list(content)
    answered = {block.get("tool_use_id") for block in blocks if _is_result(block)}
    used = [
        block.get("name")
        for block in blocks
        if block.get("type") == "server_tool_use" and block.get("id") in answered
    ]
    return {field: used.count(name) for name, field in COUNTED.items()} if used else {}


def tokens_of_results(content: Iterable[Mapping[str, Any]]) -> int:
    """What the model read of the results while it answered."""
    return tokens(sum(block_bytes(block) for block in content if _is_result(block)))


def _is_result(block: Mapping[str, Any]) -> bool:
    return str(block.get("type")).endswith("_tool_result")


CONTAINER_LIVES = 30 * 24 * 3600
"""Seconds."""


def container(body: Mapping[str, Any], number: int, now: float) -> dict[str, Any] | None:
    """Where code runs: the one that the request names, or a new one; None if it runs no code."""
    runs = any(str(tool.get("type", "")).startswith("code_execution_") for tool in body.get("tools") or ())
    wanted = body.get("container")
    name = wanted.get("id") if isinstance(wanted, dict) else wanted
    if not runs and name is None:
        return None
    return {"id": name or f"container_sim_{number:06}", "expires_at": rfc3339(now + CONTAINER_LIVES)}
