"""A tool as the engine sees it, wherever it comes from."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from antiphon.errors import ConfigurationError

Effect: TypeAlias = Literal["pure", "idempotent", "once"]
"""What running it twice does: nothing; what running it once did; or harm."""

EFFECTS: tuple[Effect, ...] = get_args(Effect)

ToolCall: TypeAlias = Callable[[dict[str, Any]], Awaitable[Any]]
"""Gets the input and returns text, content blocks, or anything that can be JSON."""

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
"""Source: the Messages API reference, "Tool use"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """`schema` is the JSON schema of its input.

    Raises:
        ConfigurationError: its name, effect or timeout cannot be used.
    """

    name: str
    schema: dict[str, Any]
    call: ToolCall
    description: str = ""
    effect: Effect = "once"
    timeout_s: float = 60.0
    approval: bool = False
    """Whether a person is asked each time before it runs."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"A tool cannot be named {self.name!r}: 1 to 128 letters, digits, _ and - make a name."
            )
        if self.effect not in EFFECTS:
            raise ConfigurationError(
                f"The effect of tool {self.name} is {self.effect!r}; it can be {', '.join(EFFECTS)}."
            )
        if self.timeout_s <= 0:
            raise ConfigurationError(f"timeout_s of tool {self.name} must be more than 0.")

    def wire(self) -> dict[str, Any]:
        """As the Messages API takes it, keys always in this order."""
        return {"name": self.name, "description": self.description, "input_schema": self.schema}
