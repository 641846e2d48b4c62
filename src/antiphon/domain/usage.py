"""Tokens by kind, as Claude reports them. Addable: `Usage + Usage`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

MOST_TOKENS = 2**32
"""More of one kind are taken for so many: no request has them, and what they cost can be stored and added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Token counts of one or more requests. `input_tokens` counts uncached input only.

    Source: the Messages API's `usage` object; `cache_write_5m_tokens` and `cache_write_1h_tokens` are its
    `cache_creation.ephemeral_*_input_tokens`.
    """

    input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    cache_read_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    """Part of `output_tokens`, not beside it."""
    web_search_requests: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(Usage)})

    @property
    def total_input_tokens(self) -> int:
        """Everything that was read as input: uncached, written to the cache, read from it."""
        return (
            self.input_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
            + self.cache_read_tokens
        )

    @property
    def cache_hit_ratio(self) -> float:
        """Cache reads over all input tokens; 0.0 before any input."""
        return self.cache_read_tokens / self.total_input_tokens if self.total_input_tokens else 0.0


def tokens_of(value: Any) -> int:
    """A count as it came; 0 for what is none."""
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return min(max(value, 0), MOST_TOKENS)


def usage_from_wire(wire: Mapping[str, Any]) -> Usage:
    """Read a Messages API `usage` object. What is absent, null, no whole number or less counts as zero.

    Where the split of cache writes by lifetime is absent, all of them count as 5-minute writes, the API's
    default.
    """

    def number(source: Any, key: str) -> int:
        return tokens_of(source.get(key)) if isinstance(source, Mapping) else 0

    split = wire.get("cache_creation")
    write_1h = number(split, "ephemeral_1h_input_tokens")
    write_5m = number(split, "ephemeral_5m_input_tokens")
    if not write_1h and not write_5m:
        write_5m = number(wire, "cache_creation_input_tokens")
    return Usage(
        input_tokens=number(wire, "input_tokens"),
        cache_write_5m_tokens=write_5m,
        cache_write_1h_tokens=write_1h,
        cache_read_tokens=number(wire, "cache_read_input_tokens"),
        output_tokens=number(wire, "output_tokens"),
        thinking_tokens=number(wire.get("output_tokens_details"), "thinking_tokens"),
        web_search_requests=number(wire.get("server_tool_use"), "web_search_requests"),
    )
