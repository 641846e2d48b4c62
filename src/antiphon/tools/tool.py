"""A tool as the engine sees it, wherever it comes from."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from antiphon.domain.messages import Block

Effect: TypeAlias = Literal["pure", "idempotent", "once"]
"""What running it twice does: nothing; what running it once did; or harm."""

ToolCall: TypeAlias = Callable[[dict[str, Any]], Awaitable[str | Sequence[Block]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """`schema` is the JSON schema of its input; `call` gets the input and returns text or content blocks."""

    name: str
    schema: dict[str, Any]
    call: ToolCall
    description: str = ""
    effect: Effect = "once"
    timeout_s: float = 60.0

    def wire(self) -> dict[str, Any]:
        """As the Messages API takes it, keys always in this order."""
        return {"name": self.name, "description": self.description, "input_schema": self.schema}
