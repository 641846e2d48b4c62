"""The request plan: what context decided to send, before the SDK."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from antiphon.domain.messages import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPlan:
    """One model request. `messages` are wire dicts: `{"role": …, "content": [block, …]}`."""

    model: str
    max_tokens: int
    messages: tuple[dict[str, Any], ...]
    system: tuple[Block, ...] = ()
    tools: tuple[dict[str, Any], ...] = ()
    principal: str = ""
    """Whose files its messages refer to; empty where they refer to none."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further parameters of the Messages API by their own names: thinking, output_config, stop_sequences …"""
